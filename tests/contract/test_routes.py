"""What every cloud's balancer keeps in its protocol, and those in memory do on which rolls are played.

What clients see of it is in `test_traffic.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from phoenix.clock import Clock, SystemClock
from phoenix.clouds.api import Traffic
from phoenix.clouds.local.traffic import LocalTraffic
from phoenix.errors import CloudError, StaleRouteError
from phoenix.manner import DrainedBy, PreviewBy
from phoenix.model import Backend, Group, Health
from phoenix.wait import Look, Verdict, wait_for
from tests.emulators.aws import Emulator
from tests.emulators.gcp import Emulator as GcpEmulator
from tests.support.fakes import gcp_route
from tests.support.fakes.aws_rule import Rules
from tests.support.fakes.cloud import FakeCloud
from tests.support.fakes.doubles import FakeClock
from tests.support.fakes.manners import FOREIGN, KINDS, Kind
from tests.support.real import machines as real
from tests.support.real.bench import NEW, OLD, Bench
from tests.support.real.instant import machines
from tests.support.real.ports import free_port

pytestmark = pytest.mark.timeout(60)


@dataclass(frozen=True, kw_only=True)
class Route:
    """A balancer to try."""

    traffic: Traffic
    group: Callable[[str, int], Group]
    """The group of that name with so many machines that work."""
    ail: Callable[[str], None]
    """A machine stops answering."""
    clock: Clock
    effect: float = 0.0
    """Seconds until a shift is seen."""

    def backend(self, name: str) -> Backend:
        found = self.traffic.read().backend(name)
        assert found is not None
        return found

    def until(self, wanted: Callable[[Backend], bool], name: str) -> Backend:
        def look() -> Look:
            seen = self.backend(name)
            return Look(verdict=Verdict.PASS if wanted(seen) else Verdict.UNKNOWN, seen=str(seen))

        wait_for("the balancer", look, clock=self.clock, deadline=20, interval=0.02)
        return self.backend(name)

    def shift(self, shares: dict[str, int]) -> None:
        """Give the shares, as the engine does: where the route has changed since, on a fresh look."""
        for _time in range(2):
            try:
                self.traffic.shift(shares, self.traffic.read())
            except StaleRouteError:
                continue
            break
        self.clock.sleep(self.effect)

    def serve(self, *names: str) -> None:
        """Attach the groups and give the first of them everything."""
        for name in names:
            self.traffic.attach(self.group(name, 2))
            self.until(lambda backend: backend.healthy == backend.total == 2, name)
        self.shift({names[0]: 100})

    @property
    def shares(self) -> dict[str, int]:
        return dict(self.traffic.read().shares)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Route]:
    made = LocalTraffic(
        directory=tmp_path / "web-local", listen=f"127.0.0.1:{free_port()}", health=Health(interval=0.05)
    )
    with machines() as started:
        bench = Bench(lambda _name: made, started)

        def ail(name: str) -> None:
            next(machine for machine in started if machine.name == name).say("sick")

        yield Route(traffic=made, group=bench.group, ail=ail, clock=SystemClock())
        made.stop()


@pytest.fixture
def aws(emulator: Emulator) -> Route:
    rules = Rules(emulator)
    traffic = rules.traffic()
    return Route(
        traffic=traffic,
        group=lambda name, size: rules.group(traffic, name, size),
        ail=emulator.sick,
        clock=SystemClock(),
    )


@pytest.fixture
def gcp_url_map(gcp: GcpEmulator) -> Route:
    routes = gcp_route.Routes(gcp)
    return google(routes, routes.traffic())


@pytest.fixture
def gcp_regional_url_map(gcp: GcpEmulator) -> Route:
    routes = gcp_route.Routes(gcp, regional=True)
    return google(routes, routes.traffic())


@pytest.fixture
def gcp_backend_service(gcp: GcpEmulator) -> Route:
    routes = gcp_route.Routes(gcp)
    routes.serve(routes.backend_service(gcp_route.SHARED))
    return google(routes, routes.shared())


def google(routes: gcp_route.Routes, traffic: gcp_route.Traffics) -> Route:
    return Route(
        traffic=traffic,
        group=lambda name, size: routes.group(traffic, name, size),
        ail=routes.emulator.sick,
        clock=SystemClock(),
    )


def in_memory(kind: Kind) -> Route:
    cloud = FakeCloud(FakeClock(), kind)

    def group(name: str, size: int) -> Group:
        there = cloud.find(name)
        if there is None:
            wanted = real.group(name=name, size=size)
            template = replace(real.template(), born_with=cloud.prepare(wanted))
            cloud.create(wanted, template, between=lambda: None)
        else:
            cloud.resize(name, size, between=lambda: None)
        found = cloud.find(name)
        assert found is not None
        return found

    return Route(traffic=cloud, group=group, ail=cloud.ill.add, clock=cloud.clock, effect=10.0)


GOOGLES = ("gcp_url_map", "gcp_regional_url_map", "gcp_backend_service")


@pytest.fixture(
    params=["local", "aws", *GOOGLES, *KINDS], ids=lambda each: f"memory-{each}" if isinstance(each, Kind) else each
)
def route(request: pytest.FixtureRequest) -> Route:
    if isinstance(request.param, Kind):
        return in_memory(request.param)
    found: Route = request.getfixturevalue(request.param)
    return found


def test_nothing_is_routed_before_the_first_attach(route: Route) -> None:
    seen = route.traffic.read()
    assert (seen.backends, seen.stable) == ((), None)
    assert seen.address.startswith("http://")
    route.traffic.check()
    route.shift({})
    route.traffic.detach(OLD)
    assert route.traffic.read().backends == ()
    assert route.traffic.preview(OLD) is None


def test_an_attached_group_is_checked_and_gets_nothing(route: Route) -> None:
    group = route.group(OLD, 2)
    for _time in range(2):
        route.traffic.attach(group)
    seen = route.until(lambda backend: backend.healthy == 2, OLD)
    share = 100 if route.traffic.manner.first_serves else 0
    assert (seen.share, seen.total, seen.leaving) == (share, 2, 0)
    assert seen.well == {instance.id for instance in group.instances}
    shown = route.traffic.manner.drain is DrainedBy.REQUESTS
    assert seen.requests == (0 if shown else None), "a number that is not shown is not nought"
    route.ail(group.instances[0].id)
    assert route.until(lambda backend: backend.healthy == 1, OLD).well == {group.instances[1].id}


def test_a_shift_names_all_that_get_traffic_and_twice_is_once(route: Route) -> None:
    route.serve(OLD, NEW)
    assert route.shares == {OLD: 100}
    for _time in range(2):
        route.shift({NEW: 100})
        assert route.shares == {NEW: 100}
    assert route.traffic.read().stable == NEW
    route.shift({})
    assert route.traffic.read().stable is None


def test_shares_are_exact_where_the_balancer_says_so(route: Route) -> None:
    route.serve(OLD, NEW)
    route.shift({OLD: 95, NEW: 5})
    assert sum(route.shares.values()) == 100
    if route.traffic.manner.exact_shares:
        assert route.shares == {OLD: 95, NEW: 5}
    else:
        assert route.shares == {OLD: 50, NEW: 50}, "two groups of two machines each"


@pytest.mark.parametrize("shares", [{OLD: 50, "web-local-v999": 50}, {OLD: 99}, {OLD: 101}, {OLD: 150, NEW: -50}])
def test_a_shift_that_cannot_be_changes_nothing(route: Route, shares: dict[str, int]) -> None:
    route.serve(OLD, NEW)
    with pytest.raises(CloudError):
        route.traffic.shift(shares, route.traffic.read())
    assert route.shares == {OLD: 100}


def test_a_shift_that_was_decided_on_another_route_changes_nothing_where_that_can_be_told(route: Route) -> None:
    route.serve(OLD, NEW)
    before = route.traffic.read()
    route.shift({NEW: 100})
    if not before.version or (isinstance(route.traffic, FakeCloud) and not route.traffic.kind.checks_version):
        return
    with pytest.raises(StaleRouteError):
        route.traffic.shift({OLD: 100}, before)
    assert route.shares == {NEW: 100}


def test_a_group_with_a_share_is_not_detached(route: Route) -> None:
    route.serve(OLD, NEW)
    with pytest.raises(CloudError, match="100 %"):
        route.traffic.detach(OLD)
    assert route.shares == {OLD: 100}
    for _time in range(2):
        route.traffic.detach(NEW)
    assert route.traffic.read().backend(NEW) is None


def test_a_group_that_has_grown_is_attached_again(route: Route) -> None:
    route.serve(OLD)
    route.traffic.attach(route.group(OLD, 3))
    assert route.until(lambda backend: backend.healthy == backend.total == 3, OLD).share == 100


def test_who_drains_machines_is_as_the_balancer_says(route: Route) -> None:
    route.serve(OLD)
    group = route.group(OLD, 2)
    leaving = frozenset({group.instances[0].id})
    for _time in range(2):
        by_requests = route.traffic.manner.drain is DrainedBy.REQUESTS
        assert route.traffic.retire(group, leaving) is by_requests
        assert route.backend(OLD).total == (1 if by_requests else 2)


def test_a_preview_is_as_the_balancer_says(route: Route) -> None:
    route.serve(OLD, NEW)
    preview = route.traffic.preview(NEW)
    if route.traffic.manner.preview is PreviewBy.NONE:
        assert preview is None
        return
    assert preview is not None
    assert preview.url.startswith("http")
    assert bool(preview.headers) is (route.traffic.manner.preview is not PreviewBy.ADDRESS)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_no_shares_put_back_what_was_there_before_phoenix(kind: Kind) -> None:
    route = in_memory(kind)
    assert isinstance(route.traffic, FakeCloud)
    route.traffic.found_foreign(2, serves=True)
    assert route.shares == {FOREIGN: 100}
    route.serve(NEW)
    assert route.shares == {NEW: 100}
    route.shift({})
    assert route.shares == {FOREIGN: 100}
