"""Alarms before a roll begins: refused while one rings, unless somebody says that none is to be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.manner import Ring
from tests.support.fakes.desk import Desk

V1, V2 = "web-tier-local-v001", "web-tier-local-v002"
NAME = "web-5xx"


@pytest.fixture
def watched(desk: Desk) -> Desk:
    """V1 serves on a cloud with alarms, one of which the strategy names."""
    desk.on_aws()
    desk.edit("{kind: blue-green, keep: 30m}", f"{{kind: blue-green, keep: 30m, alarms: [{NAME}]}}")
    desk.roll("1.0.0")
    return desk


def test_while_one_rings_nothing_is_begun(watched: Desk) -> None:
    watched.cloud.alarms[NAME] = Ring.RINGING
    runs = watched.history.runs()
    error = watched.roll("2.0.0", code=3)["error"]
    assert f"the alarm {NAME} rings" in error["brief"]
    assert "9 > 5" in error["details"]
    assert "--ignore-alarms" in error["resolution"]
    assert (watched.shares, watched.history.runs()) == ({V1: 100}, runs)


def test_a_plan_is_made_all_the_same_and_says_so(watched: Desk) -> None:
    watched.cloud.alarms[NAME] = Ring.RINGING
    plan = watched.roll("2.0.0", "--plan")["plan"]
    assert plan["steps"]
    assert f"the alarm {NAME} rings: as long as it does the roll is refused" in plan["notes"]


def test_without_data_it_begins(watched: Desk) -> None:
    """A service without requests has none: it waits after the shift until it tells."""
    watched.cloud.alarms[NAME] = Ring.UNKNOWN
    began = watched.clock.seconds
    watched.clock.on_sleep = lambda: _quiet_after(watched, began + 90)
    assert watched.roll("2.0.0")["group"] == V2


def _quiet_after(desk: Desk, moment: float) -> None:
    if desk.clock.seconds >= moment:
        desk.cloud.alarms[NAME] = Ring.QUIET


def test_whoever_says_so_rolls_without_any(watched: Desk, tmp_path: Path) -> None:
    watched.cloud.alarms[NAME] = Ring.RINGING
    assert watched.roll("2.0.0", "--ignore-alarms")["group"] == V2
    file = tmp_path / "plan.json"
    watched.roll("3.0.0", "--ignore-alarms", "--plan-out", str(file))
    assert watched.run("roll", "web-tier", "--from-plan", str(file))["packages"] == {"hello": "3.0.0"}


def test_nothing_to_do_is_no_roll(watched: Desk) -> None:
    watched.cloud.alarms[NAME] = Ring.RINGING
    assert watched.roll("1.0.0")["changed"] is False


def test_one_that_there_is_not_is_told_before_anything(watched: Desk) -> None:
    watched.cloud.alarms.clear()
    assert f"has no alarm {NAME}" in watched.roll("2.0.0", code=3)["error"]["brief"]


def test_a_rollback_asks_none(watched: Desk) -> None:
    watched.roll("2.0.0")
    watched.cloud.alarms[NAME] = Ring.RINGING
    assert watched.run("rollback", "web-tier")["group"] == V1


def test_one_that_rings_meanwhile_undoes_the_roll(watched: Desk) -> None:
    began = watched.clock.seconds

    def ring_later() -> None:
        if watched.clock.seconds > began + 3:
            watched.cloud.alarms[NAME] = Ring.RINGING

    watched.clock.on_sleep = ring_later
    assert f"the alarm {NAME} rings" in watched.roll("2.0.0", code=6)["error"]["brief"]
    assert watched.shares == {V1: 100}
