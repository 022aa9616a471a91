"""`kill -9` at every step of every change of a repository: machines see what they saw, and the next change is clean."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from phoenix.model import Repository
from phoenix.tools import serve
from phoenix.tools.aptly_root import Root
from tests.support.real.machine_of_apt import MachineOfApt
from tests.support.real.ports import free_port
from tests.support.real.repository_bench import finish, make_deb, phoenix, write_project
from tests.support.real.shell import Shell

pytestmark = pytest.mark.full

FIRST = ("snapshot-before", "add", "snapshot", "switch", "read-back")
ROLLBACK = ("match", "snapshot", "switch", "read-back")
PRUNE = ("match-former", "remove-former", "snapshot-former", "match", "remove", "snapshot", "switch", "read-back")
ROTATE = ("make-key", "snapshot", "switch", "read-back")
FINISH = ("one-key", "snapshot", "switch", "read-back")
REPLACE = ("remove-old", "add", "snapshot", "switch", "read-back")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    root = Root(path=write_project(tmp_path, port=free_port()))
    yield Shell(directory=tmp_path)
    serve.stop(root)


def publish(shell: Shell, *versions: str) -> None:
    for version in versions:
        shell.run("publish", str(make_deb(shell.directory, "hello", version)))


def kill_at(shell: Shell, step: str, *arguments: str) -> None:
    """Start a command and kill it when the step begins."""
    run = phoenix(shell.directory, *arguments)
    assert run.stderr is not None
    for line in run.stderr:
        if f" {step} ..." in line:
            os.kill(run.pid, signal.SIGKILL)
            break
    assert finish(run)[0] == -signal.SIGKILL, f"{step} did not begin"


def versions(shell: Shell) -> list[str]:
    shown = shell.run("repository", "show")["repository"]["packages"]
    return [package["version"] for package in shown]


def sound(shell: Shell, *wanted: str) -> None:
    """The next publication goes well, machines see just that and what is wanted, and trust it."""
    publish(shell, "9.0")
    assert versions(shell) == ["9.0", *wanted]
    facts = shell.run("repository", "show")["repository"]
    machine = MachineOfApt(shell.directory / "machine")
    key = (shell.directory / "aptly/public/key.asc").read_text()
    machine.use(Repository(name="main", url=facts["url"], distribution="bookworm", key=key))
    code, said = machine.apt_get("update", "--error-on=any")
    assert code == 0, said
    code, said = machine.apt_get("install", f"hello={wanted[-1] if wanted else '9.0'}")
    assert code == 0, said
    states = [state for state in shell.run("repository", "history")["states"] if not state["retired"]]
    assert [state["shown"] for state in states] == [True, *(False for _each in states[1:])]
    assert all(state["what"] for state in states), "a state that was never shown is none"


@pytest.mark.parametrize("step", FIRST)
def test_the_first_publication(shell: Shell, step: str) -> None:
    kill_at(shell, step, "publish", str(make_deb(shell.directory, "hello", "1.0")))
    sound(shell)


@pytest.mark.parametrize("step", ROLLBACK)
def test_a_rollback(shell: Shell, step: str) -> None:
    publish(shell, "1.0", "2.0")
    kill_at(shell, step, "repository", "rollback")
    sound(shell, "2.0", "1.0")


@pytest.mark.parametrize("step", [*PRUNE, "retire"])
def test_a_pruning(shell: Shell, step: str) -> None:
    publish(shell, "1.0", "2.0", "3.0")
    kill_at(shell, step, "repository", "prune", "--keep", "1")
    sound(shell, "3.0", "2.0", *(() if step == "retire" else ("1.0",)))


@pytest.mark.parametrize("step", ROTATE)
def test_a_rotation(shell: Shell, step: str) -> None:
    publish(shell, "1.0")
    kill_at(shell, step, "repository", "key", "rotate")
    sound(shell, "1.0")
    assert len(shell.run("repository", "key", "show")["keys"]) == 1
    shell.run("repository", "key", "rotate")
    assert len(shell.run("repository", "key", "show")["keys"]) == 2


@pytest.mark.parametrize("step", [*FINISH, "drop-keys"])
def test_the_end_of_a_rotation(shell: Shell, step: str) -> None:
    publish(shell, "1.0")
    shell.run("repository", "key", "rotate")
    kill_at(shell, step, "repository", "key", "rotate", "--finish")
    sound(shell, "1.0")
    assert len(shell.run("repository", "key", "show")["keys"]) == (1 if step == "drop-keys" else 2)


@pytest.mark.parametrize("step", REPLACE)
def test_a_replacement(shell: Shell, step: str) -> None:
    publish(shell, "1.0")
    before = shell.run("repository", "show")["repository"]["packages"]
    changed = str(make_deb(shell.directory, "hello", "1.0", content="changed"))
    kill_at(shell, step, "publish", changed, "--replace", "--why", "a test")
    sound(shell, "1.0")
    after = shell.run("repository", "show")["repository"]["packages"]
    assert after[1] == before[0]
