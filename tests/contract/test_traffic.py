"""What every cloud's balancer keeps: said in the words of `clouds.api.Traffic`, in front of real backends."""

from __future__ import annotations

import http.client
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.clouds.api import Traffic
from phoenix.clouds.local.traffic import LocalTraffic
from phoenix.demo import load
from phoenix.errors import CloudError
from phoenix.model import Backend, BootState, Group, Health, Instance, InstanceState, Release
from phoenix.wait import Look, Verdict, wait_for
from tests.support.real.instant import Machine, get, machines
from tests.support.real.ports import free_port

pytestmark = pytest.mark.timeout(60)

OLD, NEW, THIRD = "web-local-v001", "web-local-v002", "web-local-v003"


class Bench:
    """Balancers of one cloud, and groups of machines that are ready at once."""

    def __init__(self, make: Callable[[str], Traffic], started: list[Machine]) -> None:
        self.make = make
        self.traffic = make("web-local")
        self._started = started
        self.machines: dict[str, list[Machine]] = {}

    def start(self, name: str) -> Machine:
        self._started.append(Machine(name))
        return self._started[-1]

    def group(self, name: str, size: int = 2) -> Group:
        """The group with `size` machines: those it has, and as many more as it needs."""
        there = self.machines.setdefault(name, [])
        while len(there) < size:
            there.append(self.start(f"{name}-{len(there) + 1}"))
        instances = tuple(
            Instance(
                id=machine.name,
                group=name,
                state=InstanceState.RUNNING,
                boot=BootState.DONE,
                address=machine.address,
                engine="instant",
            )
            for machine in there[:size]
        )
        return Group(
            name=name,
            project="test",
            service="web",
            environment="local",
            release=Release(image="image", image_ref="os/image"),
            size=size,
            created=datetime.now(UTC),
            instances=instances,
        )

    def serve(self, **shares: int) -> None:
        """Attach the groups `old`, `new`, `third`, wait until they are healthy, and give them these shares."""
        named = {{"old": OLD, "new": NEW, "third": THIRD}[word]: share for word, share in shares.items()}
        for name in named:
            self.traffic.attach(self.group(name))
            self.until(lambda backend: backend.healthy == backend.total == 2, name)
        self.shift(named)

    def shift(self, shares: dict[str, int]) -> None:
        """Give these shares, whatever the route is now."""
        self.traffic.shift(shares, self.traffic.read())

    def backend(self, name: str) -> Backend:
        backend = self.traffic.read().backend(name)
        assert backend is not None
        return backend

    def until(self, wanted: Callable[[Backend], bool], name: str) -> Backend:
        """The balancer's view of the group, when it is as wanted."""

        def look() -> Look:
            seen = self.backend(name)
            return Look(verdict=Verdict.PASS if wanted(seen) else Verdict.UNKNOWN, seen=str(seen))

        wait_for("the balancer", look, clock=SystemClock(), deadline=20, interval=0.02)
        return self.backend(name)

    def shares(self) -> dict[str, int]:
        return {backend.group: backend.share for backend in self.traffic.read().backends}

    def answers(self, count: int) -> Counter[str]:
        """Which group answered how many of `count` requests in a row."""
        client = http.client.HTTPConnection(self.traffic.read().address.removeprefix("http://"), timeout=10)
        seen: Counter[str] = Counter()
        for _request in range(count):
            client.request("GET", "/")
            seen[client.getresponse().read().decode().rpartition("-")[0]] += 1
        client.close()
        return seen


@contextmanager
def local(directory: Path) -> Iterator[Callable[[str], Traffic]]:
    made: list[LocalTraffic] = []

    def make(name: str) -> Traffic:
        listen = f"127.0.0.1:{free_port()}"
        made.append(LocalTraffic(directory=directory / name, listen=listen, health=Health(interval=0.05)))
        return made[-1]

    try:
        yield make
    finally:
        for traffic in made:
            traffic.stop()


