"""Every single call to the cloud goes wrong once: lost on the way, carried out with its answer lost, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.errors import CloudError
from phoenix.record.journal import RunState
from tests.support.rolls.faults import LOST, Fault, disarm, points
from tests.support.rolls.plays import PLAYS, Play, act, again, before, judge, runs, taken_over, wrong


@pytest.mark.parametrize("fault", LOST, ids=str)
@pytest.mark.parametrize("play", PLAYS, ids=str)
def test_a_call_without_an_answer_is_made_again(tmp_path: Path, play: Play, fault: Fault) -> None:
    start = before(play, tmp_path)
    for at, where in points(start, play, fault, most=20):
        stage = again(start)
        fault.arm(stage, at)
        code = act(stage, play)
        assert fault.used(stage) - fault.used(start) >= at, f"{where} was never reached"
        began = runs(stage) != runs(start)
        right = 5 if not began else 0 if play.candidate == "good" else 6
        assert code == right, f"{where}: {stage.said[-3:]}"
        assert began or at <= 5, "only what is read to plan is not asked for again"
        assert wrong(stage, start, play) == [], where


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: fault.name.replace("lost", "refused"))
@pytest.mark.parametrize("play", PLAYS, ids=str)
def test_a_call_that_is_refused_ends_done_or_undone_or_waits_for_a_human(
    tmp_path: Path, play: Play, fault: Fault
) -> None:
    start = before(play, tmp_path)
    start.cloud.failure = CloudError
    for at, where in points(start, play, fault, most=20):
        stage = again(start)
        fault.arm(stage, at)
        code = act(stage, play)
        disarm(stage)
        run = judge(stage).run()
        if code == 7:
            assert run is not None, where
            assert run.state is RunState.STUCK, where
            assert judge(stage).breaches == [], where
            assert taken_over(stage, abort=True) == 6, f"{where}: mended"
        else:
            assert code in (0, 5, 6), where
        assert wrong(stage, start, play) == [], where
