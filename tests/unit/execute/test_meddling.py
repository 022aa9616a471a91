"""The table of `docs/rolling.md`: what a roll does when the world changes under its feet, at each step where it can.

`on`: it goes on to the end. `back`: it is undone (6). `stop`: it stops where it is and calls a human (7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from phoenix.errors import HeldError, RefusedError, UndoFailedError, UndoneError
from phoenix.manner import Ring
from phoenix.record.history import History
from phoenix.spec.services import BlueGreen, Canary, Rolling, Strategy
from tests.support.fakes.manners import FOREIGN, KINDS, LOCAL, Kind
from tests.support.rolls.stage import Stage, service

OLD, NEW, THIRD = "web-tier-local-v001", "web-tier-local-v002", "web-tier-local-v000"
SIZE = 4
STRATEGIES: dict[str, Strategy] = {
    "blue-green": BlueGreen(keep=60.0),
    "rolling": Rolling(step=2, percent=False),
    "canary": Canary(steps=(25, 100), soak=10.0, hold=(25,), keep=60.0),
}
STEPS = {
    "blue-green": "measure create-candidate candidate-healthy grow healthy shift keep-former",
    "rolling": "measure create-candidate candidate-healthy grow-50 healthy-50 shift-50 shrink-50 grow-100 healthy-100 "
    "shift-100 keep-former drain-former burn-former",
    "canary": "measure create-candidate candidate-healthy grow-25 healthy-25 shift-25 soak-25 hold-25 grow-100 "
    "healthy-100 shift-100 soak-100 keep-former",
}
AFTER = ("keep-former", "drain-former", "burn-former", "unpin-candidate")
"""After the commit point."""
Happens = Callable[[Stage], None]
Expected = Callable[[Stage, str], str]
"""Which end is right when the step of that id is the next one to be carried out."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that somebody else does, and what is right then."""

    happens: Happens
    right: Expected
    needs_candidate: bool = False


def resize(stage: Stage, group: str, size: int) -> None:
    stage.cloud.resize(group, size, between=lambda: None)
    stage.cloud.attach(stage.cloud.standing[group])


def stable_grows(stage: Stage) -> None:
    resize(stage, OLD, stage.cloud.standing[OLD].size + 2)


def stable_shrinks(stage: Stage) -> None:
    resize(stage, OLD, 1)


def candidate_grows(stage: Stage) -> None:
    resize(stage, NEW, stage.cloud.standing[NEW].size + 1)


def candidate_shrinks(stage: Stage) -> None:
    resize(stage, NEW, 1)


def stable_removed(stage: Stage) -> None:
    del stage.cloud.standing[OLD]


def candidate_removed(stage: Stage) -> None:
    del stage.cloud.standing[NEW]


def re_routed(stage: Stage) -> None:
    stage.cloud.attached.setdefault(THIRD, ())
    stage.cloud.shares = {THIRD: 100}


def stable_machine_dies(stage: Stage) -> None:
    stage.cloud.kill_machine(stage.cloud.standing[OLD].instances[0].id)


def candidate_machine_dies(stage: Stage) -> None:
    stage.cloud.kill_machine(stage.cloud.standing[NEW].instances[0].id)


def stable_machine_hangs(stage: Stage) -> None:
    stage.cloud.ill.add(stage.cloud.standing[OLD].instances[0].id)


def candidate_machine_hangs(stage: Stage) -> None:
    stage.cloud.ill.add(stage.cloud.standing[NEW].instances[0].id)


def balancer_silent_for_a_while(stage: Stage) -> None:
    until = stage.clock.seconds + 20
    stage.cloud.unreachable = True
    stage.clock.on_sleep = lambda: setattr(stage.cloud, "unreachable", stage.clock.seconds < until)


def image_vanishes(stage: Stage) -> None:
    stage.cloud.imageless.add(NEW)


def goes_on(_stage: Stage, _step: str) -> str:
    return "on"


def back_while_it_is_watched(_stage: Stage, step: str) -> str:
    """Nobody looks at the candidate any more after the last write, but for the soak of a canary."""
    return "on" if step in AFTER else "back"


