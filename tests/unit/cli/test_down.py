"""`phoenix down`: everything of this computer stops, but not under a run that goes on or is held."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from phoenix import names
from phoenix.execute.ownership import this_process
from phoenix.record.journal import RunState
from phoenix.tools.process import ProcessId
from tests.support.fakes.desk import SUBJECT, Desk


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A process of this computer that works on something."""
    program = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        yield program
    finally:
        program.kill()
        program.communicate()


def works(desk: Desk, process: subprocess.Popen[bytes]) -> None:
    """The run that was begun is that process's."""
    seen = ProcessId.of(process.pid)
    assert seen is not None
    desk.owner(replace(this_process(1), pid=seen.pid, started=seen.started, boot=seen.boot))


def test_a_held_run_keeps_everything_up(desk: Desk) -> None:
    desk.roll("1.0.0")
    held = desk.roll("2.0.0", "--no-traffic", code=8)["run"]
    error = desk.refused("down", "--yes")
    assert error["brief"] == "a run of this project is held"
    assert held in error["details"]
    assert "--force" in error["resolution"]
    assert desk.cloud.standing


def test_by_force_it_is_given_up_first(desk: Desk) -> None:
    desk.roll("1.0.0")
    held = desk.roll("2.0.0", "--no-traffic", code=8)["run"]
    desk.run("down", "--yes", "--force")
    run = desk.history.run(held)
    assert run is not None
    assert run.state is RunState.ABANDONED
    assert "phoenix down --force" in run.events[-1].data["text"]
    assert not desk.cloud.standing
    assert not desk.history.live()


def test_a_run_whose_process_works_is_taken_and_the_process_waited_for(
    desk: Desk, other: subprocess.Popen[bytes]
) -> None:
    desk.roll("1.0.0")
    owned = desk.begin()
    works(desk, other)
    assert desk.refused("down", "--yes")["brief"] == "a run of this project is going on"
    assert desk.cloud.standing
    waited: list[int] = []

    def notice() -> None:
        """It sees at its next write that the run is no longer its own, and ends."""
        waited.append(len(desk.cloud.standing))
        other.kill()
        other.wait()

    desk.clock.on_sleep = notice
    desk.run("down", "--yes", "--force")
    assert waited, "its process was waited for"
    assert waited[0], "and nothing was stopped before it had ended"
    assert not desk.cloud.standing
    ended = desk.history.run(owned.run.id)
    assert ended is not None
    assert ended.state is RunState.ABANDONED


def test_a_process_that_does_not_end_is_named_and_nothing_is_stopped(
    desk: Desk, other: subprocess.Popen[bytes]
) -> None:
    desk.roll("1.0.0")
    desk.begin()
    works(desk, other)
    error = desk.refused("down", "--yes", "--force")
    assert "does not end" in error["brief"]
    assert f"kill {other.pid}" in error["resolution"]
    assert desk.cloud.standing


def test_a_dead_process_is_waited_for_by_nobody(desk: Desk) -> None:
    desk.begin()
    desk.bury()
    desk.refused("down", "--yes")
    before = desk.clock.seconds
    desk.run("down", "--yes", "--force")
    assert desk.clock.seconds == before
    assert desk.history.live_run(SUBJECT) is None


def test_a_run_elsewhere_needs_nothing_of_this_computer(desk: Desk) -> None:
    desk.on_aws()
    desk.roll("1.0.0")
    held = desk.roll("2.0.0", "--no-traffic", code=8)["run"]
    desk.run("down", "--yes")
    assert [run.id for run in desk.history.live()] == [held]


def test_a_terraform_run_goes_on(desk: Desk, other: subprocess.Popen[bytes]) -> None:
    desk.roll("1.0.0")
    stack = str(names.of_stack("ground"))
    begun = desk.begin("stack", subject=stack)
    seen = ProcessId.of(other.pid)
    assert seen is not None
    desk.owner(replace(this_process(1), pid=seen.pid, started=seen.started, boot=seen.boot), stack)
    desk.run("down", "--yes", "--force")
    assert not desk.cloud.standing
    assert [(run.id, run.state) for run in desk.history.live()] == [(begun.run.id, RunState.RUNNING)]
    assert other.poll() is None, "nobody has interrupted it"
