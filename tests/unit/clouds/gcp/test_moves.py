"""What a URL map becomes, move by move, and that it comes back as it was."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.clouds.gcp.balancer import moves
from phoenix.clouds.gcp.balancer.moves import Filled
from phoenix.errors import RefusedError
from tests.unit.clouds.gcp.maps import API, LEGACY, NEW, OLD, filled, service, there, told
from tests.unit.clouds.gcp.test_preview import shown

LEGACYS = service("legacy-backend")


def test_nothing_is_said_of_groups_without_a_share_and_what_lost_its_is_still_checked() -> None:
    url_map = shown(told(), OLD)
    changed = moves.shifted(there(url_map), {service(OLD): 100}, filled(OLD, foreign=LEGACY))
    assert changed is not None
    now = there(dict(changed))
    assert now.live.does == {"defaultService": API + service(OLD)}
    assert [(each.group, each.made) for each in now.previews] == [(LEGACY, False), (OLD, True)]
    assert {repr(each.before) for each in now.previews} == {repr({"defaultService": API + LEGACYS})}
    assert moves.shifted(now, {service(OLD): 100}, filled(OLD, foreign=LEGACY)) is None


def test_the_route_comes_back_as_it_was_however_many_groups_have_served_since() -> None:
    action = {"timeout": {"seconds": "30"}}
    url_map = shown(told(defaultRouteAction=action), OLD, NEW)
    for name in (OLD, NEW):
        url_map = dict(moves.shifted(there(url_map), {service(name): 100}, filled(OLD, NEW, foreign=LEGACY)) or {})
    back = moves.put_back(there(url_map), filled(OLD, NEW, foreign=LEGACY))
    assert back is not None
    assert (back["defaultService"], back["defaultRouteAction"]) == (API + LEGACYS, action)
    assert moves.put_back(there(dict(back)), filled(OLD, NEW, foreign=LEGACY)) is None


def test_what_somebody_routed_by_hand_since_is_what_was_before() -> None:
    url_map = shown(told(), OLD)
    url_map = dict(moves.shifted(there(url_map), {service(OLD): 100}, filled(OLD, foreign=LEGACY)) or {})
    away = {"hostRedirect": "elsewhere.example"}
    by_hand = {**{key: value for key, value in url_map.items() if key != "defaultService"}, "defaultUrlRedirect": away}
    assert moves.put_back(there(by_hand), filled(OLD, foreign=LEGACY)) is None, "phoenix has nothing in it to take back"
    again = moves.shifted(there(by_hand), {service(OLD): 100}, filled(OLD, foreign=LEGACY))
    assert again is not None
    assert "defaultUrlRedirect" not in again
    back = moves.put_back(there(dict(again)), filled(OLD, foreign=LEGACY))
    assert back is not None
    assert back["defaultUrlRedirect"] == away


def test_where_nobody_knows_what_was_before_nothing_is_invented() -> None:
    url_map = shown(told(), OLD)
    url_map = dict(moves.shifted(there(url_map), {service(OLD): 100}, filled(OLD)) or {})
    for matcher in url_map["pathMatchers"]:
        matcher["description"] = ""
    with pytest.raises(RefusedError, match="nobody knows what the default route of the URL map www did"):
        moves.put_back(there(url_map), filled(OLD))


def test_a_group_leaves_at_once_or_lets_nobody_in_while_it_is_drained() -> None:
    url_map = shown(told(), OLD, NEW)
    closed = moves.without(there(url_map), OLD, filled(OLD, NEW), drains=True)
    assert closed is not None
    now = there(dict(closed))
    assert now.attached == (LEGACYS, service(NEW))
    assert [each.leaving for each in now.previews] == [True, False]
    assert moves.without(now, OLD, filled(OLD, NEW), drains=True) is None
    gone = moves.without(now, OLD, filled(OLD, NEW), drains=False)
    assert gone is not None
    assert [each.group for each in there(dict(gone)).previews] == [NEW]
    assert moves.without(there(dict(gone)), OLD, filled(NEW), drains=False) is None


def test_the_last_of_phoenix_takes_the_previews_of_others_with_it() -> None:
    both = filled(OLD, foreign=LEGACY)
    url_map = dict(moves.shifted(there(shown(told(), OLD)), {service(OLD): 100}, both) or {})
    url_map = dict(moves.put_back(there(url_map), both) or {})
    left = moves.without(there(url_map), OLD, both, drains=False)
    assert left == {**told(), "hostRules": [], "pathMatchers": []}


def test_what_somebody_left_at_weight_0_goes_with_the_group() -> None:
    weights = [
        {"backendService": service(NEW), "weight": 100},
        {"backendService": service(OLD), "weight": 0},
    ]
    url_map = shown(told(), OLD, NEW)
    url_map["defaultRouteAction"] = {"weightedBackendServices": weights}
    del url_map["defaultService"]
    left = moves.without(there(url_map), OLD, filled(OLD, NEW), drains=False)
    assert left is not None
    assert left["defaultService"] == API + service(NEW)


@pytest.mark.parametrize(
    ("more", "others"),
    [
        ({"pathMatchers": [{"name": "api", "defaultService": LEGACYS}]}, ("the path matcher api",)),
        (
            {"pathMatchers": [{"name": "api", "routeRules": [{"routeAction": {"x": [{"backendService": LEGACYS}]}}]}]},
            ("the path matcher api",),
        ),
        ({"pathMatchers": [{"name": "api", "defaultService": service("api")}]}, ()),
        ({"tests": [{"service": LEGACYS}]}, ()),
    ],
)
def test_other_routes_to_the_same_backend_service_are_told(more: dict[str, Any], others: tuple[str, ...]) -> None:
    assert moves.elsewhere(there(told(**more)), LEGACYS) == others
    assert moves.named_by(told(**more), LEGACYS)


def test_the_routes_own_rules_and_the_default_one_are_other_routes_too() -> None:
    rules = [{"paths": ["/img"], "service": LEGACYS}]
    url_map = told(pathMatchers=[{"name": "shop", "defaultService": LEGACYS, "pathRules": rules}])
    assert moves.elsewhere(there(url_map, "shop"), LEGACYS) == ("a rule of the route shop", "the default route")


def test_a_place_is_untouched_until_something_of_phoenixs_serves() -> None:
    stranger = {service("legacy-backend"): Filled(group=LEGACY, made=False)}
    assert moves.untouched(there(), stranger)
    assert moves.untouched(there(shown(told(), OLD)), stranger)
    assert not moves.untouched(there(shown(told(defaultService=service(OLD)), OLD)), stranger)
