"""What every cloud's balancer keeps: said in the words of `clouds.api.Traffic`, in front of real backends."""

from __future__ import annotations

import http.client
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.demo import load
from phoenix.errors import CloudError
from phoenix.manner import DrainedBy
from phoenix.model import Backend
from tests.emulators.aws import Emulator
from tests.emulators.gcp import Emulator as GcpEmulator
from tests.support.real import bench as benches
from tests.support.real.bench import NEW, OLD, OTHER, THIRD, Bench
from tests.support.real.instant import get, machines

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Bench]:
    """What only a balancer keeps that knows single machines, and shows the requests that are under way."""
    with machines() as started, benches.local(tmp_path) as make:
        yield Bench(make, started)


@pytest.fixture
def aws(emulator_with_machines: Emulator) -> Bench:
    return benches.aws(emulator_with_machines)


@pytest.fixture
def gcp(gcp_with_machines: GcpEmulator) -> Bench:
    return benches.gcp(gcp_with_machines)


@pytest.fixture(params=["local", "aws", "gcp"])
def bench(request: pytest.FixtureRequest) -> Bench:
    found: Bench = request.getfixturevalue(request.param)
    return found


def test_nothing_is_routed_before_the_first_attach(bench: Bench) -> None:
    route = bench.traffic.read()
    assert route.backends == ()
    assert route.stable is None
    assert route.address.startswith("http://")
    bench.shift({})
    bench.traffic.detach(OLD)
    assert bench.traffic.read() == route


def test_an_attached_group_is_checked_and_gets_nothing(bench: Bench) -> None:
    for _time in range(2):
        group = bench.group(OLD)
        bench.traffic.attach(group)
    backend = bench.until(lambda backend: backend.healthy == 2, OLD)
    well = frozenset(instance.id for instance in group.instances)
    shown = 0 if bench.traffic.manner.drain is DrainedBy.REQUESTS else None
    assert backend == Backend(group=OLD, share=0, healthy=2, total=2, requests=shown, well=well)
    assert get(bench.traffic.read().address)[0] == 503
    assert sum(machine.asked()["GET /"] for machine in bench.machines.get(OLD, ())) == 0


def test_a_group_is_not_healthy_before_its_checks_pass(local: Bench) -> None:
    group = local.group(NEW)
    sick, _well = local.machines[NEW]
    sick.say("sick")
    local.traffic.attach(group)
    while sick.asked()["GET /healthz"] < 5:
        assert local.backend(NEW).healthy <= 1
    assert local.until(lambda backend: backend.healthy == 1, NEW).total == 2
    sick.say("well")
    local.until(lambda backend: backend.healthy == 2, NEW)
    sick.say("sick")
    local.until(lambda backend: backend.healthy == 1, NEW)


@pytest.mark.parametrize(
    ("old", "new", "third"), [(95, 5, 0), (99, 1, 0), (50, 50, 0), (67, 33, 0), (0, 100, 0), (50, 30, 20), (1, 1, 98)]
)
def test_shares_are_exact(bench: Bench, old: int, new: int, third: int) -> None:
    bench.serve(old=old, new=new, third=third)
    assert bench.shares() == {OLD: old, NEW: new, THIRD: third}
    times = bench.of_a_percent
    wanted = {OLD: old * times, NEW: new * times, THIRD: third * times}
    assert bench.answers(100 * times) == {group: count for group, count in wanted.items() if count}


def test_whose_health_is_not_asked_for_has_its_share_all_the_same(bench: Bench) -> None:
    bench.serve(old=60, new=40)
    whole = bench.traffic.read()
    assert bench.traffic.read(()).shares == whole.shares
    alone = bench.traffic.read((NEW,))
    assert (alone.shares, alone.version) == (whole.shares, whole.version)
    assert alone.backend(NEW) == whole.backend(NEW)


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
    client = bench.client()
    seen = []
    for group in (OLD, NEW, OLD):
        bench.shift({group: 100})
        for _request in range(3):
            client.request("GET", "/")
            seen.append(bench.answered(client.getresponse().read().decode()))
    client.close()
    assert seen == [OLD] * 3 + [NEW] * 3 + [OLD] * 3


def test_no_request_is_lost_by_shifts_under_load(bench: Bench, tmp_path: Path) -> None:
    bench.serve(old=100, new=0)
    address = bench.traffic.read().address
    with load.running(address, rate=bench.rate, out=tmp_path / "load.json", clock=SystemClock()) as running:
        for share in (5, 50, 100, 0, 100):
            before = running.so_far().answered
            bench.shift({OLD: 100 - share, NEW: share})
            while running.so_far().answered < before + 20:
                bench.traffic.read()
        summary = running.finish()
    assert summary.failures == ()
    assert summary.sent == summary.answered > 100
    assert {bench.answered(answer) for answer in summary.answers} == {OLD, NEW}


def test_draining_is_seen(local: Bench) -> None:
    local.serve(old=100, new=0)
    address = local.traffic.read().address.removeprefix("http://")
    clients = [http.client.HTTPConnection(address, timeout=10) for _ in range(3)]
    for client in clients[:2]:
        client.request("GET", "/hold")
    idle = clients[2]
    idle.request("GET", "/")
    idle.getresponse().read()
    for machine in local.machines[OLD]:
        machine.say("held")
    assert local.backend(OLD).requests == 2
    local.shift({NEW: 100})
    assert (local.backend(OLD).requests, local.backend(NEW).requests) == (2, 0)
    for machine in local.machines[OLD]:
        machine.say("release")
    assert [client.getresponse().status for client in clients[:2]] == [200, 200]
    local.until(lambda backend: backend.requests == 0, OLD)
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