def back_unless_replaced(stage: Stage, step: str) -> str:
    """A step that grows the group replaces what is dead in it, and a cloud that heals does so by itself."""
    return "on" if step in AFTER or step.startswith("grow") or stage.kind.abilities.heals else "back"


def small_until_measured(_stage: Stage, step: str) -> str:
    """A step that grows it follows, or else the guard before a write or a shrink sends the run back."""
    too_late = ("healthy", "shift", "healthy-50", "shift-50", "shrink-50", "healthy-100", "shift-100")
    return "back" if step in too_late else "on"


def stop_where_traffic_is_looked_at(_stage: Stage, step: str) -> str:
    """Every later write and every soak sees it. What follows the last write leaves the routes alone."""
    return "on" if step in AFTER else "stop"


def measured_or_gone(_stage: Stage, step: str) -> str:
    """What serves must be there to be measured; later, going on is what helps."""
    return "back" if step == "measure" else "on"


def image_needed(stage: Stage, step: str) -> str:
    """Machines are started from it: when the candidate is made, and where it still has to grow."""
    whole = NEW in stage.cloud.standing and stage.cloud.standing[NEW].size == SIZE
    return "on" if whole and step not in ("measure", "create-candidate") else "back"


def alarm_rings(stage: Stage) -> None:
    stage.cloud.alarms["web-5xx"] = Ring.RINGING


def heard(stage: Stage, step: str) -> str:
    """Every write and every soak looks at the alarms, where there are some."""
    return "back" if stage.kind.abilities.alarms and step not in AFTER else "on"


EVENTS = {
    "somebody scales the stable group up": Event(happens=stable_grows, right=goes_on),
    "somebody scales the stable group down": Event(happens=stable_shrinks, right=goes_on),
    "somebody scales the candidate up": Event(happens=candidate_grows, right=goes_on, needs_candidate=True),
    "somebody scales the candidate down": Event(
        happens=candidate_shrinks, right=small_until_measured, needs_candidate=True
    ),
    "somebody removes the stable group": Event(happens=stable_removed, right=measured_or_gone),
    "somebody removes the candidate": Event(
        happens=candidate_removed, right=back_while_it_is_watched, needs_candidate=True
    ),
    "somebody moves traffic": Event(happens=re_routed, right=stop_where_traffic_is_looked_at),
    "a machine of the stable group dies": Event(happens=stable_machine_dies, right=goes_on),
    "a machine of the candidate dies": Event(
        happens=candidate_machine_dies, right=back_unless_replaced, needs_candidate=True
    ),
    "a machine of the stable group hangs": Event(happens=stable_machine_hangs, right=goes_on),
    "a machine of the candidate hangs": Event(
        happens=candidate_machine_hangs, right=back_while_it_is_watched, needs_candidate=True
    ),
    "the balancer is silent for a while": Event(happens=balancer_silent_for_a_while, right=goes_on),
    "an alarm rings": Event(happens=alarm_rings, right=heard),
    "the image vanishes": Event(happens=image_vanishes, right=image_needed),
}


def serving(strategy: Strategy, logs: Path, kind: Kind = LOCAL) -> Stage:
    strategy = replace(strategy, alarms=("web-5xx",) if kind.abilities.alarms else ())
    stage = Stage(logs=logs, spec=service(size=SIZE, strategy=strategy), kind=kind)
    stage.cloud.found_foreign(SIZE, serves=False)
    stage.roll("1")
    return stage


def to_the_end(stage: Stage) -> str:
    """Roll version 2, promoting where it holds; how it ended."""
    try:
        try:
            stage.roll("2")
        except HeldError:
            stage.promote()
    except UndoneError:
        return "back"
    except UndoFailedError:
        return "stop"
    return "on"


def steps_of(name: str, kind: Kind) -> list[str]:
    """The steps of the strategy there; groups are pinned where an autoscaler would make them smaller."""
    steps = STEPS[name].split()
    return [steps[0], "pin-stable", *steps[1:], "unpin-candidate"] if kind.abilities.autoscaler else steps


