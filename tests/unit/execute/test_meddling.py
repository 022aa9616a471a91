"""The table of `docs/rolling.md`: what a roll does when the world changes under its feet, at each step where it can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phoenix.errors import HeldError, RefusedError, UndoFailedError, UndoneError
from phoenix.record.history import History
from phoenix.spec.services import Strategy
from tests.support.fakes.manners import FOREIGN, KINDS, LOCAL, Kind
from tests.support.rolls.changes import CHANGES, NEW, OLD, SIZE, STEPS, STRATEGIES, THIRD, re_routed
from tests.support.rolls.stage import Stage, service


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
        for what, change in CHANGES.items():
            started = not change.needs_candidate
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
    stage, change = serving(STRATEGIES[name], tmp_path, kind), CHANGES[what]
    foreign = stage.cloud.standing[FOREIGN]
    right: list[str] = []

    def meddle() -> None:
        right.append(change.right(stage, step))
        change.happens(stage)

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
