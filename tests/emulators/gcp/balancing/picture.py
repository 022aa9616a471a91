"""What a load balancer knows at a moment: its URL map, and where the machines of backend services are.

It is drawn anew whenever something may have changed, and read by the threads that serve requests without a lock.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.emulators.gcp.api.errors import Json
from tests.emulators.gcp.api.references import key_in
from tests.emulators.gcp.balancing.backend_services import BackendServiceKind
from tests.emulators.gcp.balancing.health import HEALTHY
from tests.emulators.gcp.balancing.routes import services
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.groups.engine import Engine
from tests.emulators.machines.proxy import Place

COOKIES = {"INTERNAL_MANAGED": "GCILB", "INTERNAL_SELF_MANAGED": "GCILB"}
"""By scheme, where it is not GCLB. https://cloud.google.com/load-balancing/docs/backend-service#session_affinity"""
USUAL_RATE = 1.0


@dataclass(frozen=True, kw_only=True)
class Served:
    """One backend service."""

    backends: Mapping[str, float] = field(default_factory=dict)
    """What each group can bear now, in parts of their sum: by its healthy machines, its rate and its capacityScaler."""
    places: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    """The healthy machines of each group."""
    cookie: str = ""
    """The name of the cookie by which a client stays with one machine; empty where it does not."""
    lasts: int = 0
    """Seconds that the cookie lasts; 0: until the client ends."""
    patience: float = 30.0


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One picture."""

    maps: Mapping[str, Json] = field(default_factory=dict)
    """By forwarding rule."""
    services: Mapping[str, Served] = field(default_factory=dict)
    """By URL."""


class Pictures:
    """The pictures of the forwarding rules that are served."""

    def __init__(self, emulated: Emulated, backends: BackendServiceKind, engine: Engine) -> None:
        self._emulated = emulated
        self._store = emulated.store
        self._backends = backends
        self._engine = engine
        self._served: set[str] = set()
        self._written: dict[str, list[tuple[float, Json]]] = {}
        """How a thing was written, with the moment since which it stands; the oldest first."""
        self.now = Drawn()

    def forget(self) -> None:
        """No forwarding rule is served."""
        self._served.clear()
        self._written.clear()
        self.now = Drawn()

    def serve(self, rule: str) -> None:
        """Draw this forwarding rule, too, from now on. LookupError where it leads to no URL map."""
        if self._map(rule) is None:
            raise LookupError(f"no forwarding rule {rule} with a URL map")
        self._served.add(rule)
        self.draw()

    def draw(self) -> None:
        """Draw what is."""
        if not self._served:
            return
        found = {rule: key for rule in self._served if (key := self._map(rule))}
        maps = {rule: self._former(key) for rule, key in found.items()}
        named = {service for url_map in maps.values() for service in services(url_map)}
        self.now = Drawn(maps=maps, services={service: self._service(key_in(service)) for service in named})

    def _map(self, rule: str) -> str | None:
        row = self._store.get(rule)
        proxy = self._store.get(key_in(row["target"])) if row and row.get("target") else None
        return key_in(proxy["urlMap"]) if proxy and proxy.get("urlMap") else None

    def _former(self, key: str) -> Json:
        """As it stands for `settings.lag`: a change reaches the balancer's nodes after its operation is done."""
        row, now = self._store.get(key) or {}, self._emulated.clock.now
        written = self._written.setdefault(key, [(float("-inf"), copy.deepcopy(row))])
        if written[-1][1].get("fingerprint") != row.get("fingerprint"):
            written.append((now, copy.deepcopy(row)))
        while len(written) > 1 and written[1][0] + self._emulated.settings.lag <= now:
            written.pop(0)
        return written[0][1]

    def _service(self, key: str) -> Served:
        row = self._former(key)
        if key not in self._store or not row:
            return Served()
        places = {
            group: tuple(self._places(key, group))
            for group in (key_in(backend["group"]) for backend in row.get("backends", []))
            if group in self._store
        }
        sticky = row.get("sessionAffinity") == "GENERATED_COOKIE"
        return Served(
            backends={
                group: _bears(backend, len(places[group]))
                for backend in row.get("backends", [])
                if (group := key_in(backend["group"])) in places
            },
            places=places,
            cookie=COOKIES.get(row.get("loadBalancingScheme", ""), "GCLB") if sticky else "",
            lasts=int(row.get("affinityCookieTtlSec", 0)),
            patience=float(row.get("timeoutSec", 30)),
        )

    def _places(self, key: str, group: str) -> Iterator[Place]:
        """The machines that get new requests: a member that its group is about to end is drained."""
        managed = self._engine.groups.get(group.replace("/instanceGroups/", "/instanceGroupManagers/"))
        leaving = {member.key for member in managed.members.values() if not member.stays} if managed else set()
        for instance, address, port, state in self._backends.members(key, group):
            if state == HEALTHY and instance not in leaving:
                yield Place(id=instance, address=address, port=port)


def _bears(backend: Json, machines: int) -> float:
    """https://cloud.google.com/load-balancing/docs/backend-service#capacity_scaler

    A rate of the whole group is not multiplied; a utilization is taken as if every machine bore the same.
    """
    scaler = float(backend.get("capacityScaler", 1.0))
    if backend.get("balancingMode") != "RATE":
        return scaler * machines * USUAL_RATE
    if backend.get("maxRate"):
        return scaler * float(backend["maxRate"]) if machines else 0.0
    return scaler * machines * float(backend.get("maxRatePerInstance") or backend.get("maxRatePerEndpoint") or 1.0)
