"""One backend service with several groups: who gets traffic, what is written for that, and that it comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from phoenix.clouds.gcp.balancer import shared
from phoenix.clouds.gcp.balancer.notes import Owner
from tests.unit.clouds.gcp.maps import API, LEGACY, NEW, OLD, PLACE


def group(name: str) -> str:
    return f"{API}projects/p/regions/europe-west1/instanceGroups/{name}"


def told(*backends: dict[str, Any]) -> dict[str, Any]:
    return {"name": "web", "portName": "http", "backends": list(backends), "newerThanUs": 1}


def backend(name: str, **more: Any) -> dict[str, Any]:
    return {"group": group(name), "balancingMode": "RATE", "maxRatePerInstance": 50.0, **more}


def added(service: dict[str, Any], name: str, *, made: bool = True) -> dict[str, Any]:
    found = shared.with_group(service, backend(name, capacityScaler=1), _owner(name), made=made)
    assert found is not None
    return found


def _owner(name: str) -> Owner:
    return Owner(project="shop", place=PLACE, group=name)


def scalers(service: dict[str, Any]) -> dict[str, float]:
    return {each["group"].rpartition("/")[2]: each["capacityScaler"] for each in service["backends"]}


def shift(service: dict[str, Any], **shares: int) -> dict[str, Any]:
    named = {"old": OLD, "new": NEW, "legacy": LEGACY}
    return shared.shifted(service, {named[name]: share for name, share in shares.items()}, "shop", PLACE)


def test_the_first_group_serves_at_once_and_the_next_gets_nothing() -> None:
    first = added(told(), OLD)
    assert scalers(first) == {OLD: 1}, "Google takes no 0 of an only backend"
    both = added(first, NEW)
    assert scalers(both) == {OLD: 1, NEW: 0}
    assert both["backends"][0] == first["backends"][0]
    assert both["newerThanUs"] == 1
    assert shared.with_group(both, backend(NEW, capacityScaler=1), _owner(NEW), made=True) is None


def test_a_scaler_is_0_exactly_where_the_share_is_0_and_the_meant_share_is_written() -> None:
    both = added(added(told(), OLD), NEW)
    rolled = shift(both, old=67, new=33)
    assert scalers(rolled) == {OLD: 1, NEW: 1}
    assert [each.meant for each in shared.entries(rolled)] == [67, 33]
    assert [each.words for each in shared.entries(rolled)] == [
        "capacityScaler 1, meant: 67 %",
        "capacityScaler 1, meant: 33 %",
    ]
    assert json.loads(rolled["backends"][1]["description"])["phoenix-share"] == "33"
    moved = shift(rolled, new=100)
    assert scalers(moved) == {OLD: 0, NEW: 1}
    assert [each.meant for each in shared.entries(moved)] == [0, 100]
    assert shared.entries(shift(moved, new=100)) == shared.entries(moved)


def test_who_serves_gets_what_its_machines_can_bear() -> None:
    both = shared.entries(shift(added(added(told(), OLD), NEW), old=95, new=5))
    assert shared.shares(both, {OLD: 2, NEW: 2}) == {OLD: 50, NEW: 50}
    assert shared.shares(both, {OLD: 3, NEW: 1}) == {OLD: 75, NEW: 25}
    assert shared.shares(both, {}) == {OLD: 50, NEW: 50}, "nobody is healthy, and both are asked all the same"
    assert shared.shares(both, {OLD: 2, NEW: 0})[NEW] == 1, "it has traffic as soon as it is healthy"
    assert shared.shares(shared.entries(shift(both_of(), new=100)), {OLD: 2}) == {NEW: 100}


def both_of() -> dict[str, Any]:
    return added(added(told(), OLD), NEW)


def test_a_smaller_scaler_of_somebody_else_comes_back() -> None:
    service = added(told(backend(LEGACY, capacityScaler=0.8, description="the old shop")), NEW)
    gone = shift(service, new=100)
    assert scalers(gone) == {LEGACY: 0, NEW: 1}
    assert scalers(shift(gone, legacy=100)) == {LEGACY: 0.8, NEW: 0}
    back = shared.put_back(gone, "shop", PLACE)
    assert back["backends"][0] == backend(LEGACY, capacityScaler=0.8, description="the old shop")
    assert scalers(back) == {LEGACY: 0.8, NEW: 0}


def test_who_had_nothing_before_phoenix_has_nothing_after_it() -> None:
    drained = backend("drained", capacityScaler=0)
    service = added(told(backend(LEGACY, capacityScaler=1), drained), NEW)
    back = shared.put_back(shift(service, new=100), "shop", PLACE)
    assert scalers(back) == {LEGACY: 1, "drained": 0, NEW: 0}


def test_an_only_backend_that_is_to_get_nothing_is_taken_out() -> None:
    assert shared.put_back(added(told(), OLD), "shop", PLACE)["backends"] == []
    assert scalers(shared.put_back(shift(both_of(), new=100), "shop", PLACE)) == {OLD: 0, NEW: 0}


def test_a_group_that_leaves_stays_a_backend_until_it_is_taken_out() -> None:
    moved = shift(both_of(), new=100)
    leaving = shared.closed(moved, OLD, "shop", PLACE)
    assert leaving is not None
    assert [each.group for each in shared.attached(leaving)] == [NEW]
    assert scalers(leaving) == {OLD: 0, NEW: 1}
    assert shared.closed(leaving, OLD, "shop", PLACE) is None
    assert scalers(shift(leaving, new=100)) == {OLD: 0, NEW: 1}
    assert shared.is_of(leaving, OLD, "shop")
    assert not shared.is_of(leaving, OLD, "another")
    again = added(leaving, OLD)
    assert [each.group for each in shared.attached(again)] == [OLD, NEW]
    assert scalers(shared.without(leaving, OLD)) == {NEW: 1}
    assert shared.without(leaving, NEW)["backends"] == [], "the rest would be an only backend with nothing"


@pytest.mark.parametrize("hand", [{"capacityScaler": 0.5}, {"capacityScaler": 0}])
def test_a_version_tells_of_a_hand(hand: dict[str, Any]) -> None:
    now = both_of()
    changed = {**now, "backends": [{**now["backends"][0], **hand}, now["backends"][1]]}
    assert shared.version(now) != shared.version(changed)
    assert shared.version(now) == shared.version({**now, "timeoutSec": 9})
