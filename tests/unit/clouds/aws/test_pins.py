"""Pins: what they owe, however often they are taken."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.clouds.aws.machines import pins
from phoenix.clouds.aws.machines.group_reading import found
from phoenix.clouds.aws.machines.pins import Owed
from tests.unit.clouds.aws import answers


def group(*stopped: str, **tags: str) -> Any:
    suspended = [{"ProcessName": name, "SuspensionReason": "User suspended"} for name in stopped]
    return found(answers.group(MinSize=2, SuspendedProcesses=suspended, Tags=answers.tags(**tags)))


def test_a_pin_owes_what_there_was() -> None:
    assert pins.taken(group()) == Owed(least=2, stopped=("AZRebalance",))
    assert pins.taken(group("AZRebalance", "HealthCheck")) == Owed(least=2, stopped=())


def test_a_second_pin_owes_what_the_first_did() -> None:
    tags = {"pinned_until": "2026-03-01T12:00:00Z", "pinned_least": "1", "pinned_stopped": "AZRebalance"}
    assert pins.taken(group("AZRebalance", **tags)) == Owed(least=1, stopped=("AZRebalance",))


def test_without_a_pin_nothing_is_owed() -> None:
    assert pins.owed(group(pinned_least="1")) is None


@pytest.mark.parametrize("least", ["", "two"])
def test_a_size_that_nobody_wrote_down_is_not_given_back(least: str) -> None:
    tags = {"pinned_until": "2026-03-01T12:00:00Z", "pinned_least": least}
    assert pins.owed(group(**tags)) == Owed(least=None, stopped=())


def test_a_group_that_is_born_pinned() -> None:
    assert pins.born(2, frozenset(), schedules=False) == Owed(least=2, stopped=("AZRebalance",))
    both = pins.born(2, frozenset({"HealthCheck"}), schedules=True)
    assert both == Owed(least=2, stopped=("AZRebalance", "ScheduledActions"))
    assert pins.born(2, frozenset({"AZRebalance"}), schedules=False).stopped == ()


def test_what_is_written_is_read() -> None:
    pin = Owed(least=3, stopped=("AZRebalance", "ScheduledActions"))
    written = {key.removeprefix("phoenix:").replace("-", "_"): value for key, value in pins.tags(pin).items()}
    assert pins.owed(group(pinned_until="2026-03-01T12:00:00Z", **written)) == pin
