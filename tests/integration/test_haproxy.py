"""The local balancer's own promises, with the real HAProxy: it outlives, it comes back, it never half-changes."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.clouds.local import balancer
from phoenix.clouds.local.traffic import LocalTraffic
from phoenix.errors import CloudError, RefusedError
from phoenix.model import BootState, Group, Health, Instance, InstanceState, Release, Route
from phoenix.tools import haproxy, load
from phoenix.tools.haproxy_socket import Runtime
from phoenix.tools.process import ProcessId
from phoenix.wait import Look, Verdict, wait_for
from tests.instant import Machine, get, machines
from tests.ports import free_port

pytestmark = pytest.mark.timeout(120)

OLD, NEW = "web-local-v001", "web-local-v002"
QUICK = Health(interval=0.05)


def group(name: str, members: dict[str, str]) -> Group:
    return Group(
        name=name,
        project="test",
        service="web",
        environment="local",
        release=Release(image="image", image_ref="os/image"),
        size=len(members),
        created=datetime.now(UTC),
        instances=tuple(
            Instance(
                id=member,
                group=name,
                state=InstanceState.RUNNING,
                boot=BootState.DONE,
                address=address,
                engine="instant",
            )
            for member, address in members.items()
        ),
    )


@dataclass
class World:
    """A directory for one balancer, and its machines."""

    directory: Path
    started: list[Machine]
    listen: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")

    def traffic(self, health: Health = QUICK, listen: str | None = None) -> LocalTraffic:
        """The balancer, as any command makes itself one."""
        return LocalTraffic(directory=self.directory, listen=listen or self.listen, health=health)

    def group(self, name: str, size: int = 1) -> Group:
        new = [Machine(f"{name}-{number}") for number in range(1, size + 1)]
        self.started += new
        return group(name, {machine.name: machine.address for machine in new})

    def haproxy(self) -> int:
        found = Runtime(self.directory).find()
        assert found is not None
        return found.pid

    def kill(self) -> None:
        """HAProxy is gone as if its computer had lost power."""
        pid = self.haproxy()
        identity = ProcessId.of(pid)
        os.kill(pid, signal.SIGKILL)
        wait("HAProxy's end", lambda: identity is None or not identity.alive)


def wait(what: str, wanted: Callable[[], bool]) -> None:
    def look() -> Look:
        return Look(verdict=Verdict.PASS if wanted() else Verdict.UNKNOWN, seen="not yet")

    wait_for(what, look, clock=SystemClock(), deadline=20, interval=0.02)


def healthy(traffic: LocalTraffic, name: str, count: int) -> None:
    def look() -> bool:
        backend = traffic.read().backend(name)
        return backend is not None and backend.healthy == count

    wait(f"{count} healthy machines in {name}", look)


def shares(route: Route) -> dict[str, int]:
    return {backend.group: backend.share for backend in route.backends}


def served(address: str, count: int) -> Counter[str]:
    return Counter(get(address)[1].rpartition("-")[0] for _ in range(count))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with machines() as started:
        made = World(directory=tmp_path / "balancer" / "web-local", started=started)
        try:
            yield made
        finally:
            made.traffic().stop()


@pytest.fixture
def two(world: World) -> World:
    """Two groups behind the balancer, 95 and 5 %."""
    traffic = world.traffic()
    for name in (OLD, NEW):
        traffic.attach(world.group(name))
        healthy(traffic, name, 1)
    traffic.shift({OLD: 95, NEW: 5})
    return world


def test_a_killed_balancer_comes_back_as_it_was(two: World) -> None:
    before, preview = two.traffic().read(), two.traffic().preview(NEW)
    two.kill()
    with pytest.raises(CloudError, match="not running") as caught:
        two.traffic().read()
    assert "phoenix tend" in caught.value.resolution
    assert not two.traffic().is_running()
    assert two.traffic().ensure_running()
    assert not two.traffic().ensure_running()
    for name in (OLD, NEW):
        healthy(two.traffic(), name, 1)
    assert two.traffic().read() == before
    assert two.traffic().preview(NEW) == preview
    assert served(before.address, 200) == {OLD: 190, NEW: 10}


def test_whoever_writes_starts_a_killed_balancer(two: World) -> None:
    two.kill()
    two.traffic().shift({NEW: 100})
    assert shares(two.traffic().read()) == {OLD: 0, NEW: 100}
    two.kill()
    two.traffic().detach(OLD)
    assert shares(two.traffic().read()) == {NEW: 100}


def test_a_preview_address_that_was_taken_meanwhile_is_given_up(two: World) -> None:
    preview = two.traffic().preview(NEW)
    assert preview is not None
    two.kill()
    with socket.create_server(("127.0.0.1", int(preview.rpartition(":")[2]))):
        two.traffic().ensure_running()
        other = two.traffic().preview(NEW)
        assert other not in (None, preview)
        assert other is not None
        assert get(other)[1] == f"{NEW}-1"


def test_a_taken_port_is_refused_and_leaves_nothing(world: World) -> None:
    port = int(world.listen.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(RefusedError, match=str(port)) as caught:
            world.traffic().attach(world.group(OLD))
    assert "already in use" in caught.value.brief
    assert not world.traffic().is_running()
    assert world.traffic().read().backends == ()


def test_an_address_of_another_computer_is_refused(world: World) -> None:
    with pytest.raises(RefusedError, match=r"192\.0\.2\.1:8000: Cannot assign") as caught:
        world.traffic(listen="192.0.2.1:8000").attach(world.group(OLD))
    assert "no such address" in caught.value.details


def test_two_balancers_never_share_a_port(two: World, tmp_path: Path) -> None:
    other = LocalTraffic(directory=tmp_path / "other", listen=two.listen, health=QUICK)
    with pytest.raises(RefusedError, match="already in use"):
        other.attach(two.group(OLD))
    assert not other.is_running()
    assert served(two.traffic().read().address, 20) == {OLD: 19, NEW: 1}
    other.stop()


COMMAND = """
import sys
from pathlib import Path
from phoenix.clouds.local.traffic import LocalTraffic
from tests.integration.test_haproxy import QUICK, group

