"""A route of a URL map of the emulated Google Cloud as the balancer of a place, and managed groups to put behind it.

Groups are made by hand, not by phoenix: these are for tests of the balancer alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from phoenix.clouds.gcp.balancer import named_port, whole
from phoenix.clouds.gcp.balancer.shared_traffic import GcpBackendServiceTraffic
from phoenix.clouds.gcp.calls import Calls
from phoenix.clouds.gcp.links import full
from phoenix.clouds.gcp.traffic import GcpUrlMapTraffic
from phoenix.model import BootState, Group, Health, Instance, InstanceState, Place, Release
from phoenix.spec.clouds import GcpCloud
from phoenix.spec.services import GcpBackendService, GcpUrlMap
from tests.emulators.gcp import Emulator
from tests.emulators.gcp.world import World

PROJECT = "test"
PORT = 8080
HEALTH = Health(interval=5.0, healthy_after=5.0)
OLD, NEW, LEGACY = "web-local-v001", "web-local-v002", "legacy"
SHARED = "shared"
"""A backend service with every group behind it."""
READS = (".get", ".list", ".aggregatedList", ".getHealth", ".wait", ".validate")
_TEMPLATE = "machines"
_MANAGERS = "regionInstanceGroupManagers"


class Routes:
    """One emulated project with one URL map, global or of the region."""

    def __init__(self, emulator: Emulator, *, regional: bool = False) -> None:
        self.emulator = emulator
        self.world: World = emulator.world()
        self.spec = GcpCloud(name="gcp", project=self.world.project, region=self.world.region)
        self.calls = Calls(self.spec)
        self.region = self.world.region if regional else None
        self.parent = f"projects/{self.world.project}/" + (f"regions/{self.region}" if regional else "global")
        self.url_map = self.world.url_map
        if regional:
            self._make_regional()
        emulator.seed(f"projects/{self.world.project}/global/instanceTemplates/{_TEMPLATE}", properties=self._machine())
        emulator.forget_calls()

    def traffic(
        self,
        *,
        service: str = "web",
        route: str = "default",
        url_map: str = "",
        address: str | None = None,
        accepts: bool = False,
        health: Health = HEALTH,
    ) -> GcpUrlMapTraffic:
        """The balancer of a service, as one more process sees it."""
        return GcpUrlMapTraffic(
            calls=self.calls,
            project=PROJECT,
            place=Place(service=service, environment="local"),
            balancer=GcpUrlMap(url_map=url_map or self.url_map, route=route, region=self.region, address=address),
            port=PORT,
            health=health,
            drain=30.0,
            accepts_not_carried=accepts,
        )

    def shared(
        self, *, service: str = "web", backend_service: str = SHARED, address: str | None = None
    ) -> GcpBackendServiceTraffic:
        """The balancer of a service whose groups are all behind one backend service."""
        return GcpBackendServiceTraffic(
            calls=self.calls,
            project=PROJECT,
            place=Place(service=service, environment="local"),
            balancer=GcpBackendService(backend_service=backend_service, region=self.region, address=address),
            port=PORT,
        )

    def group(self, traffic: GcpUrlMapTraffic | GcpBackendServiceTraffic, name: str, size: int = 2) -> Group:
        """The group with `size` machines: made as phoenix makes it, or resized."""
        if self.found(name) is None:
            self.make(name, size, traffic.prepare(as_wanted(name, size)))
        elif self.found(name)["targetSize"] != size:  # type: ignore[index]
            self._change(_MANAGERS, "resize", instanceGroupManager=name, size=size)
        return as_wanted(name, size, self.machines(name))

    def make(self, name: str, size: int = 2, born_with: Iterable[str] = ()) -> None:
        """A managed group of the region, with the named ports that it is born with."""
        template = f"projects/{self.world.project}/global/instanceTemplates/{_TEMPLATE}"
        body = {"name": name, "baseInstanceName": name, "instanceTemplate": full(template), "targetSize": size}
        self._change(_MANAGERS, "insert", body=body)
        ports = [{"name": each.name, "port": each.port} for each in named_port.found(born_with)]
        if ports:
            self._change("regionInstanceGroups", "setNamedPorts", instanceGroup=name, body={"namedPorts": ports})

    def machines(self, name: str) -> list[str]:
        """The names of the group's machines."""
        asked: dict[str, Any] = {"region": self.world.region, "instanceGroupManager": name, "key": "managedInstances"}
        return sorted(each["name"] for each in self.calls.pages(_MANAGERS, "listManagedInstances", **asked))

    def found(self, name: str) -> Mapping[str, Any] | None:
        """What Google says of the group."""
        return self.calls.find(_MANAGERS, "get", region=self.world.region, instanceGroupManager=name)

    def burn(self, name: str) -> None:
        """End the group, machines and all: as somebody does it who knows of no phoenix."""
        self._change(_MANAGERS, "delete", instanceGroupManager=name)

    def link_of_group(self, name: str) -> str:
        """The group as a backend is told of it."""
        return full(f"projects/{self.world.project}/regions/{self.world.region}/instanceGroups/{name}")

    def foreign(self, name: str = LEGACY, size: int = 2, **more: Any) -> str:
        """A group that phoenix did not make, and its backend service, which nothing sends to yet; the latter's link."""
        self.make(name, size, (f"named-port/http:{PORT}",))
        return self.backend_service(f"{name}-backend", name, **more)

    def backend_service(self, name: str, *groups: str, **more: Any) -> str:
        """A backend service that phoenix did not make; its link."""
        check = f"{self.parent}/healthChecks/{self.world.health_check}"
        backends = [{"group": self.link_of_group(each), "balancingMode": "UTILIZATION"} for each in groups]
        scheme = "INTERNAL_MANAGED" if self.region else "EXTERNAL_MANAGED"
        body = {"name": name, "loadBalancingScheme": scheme, "protocol": "HTTP", "portName": "http", **more}
        whole.make(
            self.calls, self.parent, "backendServices", {**body, "healthChecks": [full(check)], "backends": backends}
        )
        return f"{self.parent}/backendServices/{name}"

    def told(self, url_map: str = "") -> dict[str, Any]:
        """The URL map as Google tells it."""
        found = whole.read(self.calls, f"{self.parent}/urlMaps/{url_map or self.url_map}")
        assert found is not None
        return dict(found)

    def write(self, url_map: str = "", without: Iterable[str] = (), **changes: Any) -> None:
        """Somebody writes the URL map by hand."""

        def decide(told: Mapping[str, Any]) -> dict[str, Any]:
            return {**{key: value for key, value in told.items() if key not in without}, **changes}

        whole.change(self.calls, f"{self.parent}/urlMaps/{url_map or self.url_map}", decide)

    def serve(self, service: str) -> None:
        """Somebody lets the default route send to that backend service."""
        self.write(without=("defaultRouteAction", "defaultUrlRedirect"), defaultService=full(service))

    def backends(self, name: str = SHARED) -> dict[str, float]:
        """The groups behind a backend service, with their capacity scalers."""
        told = self.service(name)
        return {each["group"].rpartition("/")[2]: each["capacityScaler"] for each in told.get("backends", ())}

    def service(self, name: str) -> dict[str, Any]:
        """A backend service as Google tells it."""
        found = whole.read(self.calls, f"{self.parent}/backendServices/{name}")
        assert found is not None
        return dict(found)

    def names(self, kind: str) -> list[str]:
        """The names of all things of a kind there, seen without a call: a right of its own would be needed. Sorted."""
        there = f"{self.parent}/{kind}/"
        return sorted(key.removeprefix(there) for key in self.emulator.keys(kind) if key.startswith(there))

    def asked(self) -> list[str]:
        """What was asked for since the last look, without the waiting for operations."""
        made = [call.method.removeprefix("compute.") for call in self.emulator.calls()]
        self.emulator.forget_calls()
        return [each for each in made if not each.endswith(".wait")]

    def written(self) -> list[str]:
        """The writes among them."""
        return [each for each in self.asked() if not each.endswith(READS)]

    def _machine(self) -> dict[str, Any]:
        disk = {"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": self.world.image}}
        network = f"projects/{self.world.project}/global/networks/{self.world.network}"
        return {"machineType": "e2-small", "disks": [disk], "networkInterfaces": [{"network": full(network)}]}

    def _make_regional(self) -> None:
        """The same balancer in the region: an internal one."""
        check = {
            "type": "HTTP",
            "httpHealthCheck": {"port": PORT, "requestPath": "/healthz"},
            "checkIntervalSec": 1,
            "timeoutSec": 1,
            "healthyThreshold": 1,
            "unhealthyThreshold": 1,
        }
        seed, name = self.emulator.seed, self.url_map
        seed(f"{self.parent}/healthChecks/{self.world.health_check}", **check)
        seed(
            f"{self.parent}/backendServices/{self.world.fallback}",
            loadBalancingScheme="INTERNAL_MANAGED",
            protocol="HTTP",
            portName="http",
            healthChecks=[full(f"{self.parent}/healthChecks/{self.world.health_check}")],
            backends=[],
        )
        seed(
            f"{self.parent}/urlMaps/{name}", defaultService=full(f"{self.parent}/backendServices/{self.world.fallback}")
        )
        seed(f"{self.parent}/targetHttpProxies/{name}", urlMap=full(f"{self.parent}/urlMaps/{name}"))
        seed(
            f"{self.parent}/forwardingRules/{name}",
            target=full(f"{self.parent}/targetHttpProxies/{name}"),
            IPAddress="10.0.0.9",
            IPProtocol="TCP",
            portRange="80-80",
            loadBalancingScheme="INTERNAL_MANAGED",
        )

    def _change(self, collection: str, method: str, **asked: Any) -> None:
        self.calls.change(collection, method, region=self.world.region, **asked)