def places() -> Iterator[tuple[Kind, str]]:
    """Every strategy on every kind of cloud that can do it."""
    for kind in KINDS:
        yield from ((kind, name) for name in STRATEGIES if kind.manner.exact_shares or name != "canary")


def cases() -> Iterator[tuple[Kind, str, str, str]]:
    for kind, name in places():
        for what, event in EVENTS.items():
            started = not event.needs_candidate
            for step in steps_of(name, kind):
                if started and not step.startswith("hold"):
                    yield kind, name, what, step
                started = started or step == "create-candidate"


def some_daily() -> Iterator[Any]:
    """As tests' parameters: every day all of the local cloud, and of each other one the third that is its turn."""
    for number, case in enumerate(cases()):
        daily = case[0] is LOCAL or number % len(KINDS) == KINDS.index(case[0])
        yield pytest.param(*case, marks=() if daily else pytest.mark.full)


@pytest.mark.parametrize(("kind", "name", "what", "step"), list(some_daily()), ids=str)
def test_a_change_under_our_feet(kind: Kind, name: str, what: str, step: str, tmp_path: Path) -> None:
    stage, event = serving(STRATEGIES[name], tmp_path, kind), EVENTS[what]
    foreign = stage.cloud.standing[FOREIGN]
    right: list[str] = []

    def meddle() -> None:
        right.append(event.right(stage, step))
        event.happens(stage)

    stage.meddle[step] = meddle
    assert [to_the_end(stage)] == right
    assert stage.cloud.standing[FOREIGN] == foreign
    assert stage.cloud.trespasses == []


@pytest.mark.parametrize(("kind", "name"), list(places()), ids=str)
def test_the_table_is_about_every_step(kind: Kind, name: str, tmp_path: Path) -> None:
    plan = serving(STRATEGIES[name], tmp_path, kind).plan("2")
    assert [step.id for step in (*plan.steps, *plan.cleanup)] == steps_of(name, kind)


def test_the_way_back_leaves_alone_what_somebody_routed_away_from_the_candidate(tmp_path: Path) -> None:
    stage = serving(STRATEGIES["canary"], tmp_path)

    def routed_away_and_aborted() -> None:
        re_routed(stage)
        stage.ask_to_abort()

    stage.meddle["grow-25"] = routed_away_and_aborted
    with pytest.raises(UndoneError):
        stage.roll("2")
    assert stage.cloud.shares == {THIRD: 100}
    assert NEW not in stage.groups


def test_the_way_back_leaves_alone_what_somebody_sent_to_no_group_at_all(tmp_path: Path) -> None:
    stage = serving(STRATEGIES["canary"], tmp_path, KINDS[1])

    def sent_elsewhere_and_aborted() -> None:
        stage.cloud.send_elsewhere("a redirect")
        stage.ask_to_abort()

    stage.meddle["grow-25"] = sent_elsewhere_and_aborted
    with pytest.raises(UndoneError):
        stage.roll("2")
    assert (stage.cloud.shares, stage.cloud.elsewhere) == ({}, "a redirect")
    assert NEW not in stage.groups


def test_a_run_that_finds_its_traffic_sent_elsewhere_says_where(tmp_path: Path) -> None:
    stage = serving(STRATEGIES["canary"], tmp_path, KINDS[1])
    stage.meddle["shift-25"] = lambda: stage.cloud.send_elsewhere("a fixed-response")
    with pytest.raises(UndoFailedError, match="somebody else has moved traffic") as error:
        stage.roll("2")
    assert "traffic goes to a fixed-response" in error.value.details


def test_after_a_stop_abort_puts_the_routes_back_as_they_were(tmp_path: Path) -> None:
    stage = serving(STRATEGIES["canary"], tmp_path)
    stage.meddle["shift-25"] = lambda: stage.cloud.move({NEW: 100})
    with pytest.raises(UndoFailedError):
        stage.roll("2")
    with pytest.raises(RefusedError):
        stage.roll("3")
    with pytest.raises(UndoneError):
        stage.take_over(abort=True)
    assert stage.shares == {OLD: 100}
    assert stage.groups == [OLD]
    assert History(stage.store).live() == ()