@pytest.fixture(params=[local])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with machines() as started, request.param(tmp_path) as make:
        yield Bench(make, started)


def test_nothing_is_routed_before_the_first_attach(bench: Bench) -> None:
    route = bench.traffic.read()
    assert route.backends == ()
    assert route.stable is None
    assert route.address.startswith("http://")
    bench.shift({})
    bench.traffic.detach(OLD)
    assert bench.traffic.read() == route


def test_an_attached_group_is_checked_and_gets_nothing(bench: Bench) -> None:
    bench.traffic.attach(bench.group(OLD))
    bench.traffic.attach(bench.group(OLD))
    backend = bench.until(lambda backend: backend.healthy == 2, OLD)
    well = frozenset({f"{OLD}-1", f"{OLD}-2"})
    assert backend == Backend(group=OLD, share=0, healthy=2, total=2, requests=0, well=well)
    assert get(bench.traffic.read().address)[0] == 503
    assert sum(machine.asked()["GET /"] for machine in bench.machines[OLD]) == 0


def test_a_group_is_not_healthy_before_its_checks_pass(bench: Bench) -> None:
    group = bench.group(NEW)
    sick, _well = bench.machines[NEW]
    sick.say("sick")
    bench.traffic.attach(group)
    while sick.asked()["GET /healthz"] < 5:
        assert bench.backend(NEW).healthy <= 1
    assert bench.until(lambda backend: backend.healthy == 1, NEW).total == 2
    sick.say("well")
    bench.until(lambda backend: backend.healthy == 2, NEW)
    sick.say("sick")
    bench.until(lambda backend: backend.healthy == 1, NEW)


@pytest.mark.parametrize(
    ("old", "new", "third"), [(95, 5, 0), (99, 1, 0), (50, 50, 0), (67, 33, 0), (0, 100, 0), (50, 30, 20), (1, 1, 98)]
)
def test_shares_are_exact(bench: Bench, old: int, new: int, third: int) -> None:
    bench.serve(old=old, new=new, third=third)
    assert bench.shares() == {OLD: old, NEW: new, THIRD: third}
    wanted = {OLD: old * 10, NEW: new * 10, THIRD: third * 10}
    assert bench.answers(1000) == {group: count for group, count in wanted.items() if count}


def test_a_shift_names_all_that_get_traffic(bench: Bench) -> None:
    bench.serve(old=100, new=0)
    bench.shift({NEW: 100})
    bench.shift({NEW: 100})
    assert bench.shares() == {OLD: 0, NEW: 100}
    assert bench.answers(100) == {NEW: 100}
    bench.shift({})
    assert bench.shares() == {OLD: 0, NEW: 0}
    assert bench.traffic.read().stable is None
    assert get(bench.traffic.read().address)[0] == 503


@pytest.mark.parametrize("shares", [{OLD: 50, "web-local-v999": 50}, {OLD: 99}, {OLD: 101}, {OLD: 150, NEW: -50}])
def test_a_shift_that_cannot_be_changes_nothing(bench: Bench, shares: dict[str, int]) -> None:
    bench.serve(old=100, new=0)
    with pytest.raises(CloudError):
        bench.shift(shares)
    assert bench.shares() == {OLD: 100, NEW: 0}


def test_a_kept_open_connection_follows_a_shift_at_once(bench: Bench) -> None:
    bench.serve(old=100, new=0)
    client = http.client.HTTPConnection(bench.traffic.read().address.removeprefix("http://"), timeout=10)
    seen = []
    for group in (OLD, NEW, OLD):
        bench.shift({group: 100})
        for _request in range(3):
            client.request("GET", "/")
            seen.append(client.getresponse().read().decode().rpartition("-")[0])
    client.close()
    assert seen == [OLD] * 3 + [NEW] * 3 + [OLD] * 3


