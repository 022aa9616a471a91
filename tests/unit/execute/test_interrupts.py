"""Ctrl-C before or after every single write to the store, and around every call to the cloud."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.errors import InterruptedRunError
from phoenix.record.journal import RunState
from tests.support.rolls.faults import KILLS, Fault, points
from tests.support.rolls.plays import PLAYS, Play, act, again, before, burn_due, judge, runs, taken_over, wrong

ENDINGS = ("burn", "end-adopted")
"""They have no way back: what is interrupted is said again."""
HARMLESS = (RunState.RUNNING, RunState.HELD, RunState.COMMITTED)
"""Begun and nothing done yet; not promoted yet; committed and the former group not labelled yet: `tend` goes on."""


@pytest.mark.parametrize("fault", KILLS, ids=str)
@pytest.mark.parametrize("play", [each for each in PLAYS if not str(each.values[0]).startswith(ENDINGS)], ids=str)
def test_an_interrupt_anywhere_ends_done_or_undone_at_once(tmp_path: Path, play: Play, fault: Fault) -> None:
    start = before(play, tmp_path)
    start.store.death = start.cloud.death = KeyboardInterrupt
    for at, where in points(start, play, fault, most=10):
        stage = again(start)
        fault.arm(stage, at)
        try:
            code = act(stage, play)
        except KeyboardInterrupt:
            code = InterruptedRunError.code
        assert code in (0, 6, 130), where
        left = judge(stage).run()
        if left is not None and not left.state.ended:
            assert left.state in HARMLESS, where
        taken_over(stage, abort=True)
        burn_due(stage)
        assert wrong(stage, start, play) == [], f"{where}: {runs(stage)}"