traffic = LocalTraffic(directory=Path(sys.argv[1]), listen=sys.argv[2], health=QUICK)
for turn in range(int(sys.argv[5])):
    traffic.attach(group(sys.argv[3], {sys.argv[3] + "-1": sys.argv[4]}))
    traffic.shift({sys.argv[3]: 100})
"""


def command(world: World, name: str, address: str, times: int) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-c", COMMAND, str(world.directory), world.listen, name, address, str(times)]
    return subprocess.Popen(argv, start_new_session=True)


def test_the_balancer_outlives_the_command_that_started_it(world: World) -> None:
    machine = Machine("outliving-1")
    world.started.append(machine)
    assert command(world, "outliving", machine.address, 1).wait(timeout=60) == 0
    healthy(world.traffic(), "outliving", 1)
    assert get(world.traffic().read().address)[1] == "outliving-1"
    world.traffic().stop()
    world.traffic().stop()
    assert not world.directory.exists()
    with pytest.raises(ConnectionRefusedError):
        get(f"http://{world.listen}")


def test_many_commands_may_write_at_once(world: World) -> None:
    new = [Machine(f"g{number}-1") for number in range(3)]
    world.started += new
    commands = [command(world, machine.name.removesuffix("-1"), machine.address, 20) for machine in new]
    assert [each.wait(timeout=90) for each in commands] == [0, 0, 0]
    route = world.traffic().read()
    assert {backend.group for backend in route.backends} == {"g0", "g1", "g2"}
    assert sorted(shares(route).values()) == [0, 0, 100]
    assert route.stable is not None
    healthy(world.traffic(), route.stable, 1)
    assert served(route.address, 10) == {route.stable: 10}


def test_a_project_may_lie_deep(tmp_path: Path) -> None:
    with machines() as started:
        deep = World(directory=tmp_path.joinpath(*["a-directory-with-a-name"] * 6), started=started)
        assert len(str(deep.directory)) > 130
        try:
            deep.traffic().attach(deep.group(OLD))
            healthy(deep.traffic(), OLD, 1)
        finally:
            deep.traffic().stop()


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


def test_another_health_check_is_for_new_groups_only_and_costs_no_request(world: World, tmp_path: Path) -> None:
    traffic = world.traffic()
    traffic.attach(world.group(OLD))
    healthy(traffic, OLD, 1)
    traffic.shift({OLD: 100})
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
        today.shift({NEW: 100})
        drained = today.read().backend(OLD)
        assert drained is not None
        assert drained.sessions == 1, "the former process still answers a request"
        world.started[0].say("release")
        assert held.getresponse().read().decode() == f"{OLD}-1"
        held.close()
        summary = running.finish()
    assert summary.failures == ()
    assert world.started[0].asked()["GET /healthz/new"] == 0
    assert world.started[1].asked()["GET /healthz"] == 0

    def nothing_under_way() -> bool:
        backend = today.read().backend(OLD)
        return backend is not None and backend.sessions == 0

    wait("the end of the former process", nothing_under_way)
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
    two.traffic().shift({OLD: 100})
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
    world.traffic().shift({OLD: 100})
    assert served(world.traffic().read().address, 5) == {OLD: 5}


def test_a_mute_balancer_is_unknown_not_gone_and_can_be_stopped(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phoenix.tools.haproxy_socket._TIMEOUT", 0.2)
    pid = two.haproxy()
    os.kill(pid, signal.SIGSTOP)
    for ask in (two.traffic().read, lambda: two.traffic().shift({NEW: 100})):
        with pytest.raises(CloudError, match="does not answer"):
            ask()
    assert two.traffic().is_running()
    assert not two.traffic().ensure_running()
    os.kill(pid, signal.SIGCONT)
    assert shares(two.traffic().read()) == {OLD: 95, NEW: 5}
    os.kill(pid, signal.SIGSTOP)
    two.traffic().stop()
    assert not two.traffic().is_running()
    assert ProcessId.of(pid) is None


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
    traffic.shift({OLD: 100})
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
    traffic.shift({OLD: 100})
    world.started[0].end()  # no check can know it yet
    assert [get(traffic.read().address, method="POST")[1] for _ in range(20)] == [f"{OLD}-2"] * 20


def test_groups_come_and_go_for_long_under_load(world: World, tmp_path: Path) -> None:
    traffic = world.traffic()
    pair = (world.group(OLD, 2), world.group(NEW, 2))
    traffic.attach(pair[0])
    healthy(traffic, OLD, 2)
    traffic.shift({OLD: 100})
    pid = world.haproxy()
    with load.running(traffic.read().address, rate=200, out=tmp_path / "load.json", clock=SystemClock()) as running:
        for turn in range(40):
            leaving, coming = pair[turn % 2], pair[(turn + 1) % 2]
            traffic.attach(coming)
            healthy(traffic, coming.name, 2)
            traffic.shift({coming.name: 100})
            wait("the drain", lambda name=leaving.name: (b := traffic.read().backend(name)) is None or b.sessions == 0)  # type: ignore[misc]
            traffic.detach(leaving.name)
        summary = running.finish()
    assert summary.failures == ()
    assert summary.answered > 500
    assert world.haproxy() == pid


def test_an_old_haproxy_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "haproxy"
    fake.write_text("#!/bin/sh\necho 'HAProxy version 2.4.22-1 2023/08/14'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(RefusedError, match="cannot be used"):
        haproxy.require()


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


def test_the_configuration_is_one_that_haproxy_praises(two: World) -> None:
    program = haproxy.require()
    said = subprocess.run(
        [program, "-c", "-V", "-f", "haproxy.cfg"], cwd=two.directory, capture_output=True, text=True, check=True
    )
    assert not re.search("warning", said.stdout + said.stderr, re.IGNORECASE), said.stderr