def test_no_request_is_lost_by_shifts_under_load(bench: Bench, tmp_path: Path) -> None:
    bench.serve(old=100, new=0)
    address = bench.traffic.read().address
    with load.running(address, rate=200, out=tmp_path / "load.json", clock=SystemClock()) as running:
        for share in (5, 50, 100, 0, 100):
            before = running.so_far().answered
            bench.shift({OLD: 100 - share, NEW: share})
            while running.so_far().answered < before + 20:
                bench.traffic.read()
        summary = running.finish()
    assert summary.failures == ()
    assert summary.sent == summary.answered > 100
    assert {answer.rpartition("-")[0] for answer in summary.answers} == {OLD, NEW}


def test_draining_is_seen(bench: Bench) -> None:
    bench.serve(old=100, new=0)
    address = bench.traffic.read().address.removeprefix("http://")
    clients = [http.client.HTTPConnection(address, timeout=10) for _ in range(3)]
    for client in clients[:2]:
        client.request("GET", "/hold")
    idle = clients[2]
    idle.request("GET", "/")
    idle.getresponse().read()
    for machine in bench.machines[OLD]:
        machine.say("held")
    assert bench.backend(OLD).requests == 2
    bench.shift({NEW: 100})
    assert (bench.backend(OLD).requests, bench.backend(NEW).requests) == (2, 0)
    for machine in bench.machines[OLD]:
        machine.say("release")
    assert [client.getresponse().status for client in clients[:2]] == [200, 200]
    bench.until(lambda backend: backend.requests == 0, OLD)
    for client in clients:
        client.close()


def test_a_group_with_a_share_is_not_detached(bench: Bench) -> None:
    bench.serve(old=95, new=5)
    with pytest.raises(CloudError, match="5 %"):
        bench.traffic.detach(NEW)
    assert bench.shares() == {OLD: 95, NEW: 5}
    bench.shift({OLD: 100})
    bench.traffic.detach(NEW)
    bench.traffic.detach(NEW)
    assert bench.shares() == {OLD: 100}
    assert bench.traffic.preview(NEW) is None
    assert bench.answers(50) == {OLD: 50}
    bench.serve(old=0, new=100)
    assert bench.answers(50) == {NEW: 50}


def test_a_resized_group_is_attached_again(bench: Bench) -> None:
    bench.serve(old=100)
    bench.traffic.attach(bench.group(OLD, 3))
    assert bench.until(lambda backend: backend.healthy == 3, OLD).share == 100
    address = bench.traffic.read().address
    assert Counter(get(address)[1] for _ in range(30)) == {f"{OLD}-{number}": 10 for number in (1, 2, 3)}

    clients = [http.client.HTTPConnection(address.removeprefix("http://"), timeout=10) for _ in range(3)]
    for client in clients:
        client.request("GET", "/hold")
    for machine in bench.machines[OLD]:
        machine.say("held")
    bench.traffic.attach(bench.group(OLD, 1))
    assert (bench.backend(OLD).total, bench.backend(OLD).requests) == (1, 3)
    assert {get(address)[1] for _ in range(30)} == {f"{OLD}-1"}
    for machine in bench.machines[OLD]:
        machine.say("release")
    assert {client.getresponse().read().decode() for client in clients} == {f"{OLD}-{n}" for n in (1, 2, 3)}
    for client in clients:
        client.close()
    bench.traffic.attach(bench.group(OLD, 3))
    bench.until(lambda backend: backend.healthy == backend.total == 3, OLD)


