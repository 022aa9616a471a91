"""A local balancer with its real HAProxy and instant machines, for the tests of what it promises."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.clouds.api import Traffic
from phoenix.clouds.local.traffic import LocalTraffic
from phoenix.model import BootState, Group, Health, Instance, InstanceState, Release, Route
from phoenix.tools.haproxy import USUAL, Terms
from phoenix.tools.haproxy_socket import Runtime
from phoenix.tools.process import ProcessId
from phoenix.wait import Look, Verdict, wait_for
from tests.support.real.instant import Machine, get, machines
from tests.support.real.ports import free_port

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

    def traffic(self, health: Health = QUICK, listen: str | None = None, terms: Terms = USUAL) -> LocalTraffic:
        """The balancer, as any command makes itself one."""
        return LocalTraffic(directory=self.directory, listen=listen or self.listen, health=health, terms=terms)

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


def shift(traffic: Traffic, shares: Mapping[str, int]) -> None:
    """Give these shares, whatever the route is now."""
    traffic.shift(shares, traffic.read())


def healthy(traffic: LocalTraffic, name: str, count: int) -> None:
    def look() -> bool:
        backend = traffic.read().backend(name)
        return backend is not None and backend.healthy == count

    wait(f"{count} healthy machines in {name}", look)


def shares(route: Route) -> dict[str, int]:
    return {backend.group: backend.share for backend in route.backends}


def served(address: str, count: int) -> Counter[str]:
    return Counter(get(address)[1].rpartition("-")[0] for _ in range(count))


def under_way(traffic: LocalTraffic, name: str) -> int | None:
    backend = traffic.read().backend(name)
    return backend.requests if backend else None


def drained(traffic: LocalTraffic, name: str) -> bool:
    return under_way(traffic, name) in (0, None)


@contextmanager
def world_in(directory: Path) -> Iterator[World]:
    """A balancer that was never started; whatever is started is ended."""
    with machines() as started:
        made = World(directory=directory / "balancer" / "web-local", started=started)
        try:
            yield made
        finally:
            made.traffic().stop()


def serve_two(world: World) -> World:
    """Two groups behind the balancer, 95 and 5 %."""
    traffic = world.traffic()
    for name in (OLD, NEW):
        traffic.attach(world.group(name))
        healthy(traffic, name, 1)
    shift(traffic, {OLD: 95, NEW: 5})
    return world
