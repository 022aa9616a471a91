"""Random rolls of random services while anything happens, against the independent model in `judge.py`.

The stories are shared among the manners of clouds (`fakes/manners.py`), one after the other. Every day the same
stories, and in full others from day to day. A failure names its seed: `story(SEED, Path(...))` plays the same again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from random import Random

import pytest

from phoenix.errors import HeldError, LostRunError, PhoenixError
from phoenix.record.journal import RunState
from phoenix.spec.services import BlueGreen, Canary, Rolling, Strategy
from tests.support.fakes.doubles import Killed
from tests.support.fakes.manners import KINDS
from tests.support.real.shared import seed_of_run
from tests.support.rolls.events import EVENTS, HAND, Fate
from tests.support.rolls.plays import KEEP, Kind, Play, again, before, begin, judge, runs, until_end, world
from tests.support.rolls.stage import Stage

DAILY = 600
FULL = 6_000
BATCH = 100


@pytest.mark.parametrize("first", range(0, DAILY, BATCH))
def test_whatever_happens_the_model_holds(tmp_path: Path, first: int) -> None:
    batch(tmp_path, range(first, first + BATCH))


@pytest.mark.full
@pytest.mark.parametrize("first", range(0, FULL, 10 * BATCH))
def test_whatever_happens_the_model_holds_for_long(tmp_path: Path, first: int) -> None:
    first += FULL * seed_of_run()
    batch(tmp_path, range(first, first + 10 * BATCH))


def batch(logs: Path, seeds: range) -> None:
    ends = [story(seed, logs) for seed in seeds]
    assert {"done", "undone"} <= set(ends), "the stories are not all alike"


def story(seed: int, logs: Path) -> str:
    """One roll with events at random moments; how it ended. AssertionError where the model was broken."""
    random = Random(seed)
    play = replace(some_play(random), cloud=KINDS[seed % len(KINDS)])
    if isinstance(play.strategy, Canary) and not play.cloud.manner.exact_shares:
        play = replace(play, strategy=Rolling(step=25, percent=True))
    start = before_with(play, logs)
    stage = again(start)
    stage.cloud.lag = random.choice(play.cloud.lags)
    ailing = ail(stage, random) if random.random() < 0.15 else ""
    fate = Fate(stage=stage, play=play, random=random)
    number = random.choices([0, 1, 2, 3, 4], [5, 40, 30, 15, 10])[0]
    moments = random.sample(range(2, 10 + int(moments_of(play, logs) * 1.3)), number)
    fate.due = {moment: random.choice(list(EVENTS)) for moment in moments}
    stage.meddle, stage.clock.on_sleep = fate, fate.tick
    told = f"seed {seed}: {play} {play.strategy} {fate.due} {ailing}"
    codes = lived(fate)
    told += f"\n{fate.happened}\n{codes}\n{judge(stage).writes}\n{stage.said[-12:]}"
    assert judge(stage).breaches == [], f"{told}\n{judge(stage).breaches}"
    return ended(fate, start, codes, told)


def ail(stage: Stage, random: Random) -> str:
    """A machine of the group that serves is not well before anything begins."""
    serving = next(iter(stage.shares))
    machine = random.choice(stage.cloud.standing[serving].instances).id
    if random.random() < 0.5:
        stage.cloud.ill.add(machine)
        return f"{machine} is ill"
    stage.cloud.kill_machine(machine)
    return f"{machine} is dead"


def some_play(random: Random) -> Play:
    kinds: list[Kind] = ["roll", "rollback", "rollback-after-keep"]
    size = random.choice([1, 2, 2, 3, 4, 5, 10])
    strategies: list[Strategy] = [
        BlueGreen(keep=random.choice([0.0, KEEP])),
        Rolling(step=random.choice([25, 50, 100]), percent=True),
        Rolling(step=random.choice([1, 2]), percent=False),
        Canary(
            steps=random.choice([(5, 100), (25, 50, 100), (10, 100)]),
            soak=random.choice([0.0, 3.0]),
            hold=random.choice([(), (100,)]),
            keep=random.choice([0.0, KEEP]),
        ),
    ]
    kind = random.choices(kinds, [80, 10, 10])[0]
    strategy = BlueGreen(keep=KEEP) if kind == "rollback" else random.choice(strategies)
    return Play(kind=kind, strategy=strategy, size=size, min_healthy=random.choice([None, None, 50, 80]))


@cache
def before_with(play: Play, logs: Path) -> Stage:
    return before(play, logs)


@cache
def moments_of(play: Play, logs: Path) -> int:
    """How many moments the play has when nothing happens."""
    stage = again(before_with(play, logs))
    fate = Fate(stage=stage, play=play, random=Random(0))
    stage.meddle, stage.clock.on_sleep = fate, fate.tick
    lived(fate)
    return fate.moment


def lived(fate: Fate) -> list[int]:
    """The exit codes of the processes that worked on it, one after the other, until none had anything to do."""
    stage, random = fate.stage, fate.random
    codes: list[int] = []
    judge(stage).begin(stage.spec.min_healthy, stage.spec.drain)
    doing: Callable[[], object] = partial(begin, stage, fate.play)
    for _ in range(8):
        try:
            doing()
            codes.append(0)
        except Killed:
            codes.append(137)
        except HeldError:
            codes.append(8)
        except LostRunError:
            codes.append(10)
            judge(stage).writer = judge(stage).owner
        except PhoenixError as error:
            codes.append(error.exit_code)
        for _ in range(20):  # nobody comes at once
            fate.moment += 1
            fate.let_pass()
        run = judge(stage).run()
        if run is None or run.state.ended or run.state is RunState.STUCK:
            return codes
        if run.state is RunState.HELD and random.random() < 0.7:
            doing = stage.promote
        else:
            doing = partial(stage.take_over, abort=random.random() < 0.5)
    raise AssertionError(f"it never ends: {codes}")


def ended(fate: Fate, start: Stage, codes: list[int], told: str) -> str:
    """What the record says, held against the world; a run that is stuck is mended by a human first."""
    stage, cloud = fate.stage, fate.cloud
    fate.calm()
    run = cloud.run()
    if run is not None and run.state is RunState.STUCK:
        assert codes[-1] in (7, 10), told
        nobody_left = not cloud.answering_machines(fate.stable)
        assert cloud.damaged or nobody_left or {"refusal", "silence", "image-gone"} & fate.names, (
            f"stuck for nothing: {told}"
        )
        mended = until_end(stage, lambda: stage.take_over(abort=True))
        if nobody_left and mended == 7:
            return "stuck"
        assert mended == 6 or HAND & fate.names, f"not mended: {told}"
    else:
        assert stage.take_over(abort=True) is None, told
    (state,) = [state for name, state in runs(stage).items() if name not in runs(start)]
    right = {0: RunState.DONE, 6: RunState.UNDONE}.get(codes[-1], state)
    if state is RunState.UNDONE and fate.play.kind != "rollback" and "reroute" not in fate.names:
        assert fate.play.target not in cloud.standing, told
    if not HAND & fate.names:
        assert state is right, told
        assert not state.ended or cloud.run() is None, told
        assert as_it_should_be(fate, start, state) == [], told
    if not fate.names and 8 not in codes:
        assert state is RunState.DONE, told
    assert cloud.breaches == [], f"{told}\n{cloud.breaches}"
    return str(state)


def as_it_should_be(fate: Fate, start: Stage, state: RunState) -> list[str]:
    """What is not as that end means it; nothing where somebody's hand decided otherwise."""
    here, there, play = world(fate.stage), world(start), fate.play
    others = {name: each for name, each in there.items() if name not in (fate.stable, play.target)}
    shares = {name: each.share for name, each in here.items() if each.share}
    expected = {fate.stable, *others, *([play.target] if play.kind == "rollback" else [])}
    found = []
    if state is RunState.DONE:
        expected = {play.target, *others, *([fate.stable] if play.keep else [])}
        if shares != {play.target: 100} or here[play.target].kept or (play.keep and not here[fate.stable].kept):
            found.append(f"done: {here}")
    elif state is RunState.UNDONE:
        stable = here[fate.stable]
        if shares != fate.cloud.found or stable.kept or stable.size < there[fate.stable].size:
            found.append(f"undone: {here}, was {there}")
    else:
        found.append(f"it ended {state}")
    return found if set(here) == expected else [*found, f"{set(here)} stand, expected {expected}"]
