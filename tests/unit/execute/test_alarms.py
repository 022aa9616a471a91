"""Alarms that a strategy names: ringing undoes a roll, no data is waited for, and the way back asks none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.errors import HeldError, UndoneError
from phoenix.manner import Ring
from phoenix.record.journal import RunState
from phoenix.spec.services import BlueGreen, Canary, Strategy
from tests.support.fakes.manners import AWS
from tests.support.rolls.stage import Stage, service

OLD, NEW = "web-tier-local-v001", "web-tier-local-v002"
NAME = "web-5xx"
CANARY = Canary(steps=(25, 100), soak=60.0, hold=(25,), keep=60.0, alarms=(NAME,))


def serving(tmp_path: Path, strategy: Strategy = CANARY) -> Stage:
    stage = Stage(logs=tmp_path, kind=AWS, spec=service(size=4, strategy=strategy))
    stage.spec = replace(stage.spec, health=replace(stage.spec.health, deadline=300.0))
    stage.roll_to_end("1")
    stage.clock.seconds += 60
    return stage


def at(stage: Stage, seconds: float, ring: Ring) -> None:
    """From so many seconds after now on the alarm says so."""
    moment = stage.clock.seconds + seconds

    def pass_by() -> None:
        if stage.clock.seconds >= moment:
            stage.cloud.alarms[NAME] = ring

    stage.clock.on_sleep = pass_by


def test_one_that_rings_in_a_soak_undoes_the_roll_at_once(tmp_path: Path) -> None:
    stage = serving(tmp_path)
    stage.meddle["soak-25"] = lambda: at(stage, 20, Ring.RINGING)
    with pytest.raises(UndoneError, match=f"the alarm {NAME} rings") as error:
        stage.roll("2")
    assert f"{NAME}: 9 > 5" in error.value.details
    assert (stage.shares, stage.groups) == ({OLD: 100}, [OLD])


def test_one_that_rings_while_a_shift_settles_undoes_the_roll(tmp_path: Path) -> None:
    stage = serving(tmp_path, BlueGreen(keep=60.0, alarms=(NAME,)))
    stage.meddle["shift"] = lambda: at(stage, 4, Ring.RINGING)
    with pytest.raises(UndoneError, match=f"the alarm {NAME} rings"):
        stage.roll("2")
    assert stage.cloud.shares == {OLD: 100}
    assert {OLD: 4} in stage.cloud.history[1:], "it had been moved, and was moved back"


def test_nobody_gets_more_while_one_rings(tmp_path: Path) -> None:
    stage = serving(tmp_path)
    with pytest.raises(HeldError):
        stage.roll("2")
    shifts = len(stage.cloud.history)
    stage.cloud.alarms[NAME] = Ring.RINGING
    with pytest.raises(UndoneError, match=f"the alarm {NAME} rings"):
        stage.promote()
    assert len(stage.cloud.history) == shifts + 1, "the way back alone"
    assert stage.shares == {OLD: 100}


def test_no_data_begins_a_soak_anew(tmp_path: Path) -> None:
    stage = serving(tmp_path, replace(CANARY, hold=()))

    def silent_for_a_while() -> None:
        stage.cloud.alarms[NAME] = Ring.UNKNOWN
        began = stage.clock.seconds
        at(stage, 100, Ring.QUIET)
        stage.meddle["grow-100"] = lambda: ended.append(stage.clock.seconds - began)

    ended: list[float] = []
    stage.meddle["soak-25"] = silent_for_a_while
    assert stage.roll("2").state is RunState.DONE
    assert ended[0] >= 100 + 60
    assert any("has no data" in said for said in stage.said)


def test_no_data_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    stage = serving(tmp_path)
    stage.meddle["soak-25"] = stage.cloud.alarms.clear
    with pytest.raises(UndoneError, match="or nobody could tell") as error:
        stage.roll("2")
    assert f"{NAME} has no data" in error.value.details
    assert stage.shares == {OLD: 100}


def test_a_cloud_that_does_not_answer_says_nothing_of_its_alarms(tmp_path: Path) -> None:
    stage = serving(tmp_path, replace(CANARY, hold=()))

    def unreachable_for_a_while() -> None:
        until = stage.clock.seconds + 30
        stage.clock.on_sleep = lambda: setattr(stage.cloud, "unreachable", stage.clock.seconds < until)

    stage.meddle["soak-25"] = unreachable_for_a_while
    assert stage.roll("2").state is RunState.DONE


def test_a_rollback_and_an_abort_look_at_none(tmp_path: Path) -> None:
    stage = serving(tmp_path, BlueGreen(keep=600.0, alarms=(NAME,)))
    stage.roll("2")
    stage.cloud.alarms[NAME] = Ring.RINGING
    assert stage.rollback(OLD).state is RunState.DONE
    assert stage.shares == {OLD: 100}
    plan = stage.plan("3")
    assert {step.id for step in plan.steps if getattr(step.action, "alarms", ())} == {"shift"}
    assert not [step for step in (*plan.back, *plan.cleanup) if getattr(step.action, "alarms", ())]
