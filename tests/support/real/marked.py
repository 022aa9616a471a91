"""A small foundation image that tests bake on the shared os image (one task, one test), and bakes that are cut off."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.model import ImageType
from phoenix.spec.images import ImageName
from phoenix.wait import Look, Verdict, wait_for
from tests.support.real.shell import Shell

IMAGE = ImageName(type=ImageType.FOUNDATION, name="marked")
FILE = "made-by-a-test"
_PLAYBOOK = """---
- name: Mark
  hosts: all
  become: true
  gather_facts: false
  tasks:
    - name: Write the mark
      ansible.builtin.copy:
        content: "{content}\\n"
        dest: /etc/{file}
        mode: "0644"
"""


def add(shell: Shell) -> Shell:
    """Give the project the image foundation/marked."""
    write_playbook(shell)
    recipe = f'    marked: {{os: debian-12, playbook: mark.yml, tests: ["grep -q one /etc/{FILE}"]}}\n'
    spec = shell.directory / "phoenix.yaml"
    spec.write_text(re.sub(r"(  foundation:\n)", rf"\g<1>{recipe}", spec.read_text(), count=1))
    return shell


def write_playbook(shell: Shell, content: str = "one") -> None:
    """Another content makes another image; only `one` passes its test."""
    (shell.directory / "playbooks" / "mark.yml").write_text(playbook(content))


def playbook(content: str) -> str:
    """One task: it writes `content` into /etc/FILE."""
    return _PLAYBOOK.format(content=content, file=FILE)


def images_of(shell: Shell) -> Path:
    """The directory of the project's images."""
    return Path(shell.run("image", "show", "os/debian-12")["image"]["where"]["directory"]).parent


def processes_naming(text: str) -> list[str]:
    """The command lines of all processes that have `text` in their arguments."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if text in line:
                found.append(line)
    return found


def start_until(shell: Shell, moment: str, *arguments: str) -> subprocess.Popen[str]:
    """The command in the background, once it has said `moment`."""
    process = shell.start(*arguments)
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if moment in line:
            return process
    raise AssertionError(f"it never said {moment!r}:\n{''.join(said)}")


def wait_until_quiet(images: Path) -> None:
    """Wait until no process works on the images: the kernel ends what a dead one had started."""

    def look() -> Look:
        left = processes_naming(str(images))
        return Look(verdict=Verdict.UNKNOWN if left else Verdict.PASS, seen="\n".join(left))

    wait_for("the end of everything the bake had started", look, clock=SystemClock(), deadline=20, interval=0.05)