def test_machines_that_leave_get_nothing_new_and_their_requests_are_counted(bench: Bench) -> None:
    bench.serve(old=100)
    whole = bench.group(OLD)
    stays, leaves = bench.machines[OLD]
    address = bench.traffic.read().address
    clients = [http.client.HTTPConnection(address.removeprefix("http://"), timeout=10) for _ in range(4)]
    for client in clients:
        client.request("GET", "/hold")
    for machine in (stays, leaves) * 2:
        machine.say("held")
    for _time in range(2):
        bench.traffic.attach(whole.without(frozenset({leaves.name})))
        there = bench.backend(OLD)
        assert (there.total, there.healthy, there.requests, there.leaving) == (1, 1, 4, 2)
        assert there.well == {stays.name}
    before = leaves.asked()["GET /"]
    assert bench.answers(30) == {OLD: 30}
    assert leaves.asked()["GET /"] == before
    leaves.say("release")
    assert bench.until(lambda backend: backend.leaving == 0, OLD).requests == 2
    stays.say("release")
    assert sorted(client.getresponse().read().decode() for client in clients) == [stays.name] * 2 + [leaves.name] * 2
    for client in clients:
        client.close()


def test_a_machine_that_is_ended_after_it_left_costs_no_request(bench: Bench, tmp_path: Path) -> None:
    bench.serve(old=100)
    whole = bench.group(OLD)
    _stays, leaves = bench.machines[OLD]
    address = bench.traffic.read().address
    with load.running(address, rate=200, out=tmp_path / "load.json", clock=SystemClock()) as running:
        bench.traffic.attach(whole.without(frozenset({leaves.name})))
        bench.until(lambda backend: backend.leaving == 0, OLD)
        leaves.end()
        before = running.so_far().answered
        while running.so_far().answered < before + 100:
            bench.traffic.read()
        summary = running.finish()
    assert summary.failures == ()


def test_a_machine_that_joins_a_serving_group_gets_nothing_before_its_checks_pass(bench: Bench) -> None:
    bench.serve(old=100)
    sick = bench.start(f"{OLD}-3")
    sick.say("sick")
    bench.machines[OLD].append(sick)
    bench.traffic.attach(bench.group(OLD, 3))
    while sick.asked()["GET /healthz"] < 5:
        assert bench.answers(10) == {OLD: 10}
    assert sick.asked()["GET /"] == 0
    sick.say("well")
    bench.until(lambda backend: backend.healthy == 3, OLD)
    bench.answers(9)
    assert sick.asked()["GET /"] == 3


def test_a_machine_at_a_new_address_is_found_there(bench: Bench) -> None:
    bench.serve(old=100)
    gone = bench.machines[OLD][0]
    gone.end()
    bench.until(lambda backend: backend.healthy == 1, OLD)
    bench.machines[OLD][0] = bench.start(gone.name)
    bench.traffic.attach(bench.group(OLD))
    bench.until(lambda backend: backend.healthy == backend.total == 2, OLD)
    address = bench.traffic.read().address
    assert Counter(get(address)[1] for _ in range(10)) == {f"{OLD}-1": 5, f"{OLD}-2": 5}


def test_preview_shows_the_group_alone(bench: Bench) -> None:
    bench.serve(old=100, new=0)
    for name in (OLD, NEW):
        preview = bench.traffic.preview(name)
        assert preview is not None
        assert Counter(get(preview.url)[1].rpartition("-")[0] for _ in range(20)) == {name: 20}
    bench.shift({NEW: 100})
    assert bench.traffic.preview(NEW) == preview


def test_a_machine_that_dies_under_load_costs_no_request(bench: Bench, tmp_path: Path) -> None:
    bench.serve(old=100)
    address = bench.traffic.read().address
    with load.running(address, rate=200, out=tmp_path / "load.json", clock=SystemClock()) as running:
        bench.machines[OLD][0].end()
        bench.until(lambda backend: backend.healthy == 1, OLD)
        summary = running.finish()
    assert summary.failures == ()


def test_two_services_do_not_touch_each_other(bench: Bench) -> None:
    bench.serve(old=100)
    other = bench.make("api-local")
    other.attach(bench.group(NEW))
    other.shift({NEW: 100}, other.read())
    assert bench.shares() == {OLD: 100}
    assert other.read().stable == NEW
    assert other.read().address != bench.traffic.read().address
    with pytest.raises(CloudError):
        bench.shift({NEW: 100})
    assert bench.answers(20) == {OLD: 20}
