"""What a pin writes down, and what it gives back."""

from __future__ import annotations

import pytest

from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.machines import group_reading, pins
from phoenix.clouds.gcp.machines.group_reading import Found
from phoenix.clouds.gcp.machines.pins import Owed
from tests.unit.clouds.gcp import answers
from tests.unit.clouds.gcp.answers import NOON

PIN = Owed(mode="ON", least=2, description="")


def ours(pin: Owed | None = None) -> Found:
    return group_reading.found(answers.group(labelled=pins.written(pin, NOON) if pin else None))


def theirs() -> Found:
    return group_reading.found(answers.group(made=False))


def test_a_group_without_a_pin_owes_nothing() -> None:
    assert pins.owed(ours(), answers.autoscaler()) is None
    assert pins.owed(theirs(), answers.autoscaler("the web tier's")) is None
    assert pins.owed(theirs(), None) is None


def test_of_a_group_of_ours_it_stands_in_labels() -> None:
    assert pins.taken(ours(), answers.autoscaler()) == PIN
    assert pins.owed(ours(PIN), None) == PIN
    assert pins.until(ours(PIN), None) == labels.moment(NOON)


def test_of_another_it_stands_in_its_autoscalers_description_with_what_that_said() -> None:
    pin = pins.taken(theirs(), answers.autoscaler("the web tier's"))
    assert pin.description == "the web tier's"
    pinned = answers.autoscaler(pins.described(pin, NOON), mode=pins.PINNED)
    assert pins.owed(theirs(), pinned) == pin
    assert pins.until(theirs(), pinned) == labels.moment(NOON)


def test_whoever_pins_again_forgets_nothing() -> None:
    now = answers.autoscaler(mode=pins.PINNED, minNumReplicas=5)
    assert pins.taken(ours(PIN), now) == PIN
    pinned = answers.autoscaler(pins.described(PIN, NOON), mode=pins.PINNED, minNumReplicas=5)
    assert pins.taken(theirs(), pinned) == PIN


def test_an_autoscaler_that_came_later_is_pinned_with_what_it_has() -> None:
    without = Owed(mode="", least=None)
    assert pins.taken(ours(without), answers.autoscaler(minNumReplicas=3)) == Owed(mode="ON", least=3)


@pytest.mark.parametrize(
    ("pin", "mode", "least", "back"),
    [
        (PIN, pins.PINNED, 2, {"mode": "ON"}),
        (PIN, pins.PINNED, 5, {"mode": "ON", "minNumReplicas": 2}),
        (PIN, "OFF", 2, {}),
        (PIN, pins.PINNED, 1, {"mode": "ON"}),
        (Owed(mode="OFF", least=2), "OFF", 4, {"minNumReplicas": 2}),
        (Owed(mode=pins.PINNED, least=2), pins.PINNED, 2, {}),
        (Owed(mode="", least=None), pins.PINNED, 2, {}),
    ],
)
def test_what_is_given_back_is_what_nobody_has_changed_since(
    pin: Owed, mode: str, least: int, back: dict[str, object]
) -> None:
    policy = answers.autoscaler(mode=mode, minNumReplicas=least)["autoscalingPolicy"]
    assert pins.given_back(pin, policy) == back
