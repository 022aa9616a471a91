"""What a roll needs is in its plan, and too little of it is told before the first effect."""

from __future__ import annotations

import pytest

from phoenix.model import CloudMachine
from tests.support.fakes.desk import Desk

V1, V2 = "web-tier-local-v001", "web-tier-local-v002"


@pytest.fixture
def full(desk: Desk) -> Desk:
    """V1 serves with 5 machines, on a cloud that starts one more at most."""
    desk.on_aws()
    desk.roll("1.0.0")
    desk.run("group", "resize", V1, "5", "--yes")
    desk.cloud.most_machines = 1
    desk.cloud.needed.clear()
    return desk


def test_the_plan_says_what_it_needs_and_what_lacks(full: Desk) -> None:
    notes = full.roll("2.0.0", "--plan")["plan"]["notes"]
    assert notes[-2:] == [
        "5 machines more at most while it goes on, and those that served for 30 minutes after it (2.5 hours)",
        "room: machines: 5 needed, 1 free: so the roll is refused. Have the quota raised.",
    ]
    (need,) = full.cloud.needed
    assert (need.machines, need.live, need.machine) == (5, 5, CloudMachine(type="t3.small", subnets=("a",)))


def test_too_little_is_refused_before_anything(full: Desk) -> None:
    runs, calls = full.history.runs(), full.cloud.calls
    error = full.roll("2.0.0", code=3)["error"]
    assert "no room" in error["brief"]
    assert error["details"] == "machines: 5 needed, 1 free"
    assert error["resolution"] == "Have the quota raised."
    assert (full.history.runs(), full.cloud.calls) == (runs, calls)


def test_rolling_needs_a_step(full: Desk) -> None:
    full.edit("{kind: blue-green, keep: 30m}", "{kind: rolling, step: 1}")
    assert full.roll("2.0.0", "--plan")["plan"]["notes"][-1] == "room: machines: 1 needed, 1 free"
    assert full.roll("2.0.0")["group"] == V2


def test_a_rollback_is_not_refused_for_it(full: Desk) -> None:
    full.cloud.most_machines = 100
    full.roll("2.0.0")
    full.cloud.most_machines = 0
    assert full.run("rollback", "web-tier")["group"] == V1


def test_nobody_counts_on_this_computer(desk: Desk) -> None:
    desk.cloud.most_machines = 0
    assert desk.roll("1.0.0", "--plan")["plan"]["notes"] == []
    assert desk.roll("1.0.0")["group"] == V1
