"""Just before any single write to the store the process is stopped, and another takes its run over to the end."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from phoenix.execute.ownership import LEASE
from phoenix.record.journal import RunState
from tests.support.rolls.faults import KILLS, uses
from tests.support.rolls.plays import PLAYS, Play, act, again, before, judge, runs, taken_over, wrong
from tests.support.rolls.stage import Stage

WRITES = KILLS[0]


@pytest.mark.parametrize("abort", [True, False], ids=["abort", "resume"])
@pytest.mark.parametrize("play", PLAYS, ids=str)
def test_who_wakes_up_without_its_run_writes_nothing(tmp_path: Path, play: Play, abort: bool) -> None:
    start = before(play, tmp_path)
    lost = 0
    for at in range(uses(start, WRITES, partial(act, play=play))):
        stage = again(start)
        found: list[RunState] = []
        stage.store.before_write = partial(steal, stage, stage.store.writes + at, found, abort=abort)
        code = act(stage, play)
        judge(stage).writer = judge(stage).owner
        where = f"write {at + 1}: {code} {found} {runs(stage)}"
        if found and not found[0].ended:
            assert code == 10, where
            lost += 1
        assert wrong(stage, start, play) == [], where
    assert lost > 1


def steal(stage: Stage, at: int, found: list[RunState], key: str, *, abort: bool) -> None:
    """Another process finds that the lease stands still, and takes the run over. `key`: what the first is writing."""
    run = judge(stage).run()
    if stage.store.writes != at or run is None or run.state is RunState.HELD:
        return
    stage.store.before_write = lambda _key: None
    found.append(run.state)
    cloud = judge(stage)
    cloud.owner, cloud.writer = cloud.owner + 1, cloud.owner + 1
    stage.clock.seconds += LEASE + 1
    assert taken_over(stage, abort=abort) in (0, 6)
    cloud.writer, cloud.in_flight = cloud.owner - 1, key
