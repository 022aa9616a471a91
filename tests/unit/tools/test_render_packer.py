"""The Packer commands, and what its machine-readable output says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.errors import ToolError
from phoenix.tools import packer

LOG = Path("/run/packer.log")


def test_the_commands_carry_no_value_and_phone_nobody() -> None:
    command = packer.build_command(Path("/run/w"), Path("/run/v.pkrvars.hcl"), Path("/tmp/s"), ("secret",))
    assert command.argv[1:] == (
        *("build", "-machine-readable", "-color=false", "-on-error=cleanup"),
        *("-var-file=/run/v.pkrvars.hcl", "."),
    )
    assert command.cwd == Path("/run/w")
    assert command.environment["CHECKPOINT_DISABLE"] == "1"
    assert command.environment["PACKER_CACHE_DIR"] == "/run/w/packer-cache"
    assert packer.validate_command(Path("/run/w")).argv[1:] == ("validate", ".")


@pytest.mark.parametrize(
    ("raw", "kind", "text"),
    [
        (
            "1,,ui,say,==> qemu.image: Waiting for SSH to become available...",
            "ui",
            "Waiting for SSH to become available...",
        ),
        ("1,,ui,message,    qemu.image: TASK [os : x] ***", "ui", "TASK [os : x] ***"),
        (
            "1,,ui,error,Build 'qemu.image' errored: a%!(PACKER_COMMA) b\\nc",
            "ui",
            "Build 'qemu.image' errored: a, b\nc",
        ),
        ("1,qemu.image,error,no disk", "error", "no disk"),
        ("1,qemu.image,artifact-count,1", "artifact-count", ""),
        ("panic: runtime error, with a comma", "ui", "panic: runtime error, with a comma"),
        ("1,,ui,say,\x1b[1;32m==> null.x: done\x1b[0m", "ui", "done"),
        ("1,,ui,say,==> null.x:", "ui", ""),
        ("1,,ui", "ui", ""),
        ("", "ui", ""),
    ],
)
def test_a_line_is_decoded(raw: str, kind: str, text: str) -> None:
    line = packer.parse(raw)
    assert (line.kind, line.text) == (kind, text)


@given(st.text())
def test_no_line_breaks_the_parser(raw: str) -> None:
    line = packer.parse(raw)
    packer.Progress().hear(line)
    assert isinstance(line.text, str)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("1,,ui,say,==> qemu.image: Starting VM", "Starting VM"),
        ("1,,ui,message,    qemu.image: TASK [os : Install packages] ****", "os : Install packages"),
        ("1,,ui,message,    qemu.image: ok: [default]", None),
        ("1,,ui,say,==> qemu.image: ok: [default]", "ok: [default]"),
        ("1,qemu.image,artifact-count,1", None),
    ],
)
def test_steps_and_tasks_are_heard(raw: str, told: str | None) -> None:
    assert packer.Progress().hear(packer.parse(raw)) == told


PLAYED = (
    ("Connected to SSH!", "Connected to SSH!"),
    ("Executing Ansible: /v/bin/ansible-playbook -e packer_build_name=image", None),
    ("", None),
    ("PLAY [Mark] ****", None),
    ("TASK [Write the mark] ****", "Write the mark"),
    ("changed: [default]", None),
    ("PLAY RECAP ****", None),
    ("default                    : ok=1    changed=1    unreachable=0    failed=0", None),
    ("", None),
    ("Stopping the source instance...", "Stopping the source instance..."),
    ("Executing Ansible: /v/bin/ansible-playbook again", None),
    ("[ERROR]: the playbook could not be found", None),
)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("ui,say,==> image.x: ", "ui,message,    image.x: "), ("ui,say,==> image.x: ", "ui,say,==> image.x: ")],
    ids=["up to 1.12", "from 1.13 on"],
)
def test_of_what_the_playbook_prints_its_tasks_are_heard(ours: str, theirs: str) -> None:
    """An empty line of it is `==> image.x:` in new ones."""
    progress = packer.Progress()
    own = {text for text, _told in PLAYED if text.startswith(("Connected", "Executing", "Stopping"))}
    lines = [f"1,,{ours if text in own else theirs}{text}".rstrip() for text, _told in PLAYED]
    assert [progress.hear(packer.parse(line)) for line in lines] == [told for _text, told in PLAYED]
    assert progress.hear(packer.parse("1,,ui,error,Error executing Ansible: Non-zero exit status")) is None
    assert progress.hear(packer.parse(f"1,,{ours}Terminating the source AWS instance...")) is not None


def test_a_failed_playbook_is_told_as_such() -> None:
    texts = [
        "TASK [nodejs : Install node.js] ****",
        "[ERROR]: Task failed: Module failed: no available installation candidate",
        "Origin: /run/w/playbooks/roles/nodejs/tasks/main.yml:27:3",
        'fatal: [default]: FAILED! => {"changed": false, "msg": "no available installation candidate"}',
        "Provisioning step had errors: Running the cleanup provisioner, if present...",
        "Build 'qemu.image' errored: Error executing Ansible: Non-zero exit status: exit status 2",
    ]
    error = packer.failure(texts, texts[-1:], workspace=Path("/run/w"), log=LOG)
    assert isinstance(error, ToolError)
    assert error.brief == "the playbook failed at the task 'nodejs : Install node.js'"
    assert error.details == "roles/nodejs/tasks/main.yml:27:3\nno available installation candidate"


def test_a_machine_that_never_answered_is_told_as_such() -> None:
    texts = ["Waiting for SSH to become available...", "Timeout waiting for SSH."]
    error = packer.failure(texts, texts[-1:], workspace=Path("/run/w"), log=LOG)
    assert error.brief == "the builder machine never let Packer log in"
    assert "console" in error.resolution


def test_any_other_failure_carries_what_packer_said() -> None:
    error = packer.failure(["x", "boom"], ["boom", "boom"], workspace=Path("/run/w"), log=LOG)
    assert (error.brief, error.details) == ("packer failed", "boom")
    silent = packer.failure(["panic: x"], [], workspace=Path("/run/w"), log=LOG)
    assert silent.details == "panic: x"
