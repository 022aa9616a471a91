"""What other processes ask of a run at awkward moments: an abort just before a hold or the commit point, a resume."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from phoenix.errors import HeldError, UndoneError
from phoenix.record.history import History
from phoenix.record.journal import RunState
from phoenix.spec.services import BlueGreen, Canary, Strategy
from tests.support.rolls.faults import KILLS, Fault, killed, uses
from tests.support.rolls.plays import Play, again, before, judge
from tests.support.rolls.stage import Stage

OLD = "web-tier-local-v001"
HELD = Canary(steps=(50, 100), soak=0.0, hold=(50,), keep=600.0)


def rolled_once(logs: Path, strategy: Strategy) -> Stage:
    return before(Play(strategy=strategy), logs)


@pytest.mark.parametrize(
    ("strategy", "last"),
    [(HELD, "shift-50"), (BlueGreen(keep=600.0), "after-traffic")],
    ids=["before-a-hold", "before-the-commit-point"],
)
def test_an_abort_that_is_asked_for_during_the_last_step_is_obeyed(
    tmp_path: Path, strategy: Strategy, last: str
) -> None:
    stage = rolled_once(tmp_path, strategy)
    stage.meddle[last] = stage.ask_to_abort
    with pytest.raises(UndoneError, match="asked to abort"):
        stage.roll("2")
    assert (stage.groups, stage.shares) == ([OLD], {OLD: 100})
    assert History(stage.store).live() == ()


@pytest.mark.parametrize("fault", KILLS, ids=str)
def test_a_held_run_stays_held_whenever_its_resume_is_killed(tmp_path: Path, fault: Fault) -> None:
    start = rolled_once(tmp_path, HELD)
    with pytest.raises(HeldError):
        start.roll("2")
    shares = start.shares
    there = uses(start, fault, resumed)
    assert (there > 0) == fault.name.endswith("write"), "the cloud is not even asked"
    for at in range(1, there + 1):
        stage = again(start)
        fault.arm(stage, at)
        assert killed(stage, partial(resumed, stage))
        run = judge(stage).run()
        assert run is not None
        assert run.state is RunState.HELD, "nobody but a person ends it"
        assert stage.shares == shares


def resumed(stage: Stage) -> None:
    with pytest.raises(HeldError):
        stage.take_over(abort=False)
