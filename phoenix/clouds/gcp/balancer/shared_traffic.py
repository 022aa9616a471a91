"""The balancer of one service in one environment where all its groups are behind one backend service.

Shares are not exact here: whoever has traffic gets what its machines can bear (`shared.py`). The backend service is
read afresh before each write, and written whole with the fingerprint that was read, so that even its last backend can
be taken out; where somebody else was faster it is read, and decided on, again. A group is attached without traffic,
seen to be healthy by the checks, given traffic, and at its end drained by its manager through the backend service,
which it leaves after that (`born_with.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from phoenix.clouds import rules
from phoenix.clouds.api import Between, idle
from phoenix.clouds.gcp import links, refusals
from phoenix.clouds.gcp.balancer import (
    entangled,
    frontends,
    group_health,
    kinds,
    managers,
    services,
    shared,
    successor,
    whole,
)
from phoenix.clouds.gcp.balancer.moves import named_by
from phoenix.clouds.gcp.balancer.named_port import NamedPort
from phoenix.clouds.gcp.balancer.notes import Owner
from phoenix.clouds.gcp.balancer.scope import Scope
from phoenix.clouds.gcp.balancer.services import Service
from phoenix.clouds.gcp.balancer.url_map import MAPS
from phoenix.clouds.gcp.balancer.whole import Json
from phoenix.clouds.gcp.calls import Calls, RefusedCallError
from phoenix.errors import CloudError, RefusedError, StaleRouteError, UnreachableError
from phoenix.manner import DrainedBy, Manner, Preview, PreviewBy
from phoenix.model import Group, Place, Route
from phoenix.spec.services import GcpBackendService

MANNER = Manner(
    exact_shares=False,
    drain=DrainedBy.MANAGER,
    preview=PreviewBy.NONE,
    settles=60.0,
    quick=180.0,
    create=900.0,
    look=5.0,
    damped=True,
    first_serves=True,
)
"""As of a route of a URL map."""


class GcpBackendServiceTraffic:
    """Implements `clouds.api.Traffic` with one backend service, global or regional."""

    manner = MANNER

    def __init__(self, *, calls: Calls, project: str, place: Place, balancer: GcpBackendService, port: int) -> None:
        self._calls = calls
        self._project = project
        self._place = place
        self._balancer = balancer
        self._port = port
        self._scope = Scope(project=calls.project, region=balancer.region)
        self._link = self._scope.link(services.SERVICES, balancer.backend_service)
        self._found_address: str | None = None

    def read(self, of: Collection[str] | None = None) -> Route:  # noqa: ARG002 (shares are told by who is healthy)
        """Which groups get traffic, and what getHealth says of each, in one call each."""
        told = self._there()
        there = shared.attached(told)
        seen = {each.group: services.statuses(self._calls, self._link, (each.link,)) for each in there}
        backends = [group_health.backend(e.group, 0, seen[e.group], words=e.words) for e in there]
        shares = shared.shares(there, {each.group: each.healthy for each in backends})
        return Route(
            address=self._address,
            backends=tuple(replace(each, share=shares.get(each.group, 0)) for each in backends),
            version=shared.version(told),
        )

    def prepare(self, group: Group, *, between: Between = idle) -> tuple[str, ...]:  # noqa: ARG002 (others write)
        """The named port by which the backend service asks its machines."""
        name = str(self._there().get("portName") or successor.PORT_NAME)
        return (str(NamedPort(name=name, port=self._port)),)

    def attach(self, group: Group, *, between: Between = idle) -> None:
        """See that the group is a backend, without traffic. The only one there cannot be without: it serves at once."""
        found = managers.instance_groups(self._calls, group.name)
        if len(found) != 1:
            raise CloudError(
                f"{len(found)} managed groups are called {group.name}",
                details=", ".join(found) or f"Google Cloud has none in {self._calls.project}",
                resolution="See `phoenix group list`.",
            )

        def decide(told: Json) -> Json | None:
            backend = successor.backend(told, links.full(found[0]))
            return shared.with_group(told, backend, self._owner(group.name), made=group.made)

        self._write(decide, between)

    def retire(self, group: Group, instances: frozenset[str]) -> bool:  # noqa: ARG002 (others take them out here)
        """Nothing: the managed group takes machines out and drains them when it ends them."""
        return False

    def shift(self, shares: Mapping[str, int], seen: Route, *, between: Between = idle) -> None:
        """Give traffic to the groups with a share, and none to the others, by one write of the backend service; or let
        it be as it was before phoenix.
        """
        wanted = rules.routed(shares)

        def decide(told: Json) -> Json | None:
            self._refuse_unattached(told, frozenset(wanted))
            if shared.version(told) != seen.version:
                raise StaleRouteError(
                    "somebody else has moved traffic meanwhile",
                    details=f"the backend service {self._balancer.backend_service} has {_told(told)}",
                    resolution="See `phoenix status`, then say it again.",
                )
            changed = (
                shared.shifted(told, wanted, self._project, self._place)
                if wanted
                else shared.put_back(told, self._project, self._place)
            )
            return changed if shared.entries(changed) != shared.entries(told) else None

        self._write(decide, between, done=lambda told: self._gives(told, frozenset(wanted)))

    def preview(self, group: str) -> Preview | None:  # noqa: ARG002 (others show one)
        """None: nobody reaches a group alone through a backend service that others share."""
        return None

    def check(self, *, back: bool = False) -> None:
        """RefusedError where there is no such backend service; on the way forward also where it is of a kind that
        phoenix does not move, or where a group behind it is not its alone. Changes nothing.
        """
        told = self._there()
        if back:
            return
        what, found = f"the backend service {self._balancer.backend_service}", Service(link=self._link, told=told)
        kinds.refuse_scheme(
            what, str(told.get("loadBalancingScheme", "")), str(told.get("protocol")), self._balancer.region
        )
        kinds.refuse_endpoints(what, found.elsewhere)
        if not told.get("healthChecks"):
            raise RefusedError(
                f"{what} has no health check",
                details="phoenix gives no traffic to machines that nobody has seen to be healthy",
                resolution="Give it one that asks for the service's health path.",
            )
        for entry in (each for each in shared.attached(told) if not each.made):
            alone = Service(link=self._link, told={"backends": [{"group": entry.link}]})
            entangled.refuse(self._link, entangled.by_services(self._calls, self._scope, alone))

    def detach(self, group: str, *, between: Between = idle) -> None:
        """Let the group be one that leaves: its manager still drains its machines through the backend service, and it
        is taken out with the last of them.
        """
        told = self._there()
        if any(each.group == group and each.scaler for each in shared.attached(told)):
            share = dict(self.read().shares).get(group, 0)
            raise CloudError(
                f"{group} gets {share} % of the traffic and stays attached",
                details=f"the backend service {self._balancer.backend_service} has {_told(told)}",
                resolution="Give its share to another group first.",
            )
        self._write(lambda now: shared.closed(now, group, self._project, self._place), between)

    def _there(self) -> Json:
        """The backend service as it is now."""
        told = whole.read(self._calls, self._link)
        if told is None:
            raise RefusedError(
                f"there is no backend service {self._balancer.backend_service} ({self._scope})",
                details=f"Google Cloud has no {self._link}",
                resolution="See `load_balancer.backend_service` and `load_balancer.region` in phoenix.yaml: without a "
                "region a global one is meant.",
            )
        return told

    def _owner(self, group: str) -> Owner:
        return Owner(project=self._project, place=self._place, group=group)

    def _write(self, decide: whole.Decide, between: Between, done: Callable[[Json], bool] | None = None) -> None:
        """One write, read back. Where no answer comes, a look tells whether it was done.

        `done`: how that is told, where it is not told by nothing being left to do.
        """
        is_done = done or (lambda told: decide(told) is None)
        try:
            written = whole.change(self._calls, self._link, decide, between)
        except UnreachableError:
            if not is_done(self._there()):
                raise
            return
        except RefusedCallError as error:
            if error.said != refusals.INVALID:
                raise
            raise RefusedError(
                f"Google Cloud does not take {self._balancer.backend_service} as it was to be",
                details=error.details,
                resolution="See Google's words above; the backend service is as it was.",
            ) from error
        if written and not is_done(self._there()):
            raise CloudError(
                f"the backend service {self._balancer.backend_service} did not become what it was told",
                details=f"it has {_told(self._there())}",
                resolution="Say it again; `phoenix status` shows what it does now.",
            )

    def _gives(self, told: Json, wanted: frozenset[str]) -> bool:
        """Whether those get traffic; where it is nobody, whether it is as it was before phoenix."""
        if wanted:
            return wanted == {each.group for each in shared.attached(told) if each.scaler}
        return shared.entries(shared.put_back(told, self._project, self._place)) == shared.entries(told)

    def _refuse_unattached(self, told: Json, wanted: frozenset[str]) -> None:
        unknown = wanted - {each.group for each in shared.attached(told)}
        if unknown:
            raise CloudError(
                f"{', '.join(sorted(unknown))} cannot get traffic",
                details=f"no backend of the backend service {self._balancer.backend_service}",
                resolution="See `phoenix status`, then roll again.",
            )

    @property
    def _address(self) -> str:
        if self._balancer.address is None and self._found_address is None:
            maps = (each for each in whole.listed(self._calls, self._scope.parent, MAPS) if named_by(each, self._link))
            found = (frontends.of(self._calls, self._scope, links.short(each["selfLink"])) for each in maps)
            self._found_address = next((each.address for each in found if each is not None), "")
        return self._balancer.address or self._found_address or ""


def _told(told: Json) -> str:
    return ", ".join(f"{each.group} ({each.words})" for each in shared.entries(told)) or "no backend"
