"""The balancer of one service in one environment: a route of a URL map, with a backend service for each group.

The route forwards to the backend services of those groups that have a share, by weights that are whole percents; all
else that the URL map says is left as it was found. It is read afresh before each write, and written whole with the
fingerprint that was read: where somebody else was faster it is read, and decided on, again. What is attached has a
preview (`preview.py`), which also says what the route did before phoenix.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping

from phoenix.clouds import rules
from phoenix.clouds.api import Between, Traffic, idle
from phoenix.clouds.gcp import links, refusals
from phoenix.clouds.gcp.balancer import (
    birth,
    frontends,
    group_health,
    managers,
    moves,
    services,
    successor,
    url_map,
    url_map_check,
    whole,
)
from phoenix.clouds.gcp.balancer.frontends import Frontend
from phoenix.clouds.gcp.balancer.moves import Filled
from phoenix.clouds.gcp.balancer.named_port import NamedPort
from phoenix.clouds.gcp.balancer.services import Service
from phoenix.clouds.gcp.balancer.shared_traffic import GcpBackendServiceTraffic
from phoenix.clouds.gcp.balancer.url_map import There
from phoenix.clouds.gcp.balancer.whole import Json
from phoenix.clouds.gcp.calls import Calls, RefusedCallError
from phoenix.errors import CloudError, RefusedError, SpecError, StaleRouteError, UnreachableError
from phoenix.manner import DrainedBy, Manner, Preview, PreviewBy
from phoenix.model import Group, Health, Place, Route
from phoenix.spec.services import EnvironmentSpec, GcpBackendService, GcpUrlMap, ServiceSpec

MANNER = Manner(
    exact_shares=True,
    drain=DrainedBy.MANAGER,
    preview=PreviewBy.HOST,
    settles=60.0,
    quick=180.0,
    create=900.0,
    look=5.0,
    damped=True,
)
"""`settles`: a changed URL map reaches the load balancer's proxies one after the other. `look`: one getHealth for each
group and look. `damped`: a machine is ill after two failed checks.
"""


def opened(
    calls: Calls,
    project: str,
    place: Place,
    service: ServiceSpec,
    environment: EnvironmentSpec,
    known: MutableMapping[str, Frontend | None],
) -> Traffic:
    """The balancer that phoenix.yaml names for a service in an environment. SpecError where it names none of Google's.

    `known`: the frontends of URL maps that were looked up before.
    """
    balancer = environment.load_balancer
    if isinstance(balancer, GcpUrlMap):
        return GcpUrlMapTraffic(
            calls=calls,
            project=project,
            place=place,
            balancer=balancer,
            port=service.port,
            health=service.at(environment).health,
            drain=service.drain,
            accepts_not_carried=environment.accepts_not_carried,
            known=known,
        )
    if isinstance(balancer, GcpBackendService):
        return GcpBackendServiceTraffic(calls=calls, project=project, place=place, balancer=balancer, port=service.port)
    raise SpecError(
        f"{place.service}/{place.environment} has no load balancer of Google Cloud",
        details=f"services.{place.service}.environments.{place.environment}.load_balancer",
        resolution="Give it {url_map: NAME, route: default} or {backend_service: NAME}.",
    )


class GcpUrlMapTraffic:
    """Implements `clouds.api.Traffic` with a route of a URL map, global or regional."""

    manner = MANNER

    def __init__(
        self,
        *,
        calls: Calls,
        project: str,
        place: Place,
        balancer: GcpUrlMap,
        port: int,
        health: Health,
        drain: float,
        accepts_not_carried: bool = False,
        known: MutableMapping[str, Frontend | None] | None = None,
    ) -> None:
        """`known`: the frontends of URL maps that were looked up before."""
        self._calls = calls
        self._balancer = balancer
        self._port = port
        self._at = url_map.at_of(balancer, calls.project, project, place)
        self._wanted = birth.Wanted(health=health, drain=drain, accepts=accepts_not_carried)
        self._frontends = known if known is not None else {}
        self._services: dict[str, Service] = {}
        """Those of phoenix's own that were looked up, once they have a group: it stays the same one."""

    def read(self, of: Collection[str] | None = None) -> Route:
        """The route's shares, and what getHealth says of each attached group that is asked for, in one call each."""
        there = self._there()
        shares, filled = there.live.shares, self._filled(there)
        share: dict[str, int] = {}
        seen: dict[str, list[Json]] = {}
        for link in (each for each in there.attached if each in filled):
            group = filled[link].group
            share[group] = share.get(group, 0) + shares.get(link, 0)
            told = self._told(link) if of is None or group in of else []
            seen[group] = [*seen.get(group, ()), *told]
        backends = tuple(group_health.backend(group, share[group], told) for group, told in sorted(seen.items()))
        return Route(
            address=self._address,
            backends=backends,
            version=there.live.version,
            elsewhere=there.live.elsewhere(frozenset(filled)),
        )

    def prepare(self, group: Group, *, between: Between = idle) -> tuple[str, ...]:
        """Make the group's backend service and its preview, so that its machines are checked once it is there; the
        named port that it has to be made with. What detached groups left behind is removed first.
        """
        there = self._there()
        self._sweep(there, between)
        made = self._ensure(group.name, there, between)
        name = str(made.told.get("portName") or successor.PORT_NAME)
        return (str(NamedPort(name=name, port=self._port)),)

    def attach(self, group: Group, *, between: Between = idle) -> None:
        """See that the group fills its backend service, and that this has a preview by which it is checked."""
        there = self._there()
        if not group.made:
            link = self._foreign(there, group.name)
            if link not in there.live.weights:  # else it is checked as it is
                self._show(there, link, Filled(group=group.name, made=False), between)
            return
        made = self._ensure(group.name, there, between)
        new = frozenset(managers.instance_groups(self._calls, group.name)) - frozenset(made.groups)
        if new:
            former = self._former(there)
            added = [successor.backend(former, links.full(each)) for each in sorted(new)]
            whole.change(self._calls, made.link, lambda told: services.with_backends(told, added), between)

    def retire(self, group: Group, instances: frozenset[str]) -> bool:  # noqa: ARG002 (others take them out here)
        """Nothing: the managed group takes machines out and drains them when it ends them."""
        return False

    def shift(self, shares: Mapping[str, int], seen: Route, *, between: Between = idle) -> None:
        """Give each group its share by one write of the URL map, or let the route do again what it did before phoenix.

        RefusedError where it would take traffic from a backend service that another route uses, too, and where the
        URL map's own tests refuse it.
        """
        wanted = rules.routed(shares)

        def decide(told: Json) -> Json | None:
            there = url_map.seen(told, self._at)
            filled = self._filled(there)
            links_of = {each.group: link for link, each in filled.items() if link in there.attached}
            self._refuse_unattached(frozenset(wanted) - frozenset(links_of))
            if there.live.version != seen.version:
                raise StaleRouteError(
                    "somebody else has moved traffic meanwhile",
                    details=f"{self._at} gives {self._shares(there) or 'nobody anything'}",
                    resolution="See `phoenix status`, then say it again.",
                )
            if not wanted:
                self._refuse_gone(there)
                return moves.put_back(there, filled)
            weights = {links_of[group]: share for group, share in wanted.items()}
            if there.live.shares == weights:
                return None
            self._refuse_entangled(there, filled, weights)
            return moves.shifted(there, weights, filled)

        self._write(decide, between, done=lambda there: self._gives(there, wanted))

    def preview(self, group: str) -> Preview | None:
        """Where the group alone answers, and the host that leads there; None where it is not attached."""
        for shown in self._there().previews:
            if shown.group == group and not shown.leaving and shown.host:
                return Preview(url=self._address, headers=(("Host", shown.host),))
        return None

    def check(self, *, back: bool = False) -> None:
        """RefusedError where there is no such route; on the way forward also where what serves is not one route's to
        decide, is of a kind that phoenix does not move, or has what a successor would lack. Changes nothing.
        """
        there = self._there()
        if not back:
            self._reached()
            former = self._former(there)
            url_map_check.refuse_unfit(self._calls, there, self._scheme(former))
            birth.refuse_lacking(former, accepts=self._wanted.accepts)

    def detach(self, group: str, *, between: Between = idle) -> None:
        """Remove the group's preview and its backend service, where phoenix made them.

        While the managed group stands, its manager needs both to drain machines that it ends: the preview gets a host
        that nobody knows, and the two go with the group's machines (`born_with.py`), or by the next `prepare`.
        """
        there = self._there()
        share = self._shares(there).get(group, 0)
        if share:
            raise CloudError(
                f"{group} gets {share} % of the traffic and stays attached",
                details=f"{self._at} says so",
                resolution="Give its share to another group first.",
            )
        found = services.find(self._calls, self._at.service(group))
        drains = found is not None and found.owner == birth.owner(self._at, group) and bool(found.groups)
        self._forget(group, between, drains=drains)
        if not drains:
            birth.remove(self._calls, self._at, group, between)

    def _there(self) -> There:
        """As it is now."""
        return url_map.read(self._calls, self._at)

    def _write(self, decide: whole.Decide, between: Between, done: Callable[[There], bool] | None = None) -> None:
        """One write of the URL map, read back. Where no answer comes, a look tells whether it was done.

        `done`: how that is told, where it is not told by nothing being left to do.
        """
        is_done = done or (lambda there: decide(there.told) is None)
        try:
            written = whole.change(self._calls, self._at.link, decide, between)
        except UnreachableError:
            if not is_done(self._there()):
                raise
            return
        except RefusedCallError as error:
            if error.said != refusals.INVALID:
                raise
            raise url_map.unwritable(self._there(), error) from error
        if written and not is_done(self._there()):
            raise CloudError(
                f"{self._at} did not become what it was told",
                details=f"it gives {self._shares(self._there()) or 'nobody anything'}",
                resolution="Say it again; `phoenix status` shows what it does now.",
            )

    def _show(self, there: There, link: str, filled: Filled, between: Between) -> None:
        """See that the group has its preview, open. `there` was read a moment ago."""
        if moves.shown(there, link, filled) is not None:
            self._write(lambda told: moves.shown(url_map.seen(told, self._at), link, filled), between)

    def _ensure(self, group: str, there: There, between: Between) -> Service:
        """The group's backend service, made where it is not there or only half, with its preview."""
        found = birth.own(self._calls, self._at, group)
        if found is None or there.preview(found.link) is None:
            former = self._former(there)
            found = birth.ensure(self._calls, self._at, group, self._wanted, former, self._scheme(former), between)
        self._show(there, found.link, Filled(group=group, made=True), between)
        return found

    def _forget(self, group: str, between: Between, *, drains: bool) -> None:
        """Take the group out of the URL map, or let nobody in by it any more while its manager `drains` it."""

        def decide(told: Json) -> Json | None:
            there = url_map.seen(told, self._at)
            return moves.without(there, group, self._filled(there), drains=drains)

        self._write(decide, between)

    def _sweep(self, there: There, between: Between) -> None:
        """Remove what detached groups left whose managers have ended their machines since."""
        for shown in (each for each in there.previews if each.leaving):
            found = services.find(self._calls, shown.service)
            if found is None or not found.groups:
                self._forget(shown.group, between, drains=False)
                birth.remove(self._calls, self._at, shown.group, between)

    def _service(self, link: str) -> Service | None:
        """The backend service; None for a bucket, and for one that is gone."""
        if link not in self._services:
            found = services.find(self._calls, link)
            if found is None or not found.groups or found.owner != birth.owner(self._at, found.group):
                return found  # somebody else's is read each time: they may give it to another group any moment
            self._services[link] = found
        return self._services[link]

    def _told(self, link: str) -> list[Json]:
        """What getHealth says of the machines behind a backend service."""
        found = self._service(link)
        return services.statuses(self._calls, link, found.groups if found else ())

    def _filled(self, there: There) -> dict[str, Filled]:
        """The group behind each backend service of the route and of the previews, as far as there is one."""
        filled = {each.service: Filled(group=each.group, made=each.made) for each in there.previews}
        for link in there.live.weights:
            found = self._service(link) if link not in filled else None
            if found is not None and found.group:
                made = found.owner == birth.owner(self._at, found.group)
                filled[link] = Filled(group=found.group, made=made)
        return filled

    def _shares(self, there: There) -> dict[str, int]:
        """Who gets how much."""
        filled, shares = self._filled(there), there.live.shares
        return {filled[link].group: share for link, share in shares.items() if share and link in filled}

    def _gives(self, there: There, wanted: Mapping[str, int]) -> bool:
        """Whether the route gives these shares; where they are none, whether it does nothing of phoenix's."""
        return self._shares(there) == wanted if wanted else moves.untouched(there, self._filled(there))

    def _former(self, there: There) -> Json | None:
        """The backend service that has most of the traffic, as Google tells it; None where none has."""
        serving = max(there.live.weights.items(), key=lambda each: each[1], default=("", 0))[0]
        found = services.find(self._calls, serving)
        return found.told if found is not None else None

    def _scheme(self, former: Json | None) -> str:
        """The load balancing scheme: of what serves, else of what leads to the URL map."""
        return str((former or {}).get("loadBalancingScheme", "")) or self._reached().scheme

    def _reached(self) -> Frontend:
        """What leads to the URL map. RefusedError where nothing does."""
        frontend = self._frontend()
        if frontend is None:
            raise RefusedError(
                f"no forwarding rule leads to the URL map {self._at.url_map} ({self._at.scope})",
                details="so no request would come by it, and nobody would check the machines behind it",
                resolution="Make its target proxy and forwarding rule first.",
            )
        return frontend

    def _frontend(self) -> Frontend | None:
        link = self._at.link
        if link not in self._frontends:
            self._frontends[link] = frontends.of(self._calls, self._at.scope, link)
        return self._frontends[link]

    @property
    def _address(self) -> str:
        frontend = None if self._balancer.address else self._frontend()
        return self._balancer.address or (frontend.address if frontend else "")

    def _foreign(self, there: There, group: str) -> str:
        """The backend service of a group that phoenix did not make. RefusedError where that is not one."""
        known = [link for link, each in self._filled(there).items() if each.group == group]
        found = known or services.with_group(self._calls, self._at.scope.parent, group)
        if len(found) != 1:
            raise RefusedError(
                f"the group {group} is behind {len(found)} backend services",
                details=", ".join(map(links.name_of, found)) or f"none ({self._at.scope}) has it as a backend",
                resolution="Give it exactly one, then say it again.",
            )
        return found[0]

    def _refuse_unattached(self, unknown: frozenset[str]) -> None:
        if unknown:
            raise CloudError(
                f"{', '.join(sorted(unknown))} cannot get traffic",
                details=f"not attached to {self._at}",
                resolution="See `phoenix status`, then roll again.",
            )

    def _refuse_gone(self, there: There) -> None:
        """RefusedError where the route cannot do again what it did before phoenix, for that is gone."""
        for link in sorted(filter(services.is_service, url_map.services_before(there))):
            if services.find(self._calls, link) is None:
                raise RefusedError(
                    f"{self._at} cannot do again what it did before phoenix",
                    details=f"it sent to the backend service {links.name_of(link)}, which is gone",
                    resolution="Set the route by hand; phoenix left it as it is.",
                )

    def _refuse_entangled(self, there: There, filled: Mapping[str, Filled], weights: Mapping[str, int]) -> None:
        """RefusedError where less is to go to a backend service that phoenix did not make, and that others use.

        What gets more is on the way back, which nothing refuses.
        """
        for link, share in sorted(there.live.shares.items()):
            foreign = link in filled and not filled[link].made
            others = moves.elsewhere(there, link) if foreign and weights.get(link, 0) < share else ()
            if others:
                raise moves.entangled(link, f"{' and '.join(others)} also sends to it")
