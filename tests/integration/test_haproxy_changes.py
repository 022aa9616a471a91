"""What changes behind the real HAProxy: checks, addresses, machines. Never half, never at a request's cost."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.clouds.local import balancer
from phoenix.demo import load
from phoenix.errors import CloudError, RefusedError
from phoenix.tools.haproxy_socket import Runtime
from tests.support.real.balancers import (
    NEW,
    OLD,
    QUICK,
    World,
    drained,
    group,
    healthy,
    serve_two,
    served,
    shares,
    shift,
    under_way,
    wait,
    world_in,
)
from tests.support.real.instant import get
from tests.support.real.ports import free_port

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_in(tmp_path) as made:
        yield made


@pytest.fixture
def two(world: World) -> World:
    return serve_two(world)


def test_the_check_asks_for_exactly_the_path(world: World) -> None:
    odd = "/healthz/a'b\"c#d\\e%20f$g;h?x=%[src]&y={z}"
    traffic = world.traffic(replace(QUICK, path=odd))
    traffic.attach(world.group(OLD))
    healthy(traffic, OLD, 1)
    assert set(world.started[0].asked()) == {f"GET {odd}"}


def test_a_status_that_was_not_asked_for_is_not_healthy(world: World) -> None:
    traffic = world.traffic(replace(QUICK, status=503))
    traffic.attach(world.group(OLD))
    machine = world.started[0]
    wait("the first checks", lambda: machine.asked()["GET /healthz"] > 3)
    assert traffic.read().backends[0].healthy == 0
    machine.say("sick")
    healthy(traffic, OLD, 1)


def test_what_the_check_saw_is_told_of_each_machine(world: World) -> None:
    new = world.group(OLD, 2)
    well, sick = (instance.id for instance in new.instances)
    world.started[1].say("sick")
    nobody = replace(new.instances[0], id="nobody", address=f"127.0.0.1:{free_port()}")
    traffic = world.traffic()
    traffic.attach(replace(new, instances=(*new.instances, nobody)))
    healthy(traffic, OLD, 1)
    wait("the checks", lambda: "no check has ended" not in traffic.read().backends[0].seen)
    backend = traffic.read().backends[0]
    assert backend.well == {well}
    told = dict(backend.checks)
    assert told[sick] == "answers 503 to /healthz, 200 is wanted"
    assert told["nobody"] == "connection refused"
    assert set(told) == {sick, "nobody"}
    assert f"1 x answers 503 to /healthz, 200 is wanted ({sick})" in backend.seen


def test_another_health_check_is_for_new_groups_only_and_costs_no_request(world: World, tmp_path: Path) -> None:
    traffic = world.traffic()
    traffic.attach(world.group(OLD))
    healthy(traffic, OLD, 1)
    shift(traffic, {OLD: 100})
    first = world.haproxy()
    held = http.client.HTTPConnection(world.listen, timeout=20)
    held.request("GET", "/hold")
    world.started[0].say("held")
    with load.running(f"http://{world.listen}", rate=100, out=tmp_path / "load.json", clock=SystemClock()) as running:
        today = world.traffic(replace(QUICK, path="/healthz/new"))
        today.attach(world.group(NEW))
        assert world.haproxy() != first
        healthy(today, NEW, 1)
        healthy(today, OLD, 1)
        shift(today, {NEW: 100})
        wait("all but what the former process answers", lambda: under_way(today, OLD) == 1)
        world.started[0].say("release")
        assert held.getresponse().read().decode() == f"{OLD}-1"
        held.close()
        summary = running.finish()
    assert summary.failures == ()
    assert world.started[0].asked()["GET /healthz/new"] == 0
    assert world.started[1].asked()["GET /healthz"] == 0
    wait("the end of the former process", lambda: under_way(today, OLD) == 0)
    second = world.haproxy()
    today.detach(OLD)
    today.attach(world.group(OLD))
    assert world.haproxy() == second, "one reload for one change"


def test_the_listen_address_moves_with_the_next_attach(two: World) -> None:
    elsewhere = f"127.0.0.1:{free_port()}"
    moved = two.traffic(listen=elsewhere)
    assert moved.read().address == f"http://{two.listen}"
    moved.attach(two.group("web-local-v003"))
    assert moved.read().address == f"http://{elsewhere}"
    assert shares(moved.read()) == {OLD: 95, NEW: 5, "web-local-v003": 0}
    assert get(f"http://{elsewhere}")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        get(f"http://{two.listen}")


def test_a_move_to_a_taken_port_changes_nothing(two: World) -> None:
    before, pid = two.traffic().read(), two.haproxy()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        elsewhere = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RefusedError, match="already in use"):
            two.traffic(listen=elsewhere).attach(two.group("web-local-v003"))
    assert two.traffic().read() == before
    assert two.haproxy() == pid
    assert get(before.address)[0] == 200


def test_what_is_routed_wins_over_what_a_killed_shift_had_written(two: World) -> None:
    state = balancer.load(two.directory)
    assert state is not None
    balancer.save(two.directory, replace(state, shares={NEW: 100}))
    assert shares(two.traffic().read()) == {OLD: 95, NEW: 5}
    two.traffic().attach(two.group("web-local-v003"))
    assert shares(two.traffic().read()) == {OLD: 95, NEW: 5, "web-local-v003": 0}
    two.kill()
    two.traffic().ensure_running()
    assert shares(two.traffic().read()) == {OLD: 95, NEW: 5, "web-local-v003": 0}


def test_what_a_killed_detach_left_is_not_counted_and_goes(two: World) -> None:
    shift(two.traffic(), {OLD: 100})
    state = balancer.load(two.directory)
    assert state is not None
    slot = state.slot(NEW)
    assert slot is not None
    balancer.save(two.directory, state.put(replace(slot, group=None, members=())))
    other = two.group("web-local-v003")
    two.traffic().attach(other)
    healthy(two.traffic(), "web-local-v003", 1)
    seated = [server for server in Runtime(two.directory).statistics().servers if not server.retired]
    assert [server.address for server in seated] == [two.started[0].address, other.instances[0].address]


def test_a_first_attach_that_was_killed_is_done_again(world: World) -> None:
    first = world.group(OLD)
    world.traffic().attach(first)
    (world.directory / "balancer.json").unlink()  # killed before it was written
    assert world.traffic().read().backends == ()
    world.traffic().attach(first)
    healthy(world.traffic(), OLD, 1)
    shift(world.traffic(), {OLD: 100})
    assert served(world.traffic().read().address, 5) == {OLD: 5}


def test_there_is_room_for_so_many_groups(world: World) -> None:
    traffic = world.traffic()
    for number in range(1, balancer.SLOTS + 1):
        traffic.attach(group(f"g{number}", {f"g{number}-1": "127.0.0.1:9"}))
    with pytest.raises(CloudError, match="no room for g9"):
        traffic.attach(group("g9", {}))
    traffic.detach("g3")
    traffic.attach(group("g9", {}))
    assert [backend.group for backend in traffic.read().backends] == ["g1", "g2", "g4", "g5", "g6", "g7", "g8", "g9"]


def test_a_request_is_sent_again_only_where_that_is_safe(world: World) -> None:
    traffic = world.traffic()
    traffic.attach(world.group(OLD, 2))
    healthy(traffic, OLD, 2)
    shift(traffic, {OLD: 100})
    address = traffic.read().address

    def sent(method: str) -> int:
        return sum(machine.asked()[f"{method} /crash"] for machine in world.started)

    assert get(address, "/crash", method="POST")[0] == 502
    assert sent("POST") == 1
    assert get(address, "/crash")[0] == 502
    assert sent("GET") == 4


def test_a_post_to_a_dead_machine_goes_to_a_living_one(world: World) -> None:
    traffic = world.traffic(replace(QUICK, interval=2.0))
    traffic.attach(world.group(OLD, 2))
    healthy(traffic, OLD, 2)
    shift(traffic, {OLD: 100})
    world.started[0].end()  # no check can know it yet
    assert [get(traffic.read().address, method="POST")[1] for _ in range(20)] == [f"{OLD}-2"] * 20


def test_groups_come_and_go_for_long_under_load(world: World, tmp_path: Path) -> None:
    traffic = world.traffic()
    pair = (world.group(OLD, 2), world.group(NEW, 2))
    traffic.attach(pair[0])
    healthy(traffic, OLD, 2)
    shift(traffic, {OLD: 100})
    pid = world.haproxy()
    with load.running(traffic.read().address, rate=200, out=tmp_path / "load.json", clock=SystemClock()) as running:
        for turn in range(40):
            leaving, coming = pair[turn % 2], pair[(turn + 1) % 2]
            traffic.attach(coming)
            healthy(traffic, coming.name, 2)
            shift(traffic, {coming.name: 100})
            wait("the drain", partial(drained, traffic, leaving.name))
            traffic.detach(leaving.name)
        summary = running.finish()
    assert summary.failures == ()
    assert summary.answered > 500
    assert world.haproxy() == pid


def test_a_group_may_outgrow_its_seats(two: World, tmp_path: Path) -> None:
    first, pid = two.started[0], two.haproxy()
    many = {first.name: first.address, **{f"m{number}": "127.0.0.1:9" for number in range(balancer.SEATS)}}
    with load.running(f"http://{two.listen}", rate=100, out=tmp_path / "load.json", clock=SystemClock()) as running:
        two.traffic().attach(group(OLD, many))
        assert two.haproxy() != pid
        backend = two.traffic().read().backend(OLD)
        assert backend is not None
        assert (backend.total, backend.share) == (balancer.SEATS + 1, 95)
        healthy(two.traffic(), OLD, 1)
        healthy(two.traffic(), NEW, 1)
        summary = running.finish()
    assert summary.failures == ()
