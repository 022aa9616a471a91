"""The process dies, and so do those that take over: on the way on, on the way back, while a person promotes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.support.real.shared import seed_of_run
from tests.support.rolls.faults import KILLS, Fault, killed, uses
from tests.support.rolls.plays import PLAYS, Play, act, again, before, judge, taken_over, wrong
from tests.support.rolls.stage import Stage

EACH = 15
"""Samples of each play in the daily tests."""
MANY = 100
"""Samples of each play in the long ones: others from day to day."""


@pytest.mark.parametrize("play", PLAYS, ids=str)
def test_kills_of_those_who_take_over_end_done_or_undone(tmp_path: Path, play: Play) -> None:
    sample(tmp_path, play, range(EACH))


@pytest.mark.full
@pytest.mark.parametrize("play", PLAYS, ids=str)
def test_many_more_kills_of_those_who_take_over(tmp_path: Path, play: Play) -> None:
    first = EACH + MANY * seed_of_run()
    sample(tmp_path, play, range(first, first + MANY))


def sample(tmp_path: Path, play: Play, seeds: range) -> None:
    start = before(play, tmp_path)
    points = {fault.name: uses(start, fault, lambda stage: act(stage, play)) for fault in KILLS}
    for seed in seeds:
        story = [f"seed {seed}"]
        stage = killed_again_and_again(Random(f"{play} {seed}"), play, start, points, story)
        abort = story[-1] == "abort"
        assert taken_over(stage, abort=abort) in (0, 6), story
        used = (stage.store.writes, stage.cloud.calls)
        assert taken_over(stage, abort=abort) == 0, story
        assert (stage.store.writes, stage.cloud.calls) == used, story
        assert wrong(stage, start, play) == [], story


def killed_again_and_again(random: Random, play: Play, start: Stage, points: dict[str, int], story: list[str]) -> Stage:
    """One process dies, then one or two that take over; the story ends with what the last one is to do."""
    stage, fault = again(start), random.choice(KILLS)
    die(stage, fault, random.randint(1, points[fault.name]), story, partial(act, stage, play))
    for _ in range(random.randint(1, 2)):
        abort, fault = random.random() < 0.6, random.choice(KILLS)
        there = uses(stage, fault, partial(taken_over, abort=abort))
        story.append("abort" if abort else "resume")
        if there:
            die(stage, fault, random.randint(1, there), story, partial(taken_over, stage, abort=abort))
    story.append(random.choice(["abort", "resume"]))
    return stage


def die(stage: Stage, fault: Fault, at: int, story: list[str], doing: partial[int]) -> None:
    story.append(f"{fault.name} {at}")
    fault.arm(stage, at)
    assert killed(stage, doing) or fault.name == "within-call", f"never reached: {story}"
    run = judge(stage).run()
    story.append(f"left {run.state if run else 'nothing'}")
