"""The ansible-playbook command, and what its output says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from phoenix.tools import ansible
from phoenix.tools.process import Command

TASK = "TASK [nodejs : Install node.js] ************************************************"
FATAL = 'fatal: [builder]: FAILED! => {"changed": false, "msg": "no available installation candidate for nodejs=99.1"}'
ERROR = """\
[ERROR]: Task failed: Module failed: no available installation candidate for nodejs=99.1
Origin: /run/w/playbooks/roles/nodejs/tasks/main.yml:27:3

25   when: nodejs_source_url | length > 0
"""
HERE = Path("/run/w/playbooks")


def test_the_command_for_a_chroot() -> None:
    command = ansible.chroot_command(Path("/run/w"), Path("/run/root dir"))
    program, inventory, *variables, playbook = command.argv
    assert program == str(Path(sys.executable).parent / "ansible-playbook")
    assert (inventory, playbook) == ("--inventory=builder,", "phoenix-bake.yml")
    assert variables == ["--extra-vars", "@variables.json"]
    assert command.environment["ANSIBLE_TRANSPORT"] == "chroot"
    assert command.environment["PHOENIX_CHROOT_ROOT"] == "/run/root dir"
    assert command.environment["ANSIBLE_BECOME_METHOD"] == "su"
    assert command.cwd == HERE


def test_the_command_for_a_light_machine() -> None:
    command = ansible.light_command(Path("/run/w"), Path("/run/door"))
    assert command.argv[-1] == "phoenix-bake.yml"
    assert command.environment["ANSIBLE_TRANSPORT"] == "light"
    assert command.environment["PHOENIX_DOOR"] == "/run/door"


def test_what_a_builder_tells_is_heard_among_the_tasks(tmp_path: Path) -> None:
    heard: list[str] = []
    script = f"echo '{TASK}'; echo 'phoenix: the machine starts anew'; echo 'changed: [builder]'; echo 'a phoenix: no'"
    command = Command(argv=("sh", "-c", script))
    ansible.run(command, log=tmp_path / "log", say=heard.append, timeout=60)
    assert heard == ["nodejs : Install node.js", "the machine starts anew"]


def test_the_command_for_a_machine() -> None:
    machine = ansible.Ssh(host="127.0.0.1", port=2222, user="root", key=Path("/k"), sockets=Path("/tmp/s"))
    command = ansible.ssh_command(Path("/run/w"), machine, "phoenix.yml")
    assert command.argv[-1] == "phoenix.yml"
    assert json.loads(command.argv[-2])["ansible_port"] == 2222
    assert command.environment["ANSIBLE_SSH_CONTROL_PATH_DIR"] == "/tmp/s"


def test_ansible_sees_the_workspace_and_not_this_computer() -> None:
    environment = ansible.environment(Path("/run/w"))
    assert environment["ANSIBLE_CONFIG"] == "/run/w/playbooks/ansible.cfg"
    assert environment["ANSIBLE_HOME"] == "/run/w/ansible-home"
    assert environment["ANSIBLE_LOCAL_TEMP"].startswith("/run/w/")


@pytest.mark.parametrize(
    ("line", "task"),
    [
        (TASK, "nodejs : Install node.js"),
        ("RUNNING HANDLER [web : Reload] ***", "web : Reload"),
        (
            "TASK [os : Validating arguments against arg spec 'main' - A hardened Debian] ***",
            "os : check the variables",
        ),
        ("PLAY [Node.js] ***", None),
        ("ok: [builder]", None),
        ('  "msg": "TASK [x] ***"', None),
    ],
)
def test_tasks_are_heard(line: str, task: str | None) -> None:
    assert ansible.task_of(line) == task


def test_a_failed_task_is_told_with_its_place_and_reason() -> None:
    failure = ansible.failure_of(f"{TASK}\n{ERROR}\n{FATAL}\n", "[WARNING]: x", HERE)
    assert failure == ansible.Failure(
        task="nodejs : Install node.js",
        place="roles/nodejs/tasks/main.yml:27:3",
        why="no available installation candidate for nodejs=99.1",
    )


def test_the_end_of_what_a_failed_command_printed_is_told() -> None:
    result = {
        "msg": "non-zero return code",
        "stderr": "\n".join(f"line {n}" for n in range(40)),
        "stdout": "begun\r\n\r\n",
    }
    failure = ansible.failure_of(f"TASK [x] *\nfatal: [b]: FAILED! => {json.dumps(result)}", "", None)
    assert failure.why.splitlines()[:3] == ["non-zero return code", "begun", "line 25"]
    assert failure.why.splitlines()[-1] == "line 39"
    assert len(failure.why.splitlines()) == 17


def test_the_first_error_of_a_long_output_is_told() -> None:
    """dpkg names the cause, goes on with other packages, and ends with their names alone."""
    printed = [
        *(f"Setting up package-{n} ..." for n in range(50)),
        "update-alternatives: error: error creating symbolic link '/usr/share/man/man1/java.1.gz.dpkg-tmp'",
        "dpkg: error processing package openjdk-17-jre-headless:amd64 (--configure):",
        " installed openjdk-17-jre-headless:amd64 package post-installation script subprocess returned 2",
        *(f"Processing triggers for package-{n} ..." for n in range(30)),
        "Errors were encountered while processing:",
        " openjdk-17-jre-headless:amd64",
    ]
    result = {"msg": "'/usr/bin/apt-get install' failed", "stdout": "\n".join(printed)}
    why = ansible.failure_of(f"TASK [x] *\nfatal: [b]: FAILED! => {json.dumps(result)}", "", None).why.splitlines()
    assert why[1:4] == printed[50:53]
    assert why[9] == "..."
    assert why[-15:] == printed[-15:]
    assert len(why) == 25


def test_an_error_among_the_last_lines_is_told_once() -> None:
    printed = [*(f"line {n}" for n in range(20)), "E: Unable to locate package nodjes"]
    result = {"msg": "failed", "stderr": "\n".join(printed)}
    why = ansible.failure_of(f"TASK [x] *\nfatal: [b]: FAILED! => {json.dumps(result)}", "", None).why.splitlines()
    assert why == ["failed", *printed[-15:]]


@pytest.mark.parametrize(
    ("message", "told"),
    [("one\ntwo\n", "one\ntwo"), (["one", "two"], "one\ntwo"), ("Assertion failed", "Assertion failed")],
)
def test_a_result_of_several_lines_is_told_whole(message: object, told: str) -> None:
    """As `assert` prints it."""
    result = json.dumps({"assertion": "1 == 2", "changed": False, "msg": message}, indent=4)
    printed = f"TASK [x] *\nfatal: [b]: FAILED! => {result}\n\nPLAY RECAP ***\n"
    assert ansible.failure_of(printed, "", None) == ansible.Failure(task="x", place="", why=f"{told}\nnot true: 1 == 2")
    ignored = f"TASK [x] *\nfatal: [b]: FAILED! => {result}\n...ignoring\n{TASK}\n{FATAL}\n"
    assert ansible.failure_of(ignored, "", None).task == "nodejs : Install node.js"


def test_an_ignored_failure_is_not_the_reason() -> None:
    ignored = 'TASK [first] *\nfatal: [b]: FAILED! => {"msg": "harmless"}\n...ignoring\n'
    assert ansible.failure_of(f"{ignored}{TASK}\n{FATAL}", "", None).task == "nodejs : Install node.js"
    assert ansible.failure_of(ignored, "the end", None) == ansible.Failure(task="", place="", why="the end")


def test_a_machine_that_cannot_be_reached_is_told() -> None:
    line = 'fatal: [default]: UNREACHABLE! => {"changed": false, "msg": "Failed to connect", "unreachable": true}'
    assert ansible.failure_of(f"TASK [x] *\n{line}", "", None).why == "Failed to connect"


def test_one_item_of_a_loop_is_told() -> None:
    line = 'failed: [builder] (item=a => b) => {"msg": "no such unit", "item": "a"}'
    assert ansible.failure_of(f"TASK [x] *\n{line}", "", None).why == "no such unit"


def test_a_syntax_error_is_told_with_its_place() -> None:
    stderr = "[ERROR]: 'taskss' is not a valid attribute for a Play\nOrigin: /run/w/playbooks/site.yml:2:3\n"
    failure = ansible.failure_of("", stderr, HERE)
    assert failure == ansible.Failure(task="", place="site.yml:2:3", why="'taskss' is not a valid attribute for a Play")


@pytest.mark.parametrize(
    ("why", "missing"),
    [
        ("couldn't resolve module/action 'acme.tools.saw'. This often indicates a misspelling", True),
        ("the role 'web' was not found in /run/w/playbooks/roles:/run/w/playbooks", True),
        ("No filter named 'acme.tools.forge'.", True),
        ("the file 'web' was not found", False),
    ],
)
def test_what_is_missing_is_told_with_what_brings_it(tmp_path: Path, why: str, missing: bool) -> None:
    failure = ansible.Failure(task="x", place="site.yml:2:3", why=why)
    resolution = ansible.failed(failure, tmp_path).resolution
    assert ["phoenix galaxy install" in text for text in (failure.told, resolution)] == [missing, missing]


def test_output_that_says_nothing_gives_its_last_lines() -> None:
    assert ansible.failure_of("", "Traceback\nKeyError: 'x'\n", None).why == "Traceback\nKeyError: 'x'"
    assert ansible.failure_of("TASK [x] *\nfatal: [b]: FAILED! => {cut off", "", None).why == "{cut off"