def as_wanted(name: str, size: int = 2, instances: Iterable[str] = (), *, made: bool = True) -> Group:
    """The group, as phoenix's engine has it."""
    return Group(
        name=name,
        project=PROJECT if made else "",
        service=name.partition("-")[0],
        environment="local",
        release=Release(image="image", image_ref="os/image") if made else None,
        size=size,
        created=datetime(2026, 1, 1, tzinfo=UTC),
        made=made,
        instances=tuple(
            Instance(id=each, group=name, state=InstanceState.RUNNING, boot=BootState.UNKNOWN, address="", engine="gce")
            for each in instances
        ),
    )


Traffics = GcpUrlMapTraffic | GcpBackendServiceTraffic


def attached(routes: Routes, traffic: Traffics, *names: str) -> None:
    """Make the groups, and let the balancer check them."""
    for name in names:
        traffic.attach(routes.group(traffic, name))


def shift(traffic: Traffics, **shares: int) -> None:
    """Give the shares to `old`, `new` and `legacy`, whatever the route is now."""
    named = {"old": OLD, "new": NEW, "legacy": LEGACY}
    traffic.shift({named[name]: share for name, share in shares.items()}, traffic.read())


def shares(traffic: Traffics) -> dict[str, int]:
    """Who gets how much."""
    return dict(traffic.read().shares)


def weights(does: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The names and weights of the backend services of a route; one that is named alone has 100."""
    if does.get("defaultService"):
        return [(does["defaultService"].rpartition("/")[2], 100)]
    each = does["defaultRouteAction"]["weightedBackendServices"]
    return [(one["backendService"].rpartition("/")[2], one["weight"]) for one in each]
