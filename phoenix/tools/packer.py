"""Packer: its version, the commands, what it says while it works, and what it failed at.

Works with what is on PATH, from 1.6.6 on. Its machine-readable output has shown sensitive values in clear up to
1.15.0, so every line is decoded and scrubbed here before anybody sees it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phoenix.errors import PhoenixError, SpecError, ToolError
from phoenix.tools import ansible, memory_file, process
from phoenix.tools.process import Command
from phoenix.tools.process_output import scrub
from phoenix.tools.render import hcl

VALIDATE_TIMEOUT = 120.0
"""Seconds."""
CACHE = "packer-cache"
"""The directory of a workspace that Packer keeps its own files in."""
QUIET = {"CHECKPOINT_DISABLE": "1"}
"""A variable of every Packer: it looks for no newer one of itself."""
SHOWN_LINES = 15
"""Of what Packer printed, in an error."""

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_PREFIX = re.compile(r"(?:==> |--> |    )(?:[\w.-]+:(?: |$))?")
"""`==> qemu.image: ` and the like before everything that a build says."""
_ANSIBLE, _RECAP = "Executing Ansible", "PLAY RECAP"
_OF_A_HOST = re.compile(r"\S+ +: ok=\d+ ")
"""A line below the recap of a play."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of `-machine-readable` output. `kind` is `ui`, `error`, `artifact`, ..."""

    kind: str
    data: tuple[str, ...]

    @property
    def text(self) -> str:
        """What the line says to a person; empty where it says nothing."""
        if self.kind == "ui":
            return _PREFIX.sub("", _COLOUR.sub("", self.data[1]), count=1) if len(self.data) > 1 else ""
        return self.data[0] if self.kind == "error" and self.data else ""

    @property
    def is_error(self) -> bool:
        """Whether it tells what went wrong."""
        return self.kind == "error" or (self.kind == "ui" and self.data[:1] == ("error",))


def version() -> tuple[int, int, int]:
    """The version of the Packer on PATH. RefusedError where there is none, ToolError for an answer unlike Packer's."""
    done = process.run(Command(argv=(_program(), "version"), environment=QUIET), timeout=30)
    found = _VERSION.search(done.stdout)
    if not found:
        raise ToolError(
            "packer did not tell its version",
            details=done.stdout[:200],
            resolution="Check that the packer on PATH is HashiCorp's.",
        )
    return int(found[1]), int(found[2]), int(found[3])


def write_values(file: Path, values: Mapping[str, Any]) -> None:
    """Write Packer variables as a `.pkrvars.hcl` file. SpecError for a value that Packer would read as code."""
    refuse_code(values)
    width = max((len(name) for name in values), default=0)
    file.write_text("".join(f"{name:{width}} = {hcl(values[name])}\n" for name in sorted(values)), encoding="utf-8")


def refuse_code(values: Mapping[str, Any]) -> None:
    """Raise SpecError where a text holds `{{`, in which Packer looks for code of its own, whatever the quotes."""
    for name, value in values.items():
        if "{{" in hcl(value):
            raise SpecError(
                f"the value of {name} holds '{{{{'",
                details=f"{value!r}: Packer would read what follows as code",
                resolution="Choose a value without it.",
            )


def validate_command(workspace: Path, values: Path | None = None) -> Command:
    """Check the template of the workspace; `values` is a further `.pkrvars.hcl` file."""
    return _command(workspace, ("validate", *_var_file(values), "."))


def build_command(workspace: Path, values: Path | None, sockets: Path, secrets: tuple[str, ...] = ()) -> Command:
    """Build the image of the workspace. `sockets` is a short directory for sockets of ssh and of Packer's plugins.

    `secrets` are values in the output that nobody may see; they stand in no argument.
    """
    arguments = ("build", "-machine-readable", "-color=false", "-on-error=cleanup", *_var_file(values), ".")
    command = _command(workspace, arguments)
    return Command(
        argv=command.argv,
        cwd=command.cwd,
        environment={
            **command.environment,
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
            "TMPDIR": str(sockets),
        },
        secrets=(*secrets, *(_encoded(secret) for secret in secrets)),
    )


def validate(workspace: Path, values: Path | None = None) -> None:
    """Let Packer check the workspace's template. SpecError with what it says of a mistake."""
    done = process.run(validate_command(workspace, values), timeout=VALIDATE_TIMEOUT, check=False)
    if done.code != 0:
        said = _COLOUR.sub("", f"{done.stdout}\n{done.stderr}").strip()
        raise SpecError(
            "Packer does not accept the template",
            details="\n".join(line for line in said.splitlines() if line.strip()),
            resolution="Correct the template or the values; nothing was done.",
        )


