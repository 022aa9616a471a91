"""Pins of managed groups: an autoscaler may only make them larger, and gets back what it had, whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.calls import RefusedCallError
from phoenix.clouds.gcp.machines.autoscalers import Autoscalers
from phoenix.errors import CloudError, UnreachableError
from phoenix.model import Size
from phoenix.wait import DeadlineError
from tests.emulators.gcp import Emulator
from tests.support.real import gcp as google
from tests.support.real.gcp import NAME, Account, wanted

LEGACY = "legacy"
UNTIL = wanted().created + timedelta(hours=1)
BOUNDS = Size(wanted=4, least=2, most=6, cpu=60)


@pytest.fixture
def account(gcp: Emulator) -> Account:
    return google.account(gcp, "shop")


def policy(account: Account, name: str = NAME) -> dict[str, Any]:
    return dict(account.scaler(name)["autoscalingPolicy"])


def mode(account: Account, name: str = NAME) -> str:
    return str(policy(account, name)["mode"])


def load(account: Account, count: int, name: str = NAME) -> int:
    return account.emulator.load(name, count)


def test_a_pin_holds_scale_in_off_and_lets_the_group_grow(account: Account) -> None:
    account.serving(4, BOUNDS)
    account.groups().pin(NAME, until=UNTIL)
    assert account.seen().pinned_until == UNTIL
    assert load(account, 2) == 4
    assert load(account, 5) == 5
    account.groups().unpin(NAME)
    assert account.seen().pinned_until is None
    assert mode(account) == "ON"
    assert load(account, 3) == 3


def test_a_pin_gives_back_what_it_found_and_not_more(account: Account) -> None:
    account.serving(4, BOUNDS)
    for set_by_somebody in ("OFF", "ONLY_SCALE_OUT"):
        account.by_hand("autoscalers", NAME, autoscalingPolicy={"mode": set_by_somebody})
        for _time in range(2):
            account.groups().pin(NAME, until=UNTIL)
        account.groups().unpin(NAME)
        assert mode(account) == set_by_somebody
    account.by_hand("autoscalers", NAME, autoscalingPolicy={"mode": "ON"})
    account.groups().pin(NAME, until=UNTIL)
    account.by_hand("autoscalers", NAME, autoscalingPolicy={"mode": "OFF"})
    account.groups().unpin(NAME)
    assert mode(account) == "OFF", "somebody decided that meanwhile"


@pytest.mark.parametrize("method", ["regionInstanceGroupManagers.patch", "regionAutoscalers.patch"])
def test_a_pin_that_was_broken_off_is_taken_again_and_given_back_whole(account: Account, method: str) -> None:
    account.serving(4, BOUNDS)
    for lost in (True, False):
        account.emulator.fail(method, lost=lost, reason="" if lost else "backendError", times=2)
        with pytest.raises(UnreachableError):
            account.groups().pin(NAME, until=UNTIL)
        account.groups().pin(NAME, until=UNTIL)
        assert (mode(account), account.seen().pinned_until) == ("ONLY_SCALE_OUT", UNTIL)
        account.emulator.fail(method, lost=lost, reason="" if lost else "backendError", times=2)
        with pytest.raises(UnreachableError):
            account.groups().unpin(NAME)
        account.groups().unpin(NAME)
        assert (mode(account), account.seen().pinned_until) == ("ON", None)
        assert policy(account)["minNumReplicas"] == 2


def test_a_group_is_born_pinned_and_never_smaller_than_it_begins(account: Account) -> None:
    account.serving(4, BOUNDS, pinned_until=UNTIL)
    assert account.seen().pinned_until == UNTIL
    assert (mode(account), policy(account)["minNumReplicas"]) == ("ONLY_SCALE_OUT", 2)
    assert load(account, 2) == 4
    account.groups().unpin(NAME)
    assert (mode(account), account.seen().pinned_until) == ("ON", None)
    assert load(account, 2) == 2


def test_a_group_with_an_autoscaler_is_never_resized_its_minimum_moves(account: Account) -> None:
    account.serving(2, replace(BOUNDS, wanted=2))
    account.groups().pin(NAME, until=UNTIL)
    account.emulator.forget_calls()
    account.groups().resize(NAME, 8)
    assert account.seen().size == 8
    assert (policy(account)["minNumReplicas"], policy(account)["maxNumReplicas"]) == (8, 8)
    assert not [call for call in account.emulator.calls() if call.method.endswith("Managers.resize")]
    account.groups().unpin(NAME)
    assert policy(account)["minNumReplicas"] == 2, "what the pin moved it gives back"


def test_an_autoscaler_that_cannot_be_changed_is_told_at_once(account: Account) -> None:
    account.serving(2, replace(BOUNDS, wanted=2))
    groups = account.groups()
    account.emulator.fail("regionAutoscalers.patch", code="INTERNAL_ERROR")
    with pytest.raises(RefusedCallError):
        groups.resize(NAME, 3)
    assert account.seen().size == 2


def test_an_autoscaler_that_does_not_follow_its_minimum_is_not_waited_for_for_ever(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.serving(2, replace(BOUNDS, wanted=2))
    monkeypatch.setattr(Autoscalers, "change", lambda *_asked, **_more: None)  # accepted, and nothing comes of it
    begun = account.clock.slept
    with pytest.raises(DeadlineError, match="wanting 3 machines"):
        account.groups().resize(NAME, 3)
    assert 180 <= account.clock.slept - begun < 200


def test_a_pinned_group_that_is_made_smaller_by_order_stays_pinned(account: Account) -> None:
    account.serving(4, BOUNDS)
    account.groups().pin(NAME, until=UNTIL)
    gone = frozenset(each.id for each in account.seen().instances[:3])
    account.groups().end(NAME, gone, size=1)
    account.clock.sleep(30)
    group = account.seen()
    assert (group.size, len(group.instances), group.pinned_until) == (1, 1, UNTIL)
    assert mode(account) == "ONLY_SCALE_OUT"
    account.groups().unpin(NAME)
    assert policy(account)["minNumReplicas"] == 1, "nothing grows by the end of a pin"
    assert account.seen().size == 1


def test_where_an_autoscaler_is_off_the_group_is_resized(account: Account) -> None:
    account.serving(2, replace(BOUNDS, wanted=2))
    account.by_hand("autoscalers", NAME, autoscalingPolicy={"mode": "OFF"})
    account.groups().resize(NAME, 3)
    assert account.seen().size == 3
    assert policy(account)["minNumReplicas"] == 2


def test_a_group_of_somebody_else_is_pinned_by_its_autoscaler_alone(account: Account) -> None:
    account.foreign(LEGACY, 3, bounds=(1, 9), updatePolicy={"type": "PROACTIVE", "minimalAction": "REPLACE"})
    account.clock.sleep(30)
    load(account, 3, LEGACY)
    for _time in range(2):
        account.groups().pin(LEGACY, until=UNTIL)
    assert account.seen(LEGACY).pinned_until == UNTIL
    assert (mode(account, LEGACY), load(account, 1, LEGACY)) == ("ONLY_SCALE_OUT", 3)
    assert "allInstancesConfig" not in account.told(LEGACY), "that would change somebody's machines"
    account.groups().unpin(LEGACY)
    scaler = account.scaler(LEGACY)
    assert (scaler["autoscalingPolicy"]["mode"], scaler["description"]) == ("ON", "by hand")
    assert account.seen(LEGACY).pinned_until is None


def test_a_group_of_somebody_else_without_an_autoscaler_is_made_smaller_by_nobody(account: Account) -> None:
    account.foreign(LEGACY)
    account.emulator.forget_calls()
    account.groups().pin(LEGACY, until=UNTIL)
    account.groups().unpin(LEGACY)
    assert not [call.method for call in account.emulator.calls() if call.method.endswith(("patch", "insert"))]
    assert account.seen(LEGACY).pinned_until is None


def test_keeping_and_pinning_stand_beside_each_other(account: Account) -> None:
    account.serving(2, replace(BOUNDS, wanted=2))
    account.groups().label(NAME, keep_until=UNTIL)
    account.groups().pin(NAME, until=UNTIL + timedelta(hours=1))
    group = account.seen()
    assert (group.keep_until, group.pinned_until) == (UNTIL, UNTIL + timedelta(hours=1))
    account.groups().unpin(NAME)
    assert account.seen().keep_until == UNTIL
    account.groups().label(NAME, keep_until=None)
    assert account.seen().keep_until is None
    told = account.told()["allInstancesConfig"]["properties"]["labels"]
    assert set(told.values()) == {""}
    assert all(key.startswith(labels.PREFIX) for key in told)


def test_pins_of_groups_that_are_not_there(account: Account) -> None:
    account.groups().unpin(NAME)
    with pytest.raises(CloudError, match="there is no group"):
        account.groups().pin(NAME, until=UNTIL)
