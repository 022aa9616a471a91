"""The local balancer's process: it outlives its command, comes back as it was, and shares its port with nobody."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.clouds.local.traffic import LocalTraffic
from phoenix.errors import CloudError, RefusedError
from phoenix.execute.probe import probe
from phoenix.tools import haproxy
from phoenix.tools.process import ProcessId
from phoenix.wait import Verdict
from tests.support.real.balancers import (
    NEW,
    OLD,
    QUICK,
    World,
    healthy,
    serve_two,
    served,
    shares,
    shift,
    world_in,
)
from tests.support.real.instant import Machine, get, machines

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_in(tmp_path) as made:
        yield made


@pytest.fixture
def two(world: World) -> World:
    return serve_two(world)


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
    before = two.traffic().read()
    two.kill()
    two.traffic().shift({NEW: 100}, before)
    assert shares(two.traffic().read()) == {OLD: 0, NEW: 100}
    two.kill()
    two.traffic().detach(OLD)
    assert shares(two.traffic().read()) == {NEW: 100}


def test_a_preview_address_that_was_taken_meanwhile_is_given_up(two: World) -> None:
    preview = two.traffic().preview(NEW)
    assert preview is not None
    two.kill()
    with socket.create_server(("127.0.0.1", int(preview.url.rpartition(":")[2]))):
        two.traffic().ensure_running()
        other = two.traffic().preview(NEW)
        assert other not in (None, preview)
        assert other is not None
        assert get(other.url)[1] == f"{NEW}-1"


def test_a_taken_port_is_refused_and_leaves_nothing(world: World) -> None:
    port = int(world.listen.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(RefusedError, match=str(port)) as caught:
            world.traffic().attach(world.group(OLD))
    assert "already in use" in caught.value.brief
    assert not world.traffic().is_running()
    assert world.traffic().read().backends == ()


def test_it_listens_on_ipv6_too_and_tells_who_has_the_address(world: World) -> None:
    port = int(world.listen.rpartition(":")[2])
    traffic = world.traffic(listen=f"[::1]:{port}")
    with socket.create_server(("::1", port), family=socket.AF_INET6):
        with pytest.raises(RefusedError, match="already in use") as caught:
            traffic.check()
    assert f"process {os.getpid()}" in caught.value.details
    traffic.check()
    traffic.attach(world.group(OLD))
    healthy(traffic, OLD, 1)
    shift(traffic, {OLD: 100})
    assert traffic.read().address == f"http://[::1]:{port}"
    looked = probe(traffic.read().address, clock=SystemClock())
    assert looked.verdict is Verdict.PASS, looked.seen
    traffic.stop()


def test_an_address_of_another_computer_is_refused(world: World) -> None:
    with pytest.raises(RefusedError, match=r"192\.0\.2\.1:8000: Cannot assign") as caught:
        world.traffic(listen="192.0.2.1:8000").attach(world.group(OLD))
    assert "no such address" in caught.value.details


def test_one_without_a_group_goes_when_nobody_needs_it_and_one_with_a_group_stays(two: World) -> None:
    assert not two.traffic().stop_idle()
    assert two.traffic().is_running()
    shift(two.traffic(), {})
    for name in (OLD, NEW):
        two.traffic().detach(name)
    assert two.traffic().stop_idle()
    assert not two.traffic().is_running()
    assert not two.traffic().stop_idle(), "twice is once"


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
from phoenix.errors import StaleRouteError
from tests.support.real.balancers import QUICK, group, shift

traffic = LocalTraffic(directory=Path(sys.argv[1]), listen=sys.argv[2], health=QUICK)
for turn in range(int(sys.argv[5])):
    traffic.attach(group(sys.argv[3], {sys.argv[3] + "-1": sys.argv[4]}))
    while True:  # who comes too late looks again, as a roll does
        try:
            shift(traffic, {sys.argv[3]: 100})
            break
        except StaleRouteError:
            pass
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


def test_a_mute_balancer_is_unknown_not_gone_and_can_be_stopped(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phoenix.tools.haproxy_socket._TIMEOUT", 0.2)
    pid = two.haproxy()
    os.kill(pid, signal.SIGSTOP)
    for ask in (two.traffic().read, lambda: shift(two.traffic(), {NEW: 100})):
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


def test_an_old_haproxy_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "haproxy"
    fake.write_text("#!/bin/sh\necho 'HAProxy version 2.4.22-1 2023/08/14'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(RefusedError, match="cannot be used"):
        haproxy.require()


def test_the_configuration_is_one_that_haproxy_praises(two: World) -> None:
    program = haproxy.require()
    said = subprocess.run(
        [program, "-c", "-V", "-f", "haproxy.cfg"], cwd=two.directory, capture_output=True, text=True, check=True
    )
    assert not re.search("warning", said.stdout + said.stderr, re.IGNORECASE), said.stderr