def build(
    workspace: Path,
    values: Path | None,
    *,
    log: Path,
    say: Callable[[str], None],
    timeout: float,
    between: Callable[[], None] | None = None,
    secrets: tuple[str, ...] = (),
    vault: bytes = b"",
    around: Callable[[Command, Path], Command] = lambda command, _sockets: command,
) -> None:
    """Build the image of the workspace; `say` hears what Packer and each of the playbook's tasks does.

    `timeout` in seconds; `between` as in `process.run`. `log` gets everything, in plain text. `around` puts the command
    (which writes into a further directory, for sockets) behind a fence, where it starts machines on this computer.
    `vault`: the password of Ansible Vault, for a command that is put behind no fence (a fence hands it in itself).
    Raises ToolError with the reason; Packer has then removed what it had begun.
    """
    heard: list[Line] = []
    progress = Progress()
    secrets = (*secrets, *((vault.decode(errors="replace"),) if vault else ()))
    with (
        tempfile.TemporaryDirectory(prefix="phoenix-") as sockets,
        memory_file.holding(vault) as secret_file,
        log.open("a", encoding="utf-8") as sink,
    ):

        def on_line(raw: str) -> None:
            line = parse(raw)
            heard.append(line)
            text = scrub(line.text, secrets)
            sink.write(f"{text}\n")
            sink.flush()
            told = progress.hear(line)
            if told:
                say(scrub(told, secrets))

        plain = build_command(workspace, values, Path(sockets), secrets)
        command = around(ansible.with_vault(plain, vault, secret_file), Path(sockets))
        done = process.run(command, timeout=timeout, on_line=on_line, between=between, check=False)
    if done.code != 0:
        texts = [scrub(line.text, secrets) for line in heard if line.text]
        errors = [scrub(line.text, secrets) for line in heard if line.text and line.is_error]
        raise failure(texts, errors, workspace=workspace, log=log)


def parse(raw: str) -> Line:
    """A line of the output, decoded. What is not machine-readable (a crash, a usage text) counts as said."""
    fields = raw.split(",")
    if len(fields) < 3 or not fields[0].isdigit():
        return Line(kind="ui", data=("message", raw))
    return Line(kind=fields[2], data=tuple(_decoded(field) for field in fields[3:]))


class Progress:
    """What a person wants to hear of a build: each task of the playbook, and the steps of Packer's own.

    Packer 1.13 and later say their own steps and what the playbook prints in the same way; so what the playbook prints
    is told by where it stands, and is for the log but for its tasks.
    """

    def __init__(self) -> None:
        self._playing = self._ending = False

    def hear(self, line: Line) -> str | None:
        """What of the next line is worth telling."""
        if line.kind != "ui" or len(line.data) < 2:
            return None
        task = ansible.task_of(line.text)
        if task or self._plays(line):
            return task
        return line.text if line.data[1].startswith("==> ") and "\n" not in line.text else None

    def _plays(self, line: Line) -> bool:
        """Whether the playbook says it, and not Packer."""
        if line.text.startswith(_ANSIBLE):
            self._playing, self._ending = True, False
            return True
        if self._ending and line.text.strip() and not _OF_A_HOST.match(line.text):
            self._playing = self._ending = False
        if line.is_error:
            self._playing = False
        if self._playing and line.text.startswith(_RECAP):
            self._ending = True
        return self._playing


def failure(texts: list[str], errors: list[str], *, workspace: Path, log: Path) -> PhoenixError:
    """The error of a build that said `texts`, and `errors` of its failure."""
    said, reason = "\n".join(texts), "\n".join(dict.fromkeys(errors[-SHOWN_LINES:]))
    if "Error executing Ansible" in said:
        return ansible.failed(ansible.failure_of(said, said, workspace / ansible.PLAYBOOKS), log)
    if "Timeout waiting for SSH" in said:
        return ToolError(
            "the builder machine never let Packer log in",
            details=reason,
            resolution=f"See its console for why it did not boot or refused the key. The whole output is in {log}.",
        )
    return ToolError(
        "packer failed",
        details=reason or "\n".join(texts[-SHOWN_LINES:]),
        resolution=f"Mend the cause, then bake again. The whole output is in {log}.",
    )


def _program() -> str:
    return process.require("packer", "packer")


def _command(workspace: Path, arguments: tuple[str, ...]) -> Command:
    return Command(
        argv=(_program(), *arguments),
        cwd=workspace,
        environment={
            **QUIET,
            "HCP_PACKER_REGISTRY": "off",
            "PACKER_CACHE_DIR": str(workspace / CACHE),
            "PACKER_CONFIG": str(workspace / "no-packerconfig"),
            "PACKER_LOG": "",
            "PACKER_NO_COLOR": "1",
            **ansible.environment(workspace),
        },
    )


def _var_file(values: Path | None) -> tuple[str, ...]:
    return (f"-var-file={values}",) if values else ()


def _decoded(field: str) -> str:
    return field.replace("%!(PACKER_COMMA)", ",").replace("\\n", "\n").replace("\\r", "\r")


def _encoded(text: str) -> str:
    return text.replace(",", "%!(PACKER_COMMA)").replace("\n", "\\n").replace("\r", "\\r")
