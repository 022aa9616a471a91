"""What a group gets of which nobody says any more by which route it serves: rather too much than too little."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from phoenix.clouds.gcp.balancer import left_behind
from phoenix.clouds.gcp.calls import Answer
from tests.unit.clouds.gcp.asked import Asked
from tests.unit.clouds.gcp.maps import API, NEW, OLD, service, told
from tests.unit.clouds.gcp.test_preview import shown

GROUP = f"{API}projects/p/regions/us-central1/instanceGroups/{OLD}"


def weighted(**weights: int) -> dict[str, Any]:
    """A URL map that splits what it gets."""
    services = [
        {"backendService": API + service(name), "weight": weights[key]} for key, name in (("o", OLD), ("n", NEW))
    ]
    plain = {key: value for key, value in told().items() if key != "defaultService"}
    return {**plain, "defaultRouteAction": {"weightedBackendServices": services}}


API_PATHS = [{"name": "api", "pathRules": [{"paths": ["/api/*"], "service": API + service(OLD)}]}]
MIRRORS = {"requestMirrorPolicy": {"backendService": API + service(OLD)}}


@pytest.mark.parametrize(
    ("url_map", "share"),
    [
        (told(), None),
        (shown(told(), OLD), None),
        (weighted(o=0, n=1), 0),
        (weighted(o=1, n=3), 25),
        ({**weighted(o=0, n=1), "pathMatchers": API_PATHS}, 100),
        (told(pathMatchers=API_PATHS), 100),
        (told(pathMatchers=[{"name": "a", "defaultService": API + service(OLD)}]), 100),
        (told(defaultRouteAction=MIRRORS), 100),
        ({**weighted(o=0, n=1), "tests": [{"service": API + service(OLD)}]}, 0),
    ],
    ids=[
        "not-named",
        "previews",
        "nothing",
        "a-part",
        "a-path-rule-too",
        "a-path-rule",
        "a-matcher",
        "mirror",
        "tests",
    ],
)
def test_what_a_url_map_gives(url_map: dict[str, Any], share: int | None) -> None:
    assert left_behind.share_by(url_map, service(OLD)) == share


class Balanced(Asked):
    """One global backend service, which no URL map names."""

    def web(self, verb: str, url: str, /, *, body: Answer | None = None) -> Answer:
        if url.endswith("getHealth"):
            return {"healthStatus": []}
        there: Mapping[str, Any] = {"selfLink": API + service("lines"), "backends": [{"group": GROUP}]}
        return {"items": [there]} if url.endswith("global/backendServices") else {}


def test_what_a_tcp_proxy_leads_to_serves() -> None:
    (backend,) = left_behind.backends(Balanced(), "us-central1", [OLD])
    assert (backend.group, backend.share) == (OLD, 100)
