"""Requests through the emulated load balancer: to real machines that real checks found healthy, by its URL map."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.emulators.gcp import Emulator
from tests.emulators.gcp.bench import Bench, Json


class Road(Bench):
    """The bench with two groups behind the URL map, each behind a backend service, and a client before it."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(emulator)
        for name in ("old", "new"):
            self.group(name, size=2)
            self.backend_service(name, name)
        self.weigh(1, 1)
        self.rule = f"projects/{self.world.project}/global/forwardingRules/{self.world.forwarding_rule}"
        self.address = emulator.serve(self.rule)
        until(lambda: [self.health(name, name) for name in ("old", "new")] == [["HEALTHY"] * 2] * 2)

    def weigh(self, old: int, new: int, **more: Any) -> None:
        weights = [
            {"backendService": f"global/backendServices/{name}", "weight": weight}
            for name, weight in (("old", old), ("new", new))
        ]
        self.route(**{"defaultRouteAction": {"weightedBackendServices": weights}, **more})

    def change(self, service: str, **fields: Any) -> None:
        """Write fields of a backend service."""
        row = self.service(service)
        self.do("backendServices.patch", {"fingerprint": row["fingerprint"], **fields}, backendService=service)

    def ask(self, path: str = "/", **headers: str) -> tuple[int, Mapping[str, str], Json]:
        """Status, headers, and what a machine said."""
        connection = http.client.HTTPConnection(self.address, timeout=20)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, dict(answer.getheaders()), json.loads(body) if body.startswith(b"{") else {}
        finally:
            connection.close()

    def served(self, count: int = 20, **headers: str) -> Counter[str]:  # type: ignore[override]
        """How many requests each group answered."""
        return Counter(self.ask(**headers)[2].get("group", "") for _each in range(count))


@pytest.fixture
def road(gcp_with_machines: Emulator) -> Road:
    return Road(gcp_with_machines)


def until(wanted: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_requests_are_shared_by_weight(road: Road) -> None:
    road.weigh(90, 10)
    assert road.served(20) == {"old": 18, "new": 2}
    road.weigh(0, 1)
    assert road.served(5) == {"new": 5}
    _status, _headers, said = road.ask(**{"X-Mine": "1"})
    assert (said["headers"]["x-mine"], said["headers"]["x-forwarded-for"]) == ("1", "127.0.0.1")


def test_a_host_rule_is_a_way_of_its_own(road: Road) -> None:
    preview = {"name": "preview", "defaultService": "global/backendServices/new"}
    road.weigh(1, 0, hostRules=[{"hosts": ["t0ken.invalid"], "pathMatcher": "preview"}], pathMatchers=[preview])
    assert road.served(4, Host="t0ken.invalid") == {"new": 4}
    assert road.served(4, Host="guess.invalid") == {"old": 4}


def test_a_group_without_capacity_gets_no_request(road: Road) -> None:
    both = [road.backend("old", capacityScaler=1.0), road.backend("new", capacityScaler=0.0)]
    road.change("old", backends=both)
    road.weigh(1, 0)
    assert road.served(8) == {"old": 8}
    both = [road.backend("old", capacityScaler=0.5), road.backend("new", capacityScaler=0.5)]
    road.change("old", backends=both)
    until(lambda: road.health("old", "new") == ["HEALTHY"] * 2)
    assert road.served(8) == {"old": 4, "new": 4}


def test_a_machine_that_is_off_is_found_unhealthy_and_gets_no_request(road: Road) -> None:
    road.weigh(1, 0)
    first = road.ask()[2]["instance"]
    road.emulator.kill(first)
    until(lambda: road.health("old", "old") == ["HEALTHY", "UNHEALTHY"])
    assert {road.ask()[2]["instance"] for _each in range(6)} == {name for name in _names(road, "old") if name != first}


def test_a_machine_that_fails_its_autohealing_check_is_made_again(road: Road) -> None:
    policy = {"healthCheck": f"global/healthChecks/{road.world.autohealing_check}", "initialDelaySec": 0}
    road.do("regionInstanceGroupManagers.patch", {"autoHealingPolicies": [policy]}, instanceGroupManager="old")
    until(lambda: road.stable("old"))
    before = {member["id"] for member in road.members("old")}
    road.emulator.kill(_names(road, "old")[0])
    until(lambda: len({member.get("id") for member in road.members("old")} & before) == 1)
    until(lambda: road.stable("old") and road.health("old", "old") == ["HEALTHY"] * 2)


def test_a_client_stays_with_its_machine(road: Road) -> None:
    road.weigh(1, 0)
    road.change("old", sessionAffinity="GENERATED_COOKIE", affinityCookieTtlSec=600)
    _status, headers, said = road.ask()
    sent = headers["Set-Cookie"].partition(";")[0]
    assert sent.startswith("GCLB=")
    assert {road.ask(Cookie=sent)[2]["instance"] for _each in range(4)} == {said["instance"]}
    road.emulator.advance(601)
    assert len({road.ask(Cookie=sent)[2]["instance"] for _each in range(4)}) == 2


def test_a_change_reaches_the_proxies_when_it_has_spread(road: Road) -> None:
    road.emulator.configure(speed=0, lag=30)
    road.weigh(1, 0)
    assert road.served(4) == {"old": 2, "new": 2}
    road.emulator.advance(29)
    assert road.served(4) == {"old": 2, "new": 2}
    road.emulator.advance(1.5)
    assert road.served(4) == {"old": 4}


def test_what_is_under_way_goes_on_while_a_group_drains(road: Road) -> None:
    road.emulator.configure(drain=3)
    road.weigh(0, 1)
    road.weigh(1, 0)
    answers: list[tuple[int, str]] = []

    def slow() -> None:
        status, _headers, said = road.ask("/slow?seconds=1.5")
        answers.append((status, said.get("group", "")))

    asking = threading.Thread(target=slow)
    asking.start()
    time.sleep(0.3)
    for name in _names(road, "old"):
        body = {"instances": [_url(road, name)]}
        road.do("regionInstanceGroupManagers.deleteInstances", body, instanceGroupManager="old")
    assert road.ask()[0] == 503, "a machine that its group ends gets nothing new"
    asking.join()
    assert answers == [(200, "old")]


def test_only_what_leads_to_a_url_map_can_be_served(road: Road) -> None:
    with pytest.raises(AssertionError, match="no forwarding rule"):
        road.emulator.serve(f"projects/{road.world.project}/global/forwardingRules/none")


def _names(road: Road, group: str) -> list[str]:
    return sorted(member["name"] for member in road.members(group))


def _url(road: Road, name: str) -> str:
    return next(str(member["instance"]) for member in road.members("old") if member["name"] == name)
