"""Balancers to try: groups of machines that are ready at once, behind HAProxy or a load balancer that is emulated."""

from __future__ import annotations

import http.client
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.clouds.api import Traffic
from phoenix.clouds.aws.traffic import AwsTraffic
from phoenix.clouds.gcp.links import full
from phoenix.clouds.gcp.traffic import GcpUrlMapTraffic
from phoenix.clouds.local.traffic import LocalTraffic
from phoenix.manner import Preview
from phoenix.model import Backend, BootState, Group, Health, Instance, InstanceState, Release
from phoenix.wait import Look, Verdict, wait_for
from tests.emulators.aws import Emulator
from tests.emulators.gcp import Emulator as GcpEmulator
from tests.support.fakes.aws_rule import NOTHING, Rules
from tests.support.fakes.gcp_route import Routes
from tests.support.real.instant import Machine
from tests.support.real.ports import free_port

OLD, NEW, THIRD = "web-local-v001", "web-local-v002", "web-local-v003"
OTHER = "api-local-v001"
"""Another service's."""


class Bench:
    """Balancers of one cloud, and groups of machines that are ready at once."""

    of_a_percent = 10
    """Requests that are enough to see a percent exactly."""
    rate = 200.0
    """Requests a second that it bears."""

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

    def client(self) -> http.client.HTTPConnection:
        """A connection to the service's address."""
        return http.client.HTTPConnection(self.traffic.read().address.removeprefix("http://"), timeout=10)

    def answers(self, count: int, preview: Preview | None = None) -> Counter[str]:
        """Which group answered how many of `count` requests in a row, through the balancer or a preview of it."""
        client = self.client()
        if preview is not None:
            client = http.client.HTTPConnection(preview.url.removeprefix("http://"), timeout=10)
        seen: Counter[str] = Counter()
        for _request in range(count):
            client.request("GET", "/", headers=dict(preview.headers) if preview else {})
            seen[self.answered(client.getresponse().read().decode())] += 1
        client.close()
        return seen

    def answered(self, text: str) -> str:
        """The group whose machine gave that answer."""
        return text.rpartition("-")[0]


class AwsBench(Bench):
    """The same behind an emulated listener; the emulator starts the machines."""

    of_a_percent = 1
    rate = 50.0

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._of: dict[str, AwsTraffic] = {}
        super().__init__(self._made, [])

    def _made(self, name: str) -> Traffic:
        """The listener's default rule for `web`, and a listener of its own for every other service."""
        service, listener = name.partition("-")[0], self._rules.world.listener
        if service != "web":
            listener = self._rules.listener(81, NOTHING)
        address = f"http://{self._rules.emulator.serve(listener)}"
        self._of[service] = self._rules.traffic(service=service, listener=listener, address=address)
        return self._of[service]

    def group(self, name: str, size: int = 2) -> Group:
        return self._rules.group(self._of[name.partition("-")[0]], name, size)

    def answered(self, text: str) -> str:
        return told_group(text)


class GcpBench(Bench):
    """The same behind an emulated forwarding rule and its URL map."""

    of_a_percent = 1
    rate = 50.0

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._of: dict[str, GcpUrlMapTraffic] = {}
        super().__init__(self._made, [])

    def _made(self, name: str) -> Traffic:
        """The URL map's default route for `web`, and a load balancer of its own for every other service."""
        routes, service, rule = self._routes, name.partition("-")[0], self._routes.world.forwarding_rule
        if service != "web":
            rule = service
            routes.emulator.seed(f"{routes.parent}/urlMaps/{rule}", defaultService=routes.told()["defaultService"])
            proxy, url_map = f"{routes.parent}/targetHttpProxies/{rule}", full(f"{routes.parent}/urlMaps/{rule}")
            routes.emulator.seed(proxy, urlMap=url_map)
            asked = {"target": full(proxy), "portRange": "80-80", "IPAddress": "203.0.113.8"}
            routes.emulator.seed(
                f"{routes.parent}/forwardingRules/{rule}", **asked, loadBalancingScheme="EXTERNAL_MANAGED"
            )
        address = f"http://{routes.emulator.serve(f'{routes.parent}/forwardingRules/{rule}')}"
        self._of[service] = routes.traffic(service=service, url_map=rule, address=address)
        return self._of[service]

    def group(self, name: str, size: int = 2) -> Group:
        return self._routes.group(self._of[name.partition("-")[0]], name, size)

    def answered(self, text: str) -> str:
        return told_group(text)


def told_group(text: str) -> str:
    """The group of the emulated machine that gave the answer; what a load generator keeps of one is not all of it."""
    found = re.search(r'"group": "([^"]*)"', text)
    assert found, text
    return found[1]


@contextmanager
def local(directory: Path) -> Iterator[Callable[[str], Traffic]]:
    """Makes balancers of the local cloud; ends them."""
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


def aws(emulator: Emulator) -> AwsBench:
    """A bench on an emulator whose machines are real."""
    emulator.configure(probe=0.05, check=3600)
    return AwsBench(Rules(emulator))


def gcp(emulator: GcpEmulator) -> GcpBench:
    """The same on Google Cloud."""
    emulator.configure(probe=0.05, check=3600)
    return GcpBench(Routes(emulator))
