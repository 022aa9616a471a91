"""A hook ends with all that it started: at its own end, and at its time limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.errors import ToolError
from phoenix.execute import hooks
from phoenix.execute.engine import Context
from phoenix.plan.roll_actions import RunHooks
from phoenix.record.journal import Part
from phoenix.record.origin import UNTOLD
from phoenix.tools.process import ProcessId


def run(directory: Path, command: str, timeout: float) -> list[str]:
    """Run the hook as a roll does; what it said."""
    said: list[str] = []
    action = RunHooks(point="before_traffic", group="g", commands=(command,), timeouts=(timeout,), digests=("",))
    context = Context(
        run_id="roll-1",
        origin=UNTOLD,
        part=Part.STEPS,
        step="hooks",
        deadline=timeout,
        log_directory=directory,
        say=said.append,
        came_to=(),
        renew=lambda: None,
    )
    hooks.runner(directory)(action, {}, context)
    return said


def left(directory: Path) -> bool:
    """Whether what the hook has started still runs."""
    return ProcessId.of(int((directory / "pid").read_text())) is not None


STARTS = "setsid sh -c 'echo $$ > pid.new; mv pid.new pid; exec sleep 9000' & while [ ! -e pid ]; do :; done; "


def test_what_it_leaves_in_a_session_of_its_own_does_not_outlive_it(tmp_path: Path) -> None:
    said = run(tmp_path, f"{STARTS}echo done", timeout=600)
    assert "done" in said
    assert any("left running: sleep 9000" in line for line in said), "it is told, and does not keep the roll waiting"
    assert not left(tmp_path)
    assert "left running" in (tmp_path / "hook-hooks.log").read_text()


def test_nor_does_it_outlive_the_time_limit(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="failed") as error:
        run(tmp_path, f"{STARTS}exec sleep 9000", timeout=3)
    assert "time limit 3 s" in error.value.details
    assert not left(tmp_path)
