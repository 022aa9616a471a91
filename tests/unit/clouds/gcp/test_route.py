"""A route of a URL map: its shares read, and rewritten with everything else as it was."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from phoenix.clouds.gcp.balancer import route
from phoenix.clouds.gcp.balancer.route import Live
from tests.unit.clouds.gcp.maps import API, service, told

BLUE, GREEN = service("blue"), service("green")


def weighted(**weights: int) -> dict[str, Any]:
    each = [{"backendService": API + service(name), "weight": weight} for name, weight in weights.items()]
    return {"defaultRouteAction": {"weightedBackendServices": each}}


def of(does: dict[str, Any]) -> Live:
    return Live(does=does)


@pytest.mark.parametrize(
    ("does", "shares"),
    [
        ({"defaultService": API + BLUE}, {BLUE: 100}),
        ({"defaultService": f"https://compute.googleapis.com/compute/v1/{BLUE}"}, {BLUE: 100}),
        (weighted(blue=95, green=5), {BLUE: 95, GREEN: 5}),
        (weighted(blue=999, green=1), {BLUE: 99, GREEN: 1}),
        (weighted(blue=1, green=2), {BLUE: 33, GREEN: 67}),
        (weighted(blue=100, green=0), {BLUE: 100, GREEN: 0}),
        ({"defaultUrlRedirect": {"httpsRedirect": True}}, {}),
    ],
)
def test_weights_are_read_as_percent(does: dict[str, Any], shares: dict[str, int]) -> None:
    assert of(does).shares == shares


def test_what_else_than_known_services_gets_requests_is_told() -> None:
    assert of({"defaultUrlRedirect": {"httpsRedirect": True}}).elsewhere(frozenset({BLUE})) == "a redirect"
    assert of(weighted(blue=95, green=5)).elsewhere(frozenset({BLUE})) == GREEN
    assert of(weighted(blue=100, green=0)).elsewhere(frozenset({BLUE})) == ""


def test_one_service_is_named_and_several_are_weighed() -> None:
    there = of({"defaultService": API + BLUE})
    assert route.to(there, {GREEN: 100}) == {"defaultService": API + GREEN}
    assert route.to(there, {BLUE: 95, GREEN: 5}) == weighted(blue=95, green=5)
    assert "defaultService" not in route.to(there, {BLUE: 95, GREEN: 5}), "the API takes one of the two alone"
    assert route.to(of(weighted(blue=1, green=1)), {BLUE: 100}) == {"defaultService": API + BLUE}


def test_what_a_route_does_besides_is_kept() -> None:
    action = {"timeout": {"seconds": "30"}, "retryPolicy": {"numRetries": 2}}
    there = of({"defaultService": API + BLUE, "defaultRouteAction": action})
    assert route.to(there, {GREEN: 100}) == {"defaultService": API + GREEN, "defaultRouteAction": action}
    both = route.to(there, {BLUE: 50, GREEN: 50})
    assert both["defaultRouteAction"] == {**action, **weighted(blue=50, green=50)["defaultRouteAction"]}
    headers = {"requestHeadersToAdd": [{"headerName": "x-from", "headerValue": "lb"}]}
    added = weighted(blue=1)
    added["defaultRouteAction"]["weightedBackendServices"][0]["headerAction"] = headers
    moved = route.to(of(added), {GREEN: 100})
    assert moved["defaultRouteAction"]["weightedBackendServices"] == [
        {"backendService": API + GREEN, "weight": 100, "headerAction": headers}
    ]


def test_a_version_tells_whatever_the_route_does_and_nothing_else() -> None:
    one = of(weighted(blue=95, green=5))
    turned = weighted(green=5, blue=95)
    turned["defaultRouteAction"]["weightedBackendServices"][0]["backendService"] = GREEN
    assert one.version == of(turned).version
    assert one.version != of(weighted(blue=94, green=6)).version
    slower = copy.deepcopy(weighted(blue=95, green=5))
    slower["defaultRouteAction"]["timeout"] = {"seconds": "9"}
    assert one.version != of(slower).version


def test_a_route_is_written_and_nothing_else_of_its_map_is() -> None:
    url_map = told(
        hostRules=[{"hosts": ["*.acme.example"], "pathMatcher": "shop"}],
        pathMatchers=[{"name": "shop", "defaultService": API + BLUE, "pathRules": [{"paths": ["/a"], "service": "s"}]}],
        tests=[{"host": "www.acme.example", "path": "/"}],
        newerThanUs={"x": [1]},
    )
    before = copy.deepcopy(url_map)
    shop = route.live(url_map, "shop")
    assert shop is not None
    changed = route.written(url_map, "shop", route.to(shop, {BLUE: 60, GREEN: 40}))
    assert url_map == before
    assert changed["pathMatchers"][0] == {
        "name": "shop",
        "pathRules": [{"paths": ["/a"], "service": "s"}],
        **weighted(blue=60, green=40),
    }
    changed.pop("pathMatchers")
    assert changed == {key: value for key, value in before.items() if key != "pathMatchers"}
    assert route.live(url_map, "checkout") is None
