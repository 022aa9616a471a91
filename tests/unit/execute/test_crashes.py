"""The process dies before, in or after every single write to the store and every single call to the cloud."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from phoenix.record.journal import RunState
from tests.support.real.shared import seed_of_run
from tests.support.rolls.faults import KILLS, Fault, killed, points
from tests.support.rolls.plays import PLAYS, Play, act, again, before, judge, picture, runs, taken_over, wrong
from tests.support.rolls.stage import Stage

SOME_READS = 15
TURNS = 3
"""Days in which each play has had its turn of the longest tests."""


@pytest.mark.parametrize("play", PLAYS, ids=str)
def test_without_a_kill_it_ends_as_it_should(tmp_path: Path, play: Play) -> None:
    start = before(play, tmp_path)
    stage = again(start)
    assert act(stage, play) == (0 if play.candidate == "good" else 6)
    assert wrong(stage, start, play) == []


@pytest.mark.parametrize("abort", [True, False], ids=["abort", "resume"])
@pytest.mark.parametrize("play", PLAYS, ids=str)
def test_a_kill_anywhere_ends_done_or_undone(tmp_path: Path, play: Play, abort: bool) -> None:
    killed_everywhere(tmp_path, play, KILLS, SOME_READS, abort=abort)


@pytest.mark.full
@pytest.mark.parametrize("abort", [True, False], ids=["abort", "resume"])
@pytest.mark.parametrize("play", PLAYS[seed_of_run() % TURNS :: TURNS], ids=str)
def test_a_kill_before_any_read_ends_done_or_undone(tmp_path: Path, play: Play, abort: bool) -> None:
    killed_everywhere(tmp_path, play, KILLS[-1:], 10_000, abort=abort)


def killed_everywhere(logs: Path, play: Play, faults: list[Fault], most: int, *, abort: bool) -> None:
    """Each kill whose remains no kill before it has left: after a write and before the next call, say, is one."""
    start = before(play, logs)
    seen: set[str] = set()
    for fault in faults:
        for at, where in points(start, play, fault, most):
            stage = again(start)
            fault.arm(stage, at)
            died = killed(stage, partial(act, stage, play))
            assert died or fault.name == "within-call", f"{fault} {where} was never reached"
            if (left := picture(stage)) not in seen:
                seen.add(left)
                after_a_kill(stage, start, play, abort=abort, where=f"{fault} {where}")


def after_a_kill(stage: Stage, start: Stage, play: Play, *, abort: bool, where: str) -> None:
    """A new process takes over; a second one finds nothing to do; the end is right."""
    left = judge(stage).run()
    code = taken_over(stage, abort=abort)
    assert code in (0, 6), f"{where}: {code}: {stage.said[-3:]}"
    used = (stage.store.writes, stage.cloud.calls)
    assert taken_over(stage, abort=abort) == 0, where
    assert (stage.store.writes, stage.cloud.calls) == used, f"{where}: the second time something was changed"
    assert wrong(stage, start, play) == [], where
    if left is not None and not left.state.ended:
        goes_on = left.state is RunState.COMMITTED or (
            not abort and left.state is not RunState.UNDOING and play.candidate == "good"
        )
        assert runs(stage)[left.id] is (RunState.DONE if goes_on else RunState.UNDONE), where