def test_a_resized_group_is_attached_again(local: Bench) -> None:
    local.serve(old=100)
    local.traffic.attach(local.group(OLD, 3))
    assert local.until(lambda backend: backend.healthy == 3, OLD).share == 100
    address = local.traffic.read().address
    assert Counter(get(address)[1] for _ in range(30)) == {f"{OLD}-{number}": 10 for number in (1, 2, 3)}

    clients = [http.client.HTTPConnection(address.removeprefix("http://"), timeout=10) for _ in range(3)]
    for client in clients:
        client.request("GET", "/hold")
    for machine in local.machines[OLD]:
        machine.say("held")
    local.traffic.attach(local.group(OLD, 1))
    assert (local.backend(OLD).total, local.backend(OLD).requests) == (1, 3)
    assert {get(address)[1] for _ in range(30)} == {f"{OLD}-1"}
    for machine in local.machines[OLD]:
        machine.say("release")
    assert {client.getresponse().read().decode() for client in clients} == {f"{OLD}-{n}" for n in (1, 2, 3)}
    for client in clients:
        client.close()
    local.traffic.attach(local.group(OLD, 3))
    local.until(lambda backend: backend.healthy == backend.total == 3, OLD)


def test_machines_that_leave_get_nothing_new_and_their_requests_are_counted(local: Bench) -> None:
    local.serve(old=100)
    whole = local.group(OLD)
    stays, leaves = local.machines[OLD]
    address = local.traffic.read().address
    clients = [http.client.HTTPConnection(address.removeprefix("http://"), timeout=10) for _ in range(4)]
    for client in clients:
        client.request("GET", "/hold")
    for machine in (stays, leaves) * 2:
        machine.say("held")
    for _time in range(2):
        local.traffic.attach(whole.without(frozenset({leaves.name})))
        there = local.backend(OLD)
        assert (there.total, there.healthy, there.requests, there.leaving) == (1, 1, 4, 2)
        assert there.well == {stays.name}
    before = leaves.asked()["GET /"]
    assert local.answers(30) == {OLD: 30}
    assert leaves.asked()["GET /"] == before
    leaves.say("release")
    assert local.until(lambda backend: backend.leaving == 0, OLD).requests == 2
    stays.say("release")
    assert sorted(client.getresponse().read().decode() for client in clients) == [stays.name] * 2 + [leaves.name] * 2
    for client in clients:
        client.close()


def test_a_machine_that_is_ended_after_it_left_costs_no_request(local: Bench, tmp_path: Path) -> None:
    local.serve(old=100)
    whole = local.group(OLD)
    _stays, leaves = local.machines[OLD]
    address = local.traffic.read().address
    with load.running(address, rate=200, out=tmp_path / "load.json", clock=SystemClock()) as running:
        local.traffic.attach(whole.without(frozenset({leaves.name})))
        local.until(lambda backend: backend.leaving == 0, OLD)
        leaves.end()
        before = running.so_far().answered
        while running.so_far().answered < before + 100:
            local.traffic.read()
        summary = running.finish()
    assert summary.failures == ()


def test_a_machine_that_joins_a_serving_group_gets_nothing_before_its_checks_pass(local: Bench) -> None:
    local.serve(old=100)
    sick = local.start(f"{OLD}-3")
    sick.say("sick")
    local.machines[OLD].append(sick)
    local.traffic.attach(local.group(OLD, 3))
    while sick.asked()["GET /healthz"] < 5:
        assert local.answers(10) == {OLD: 10}
    assert sick.asked()["GET /"] == 0
    sick.say("well")
    local.until(lambda backend: backend.healthy == 3, OLD)
    local.answers(9)
    assert sick.asked()["GET /"] == 3


def test_a_machine_at_a_new_address_is_found_there(local: Bench) -> None:
    local.serve(old=100)
    gone = local.machines[OLD][0]
    gone.end()
    local.until(lambda backend: backend.healthy == 1, OLD)
    local.machines[OLD][0] = local.start(gone.name)
    local.traffic.attach(local.group(OLD))
    local.until(lambda backend: backend.healthy == backend.total == 2, OLD)
    address = local.traffic.read().address
    assert Counter(get(address)[1] for _ in range(10)) == {f"{OLD}-1": 5, f"{OLD}-2": 5}


def test_preview_shows_the_group_alone(bench: Bench) -> None:
    bench.serve(old=100, new=0)
    for name in (OLD, NEW):
        preview = bench.traffic.preview(name)
        assert preview is not None
        assert bench.answers(20, preview) == {name: 20}
    bench.shift({NEW: 100})
    assert bench.traffic.preview(NEW) == preview


def test_a_machine_that_dies_under_load_costs_no_request(local: Bench, tmp_path: Path) -> None:
    local.serve(old=100)
    address = local.traffic.read().address
    with load.running(address, rate=200, out=tmp_path / "load.json", clock=SystemClock()) as running:
        local.machines[OLD][0].end()
        local.until(lambda backend: backend.healthy == 1, OLD)
        summary = running.finish()
    assert summary.failures == ()


def test_two_services_do_not_touch_each_other(bench: Bench) -> None:
    bench.serve(old=100)
    other = bench.make("api-local")
    other.attach(bench.group(OTHER))
    other.shift({OTHER: 100}, other.read())
    assert bench.shares() == {OLD: 100}
    assert other.read().stable == OTHER
    assert other.read().address != bench.traffic.read().address
    with pytest.raises(CloudError):
        bench.shift({OTHER: 100})
    assert bench.answers(20) == {OLD: 20}
