"""The preview of a group: a host that nobody guesses, told apart from others', with what was before phoenix in it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from phoenix.clouds.gcp.balancer import moves, preview
from phoenix.errors import RefusedError
from phoenix.model import Place
from tests.unit.clouds.gcp.maps import API, LEGACY, NEW, OLD, PLACE, filled, service, there, told


def shown(url_map: dict[str, Any], *names: str) -> dict[str, Any]:
    """The map with previews of these groups."""
    for name in names:
        changed = moves.shown(there(url_map), service(name), filled(name)[service(name)])
        assert changed is not None
        url_map = dict(changed)
    return url_map


def test_a_group_gets_a_host_that_nobody_guesses_and_the_rest_stays() -> None:
    before = told(hostRules=[{"hosts": ["a.example"], "pathMatcher": "a"}], pathMatchers=[{"name": "a"}], odd=[1])
    changed = shown(before, OLD)
    assert {**changed, "hostRules": changed["hostRules"][:1], "pathMatchers": changed["pathMatchers"][:1]} == before
    rule, matcher = changed["hostRules"][1], changed["pathMatchers"][1]
    assert re.fullmatch(rf"[0-9a-f]{{24}}\.{OLD}\.phoenix\.invalid", rule["hosts"][0])
    assert rule["pathMatcher"] == matcher["name"] == f"phoenix-{OLD}"
    assert matcher["defaultService"] == API + service(OLD)
    assert moves.shown(there(changed), service(OLD), filled(OLD)[service(OLD)]) is None
    assert shown(before, OLD)["hostRules"] != changed["hostRules"], "another time another host"


def test_a_preview_does_to_requests_what_the_route_does() -> None:
    action = {"timeout": {"seconds": "30"}, "retryPolicy": {"numRetries": 2}}
    changed = shown(told(defaultRouteAction=action), OLD)
    assert changed["pathMatchers"][0]["defaultRouteAction"] == action
    weights = {"weightedBackendServices": [{"backendService": service("x"), "weight": 1}], **action}
    url_map = told(defaultRouteAction=weights)
    del url_map["defaultService"]
    assert shown(url_map, OLD)["pathMatchers"][0]["defaultRouteAction"] == action


def test_previews_of_one_place_are_no_other_places() -> None:
    url_map = shown(told(), OLD, NEW)
    assert [each.group for each in preview.found(url_map, "shop", PLACE)] == [OLD, NEW]
    assert preview.found(url_map, "another", PLACE) == ()
    assert preview.found(url_map, "shop", Place(service="web", environment="test")) == ()
    url_map["pathMatchers"][0]["description"] = "mine now"
    assert [each.group for each in preview.found(url_map, "shop", PLACE)] == [NEW]


def test_what_was_before_is_kept_in_the_map_and_cut_text_is_nothing() -> None:
    does = {"defaultUrlRedirect": {"hostRedirect": "www.acme.example", "httpsRedirect": True}}
    url_map = shown(told(), OLD)
    (there_is,) = preview.found(url_map, "shop", PLACE)
    kept = preview.put(url_map, (replace(there_is, before=does),), there(url_map).live, "shop", PLACE)
    (found,) = preview.found(kept, "shop", PLACE)
    assert found == replace(there_is, before=does)
    kept["pathMatchers"][0]["description"] = kept["pathMatchers"][0]["description"].replace('before": "', 'before": "x')
    (cut,) = preview.found(kept, "shop", PLACE)
    assert cut.before is None
    long = {"defaultUrlRedirect": {"pathRedirect": "/" + "".join(f"{n * n:x}-" for n in range(2000))}}
    with pytest.raises(RefusedError, match="too much to be remembered"):
        preview.put(url_map, (replace(there_is, before=long),), there(url_map).live, "shop", PLACE)


def test_a_preview_that_is_there_is_left_as_it_stands_while_others_are_added() -> None:
    first = shown(told(), OLD)
    both = shown(first, NEW)
    assert both["pathMatchers"][0] == first["pathMatchers"][0]
    assert both["hostRules"][0] == first["hostRules"][0]


def test_a_closed_preview_lets_nobody_in_and_opens_with_another_host() -> None:
    (now,) = preview.found(shown(told(), OLD), "shop", PLACE)
    shut = preview.closed(now)
    assert shut.leaving
    assert shut.host != now.host
    again = preview.opened(shut)
    assert not again.leaving
    assert len({now.host, shut.host, again.host}) == 3


def test_names_of_path_matchers_fit_however_long_a_groups_is() -> None:
    long = preview.new("a" * 63, service("x"), made=False)
    assert len(long.matcher) == 63
    assert long.matcher != preview.new("a" * 62 + "b", service("x"), made=False).matcher
    assert preview.new(LEGACY, service("x"), made=False).matcher == "phoenix-legacy"
