"""No request is lost with a group that is burnt the moment its traffic has gone: real machines behind a real proxy."""

from __future__ import annotations

import http.client
import select
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.clouds.gcp.groups import GcpGroups
from phoenix.demo import load
from phoenix.model import CloudMachine, LaunchTemplate
from phoenix.wait import Look, Verdict, wait_for
from tests.emulators.gcp import Emulator
from tests.support.fakes.gcp_route import (
    HEALTH,
    NEW,
    OLD,
    PORT,
    PROJECT,
    SHARED,
    Routes,
    Traffics,
    as_wanted,
    shift,
)

pytestmark = pytest.mark.timeout(180)

CLOCK = SystemClock()
SLOW = 1.5
"""Seconds that a request takes: less than machines drain for, and more than they take to end."""


@pytest.fixture
def routes(gcp_with_machines: Emulator) -> Routes:
    gcp_with_machines.configure(speed=10, probe=0.1, check=3600)
    return Routes(gcp_with_machines)


def opened(routes: Routes, form: str) -> Traffics:
    """The balancer, of either form; both groups are healthy behind it, and the old one serves."""
    address = f"http://{routes.emulator.serve(f'{routes.parent}/forwardingRules/{routes.world.forwarding_rule}')}"
    traffic: Traffics = routes.traffic(address=address)
    if form == SHARED:
        routes.serve(routes.backend_service(SHARED, connectionDraining={"drainingTimeoutSec": 30}))
        traffic = routes.shared(address=address)
    for name in (OLD, NEW):
        template = LaunchTemplate(
            image=routes.world.image,
            machine=CloudMachine(type="e2-small"),
            port=PORT,
            health=HEALTH,
            user_data="#!/bin/sh\n",
            born_with=traffic.prepare(as_wanted(name)),
        )
        groups(routes).create(as_wanted(name), template)
        traffic.attach(as_wanted(name))
    healthy(traffic, OLD, NEW)
    shift(traffic, old=100)
    return traffic


def groups(routes: Routes) -> GcpGroups:
    return GcpGroups(PROJECT, routes.spec, routes.calls, CLOCK)


@pytest.mark.parametrize("form", ["url-map", SHARED])
def test_what_a_group_is_still_answering_outlasts_its_place(routes: Routes, form: str) -> None:
    traffic = opened(routes, form)
    client = http.client.HTTPConnection(traffic.read().address.removeprefix("http://"), timeout=30)
    client.request("GET", f"/slow?seconds={SLOW}")
    asked = CLOCK.monotonic()
    answered: list[float] = []

    def between() -> None:
        if not answered and select.select([client.sock], [], [], 0)[0]:
            answered.append(CLOCK.monotonic() - asked)

    shift(traffic, new=100)
    traffic.detach(OLD)
    groups(routes).delete(OLD, between=between)
    between()
    assert answered, "by the time that the group was gone"
    assert answered[0] >= SLOW, "a machine that ends answers at once"
    answer = client.getresponse()
    assert answer.status == 200
    assert OLD in answer.read().decode()
    client.close()
    assert routes.found(OLD) is None
    assert OLD not in str([*routes.names("backendServices"), routes.told()])


def test_no_request_is_lost_by_shifts_between_groups_of_one_backend_service(routes: Routes, tmp_path: Path) -> None:
    traffic = opened(routes, SHARED)
    with load.running(traffic.read().address, rate=50, out=tmp_path / "load.json", clock=CLOCK) as running:
        for shares in ({"new": 100}, {"old": 50, "new": 50}, {"old": 100}, {"new": 100}):
            before = running.so_far().answered
            shift(traffic, **shares)
            while running.so_far().answered < before + 20:
                traffic.read()
        summary = running.finish()
    assert summary.failures == ()
    assert summary.sent == summary.answered > 80


def healthy(traffic: Traffics, *names: str) -> None:
    """Wait until two machines of each group are."""

    def look() -> Look:
        route = traffic.read()
        backends = [route.backend(name) for name in names]
        well = all(each is not None and each.healthy == 2 for each in backends)
        return Look(verdict=Verdict.PASS if well else Verdict.UNKNOWN, seen=str(backends))

    wait_for("the groups", look, clock=CLOCK, deadline=60, interval=0.1)
