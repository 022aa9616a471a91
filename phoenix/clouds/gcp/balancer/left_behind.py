"""What groups get of which nobody says any more by which route they serve: told by who has them as backends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from phoenix.clouds import rules
from phoenix.clouds.gcp import links
from phoenix.clouds.gcp.balancer import group_health, moves, notes, services, shared, whole
from phoenix.clouds.gcp.balancer.route import DOES, Live
from phoenix.clouds.gcp.balancer.scope import Scope
from phoenix.clouds.gcp.balancer.services import SERVICES, Service
from phoenix.clouds.gcp.balancer.url_map import MAPS
from phoenix.clouds.gcp.balancer.whole import Json
from phoenix.clouds.gcp.calls import Calls
from phoenix.model import Backend


def backends(calls: Calls, region: str, groups: Iterable[str]) -> tuple[Backend, ...]:
    """Those of the groups that a backend service has, with the largest share that a route gives each. By name."""
    names = frozenset(groups)
    found: dict[str, Backend] = {}
    for scope in (Scope(project=calls.project, region=region), Scope(project=calls.project)) if names else ():
        behind = [each for each in _services(calls, scope) if names & set(map(links.name_of, each.groups))]
        maps = tuple(whole.listed(calls, scope.parent, MAPS)) if behind else ()
        for service in behind:
            for each in _backends(calls, service, _share_of(service, maps), names):
                there = found.get(each.group)
                found[each.group] = each if there is None or each.share > there.share else there
    return tuple(found[name] for name in sorted(found))


def _services(calls: Calls, scope: Scope) -> Iterator[Service]:
    for told in whole.listed(calls, scope.parent, SERVICES):
        yield Service(link=links.short(told["selfLink"]), told=told)


def _backends(calls: Calls, service: Service, share: int, names: frozenset[str]) -> Iterator[Backend]:
    """The groups of these names behind the backend service, of which a route gives it that share."""
    parts = shared.shares(shared.entries(service.told), {})
    for link in service.groups:
        group = links.name_of(link)
        if group in names:
            told = services.statuses(calls, service.link, (link,))
            yield group_health.backend(group, min(share, parts.get(group, 0)), told)


def _share_of(service: Service, maps: Sequence[Json]) -> int:
    """The largest share that a map gives it. Of one that phoenix did not make and that no map names, all: what else
    leads there, such as a TCP proxy, no map tells.
    """
    shares = [share for told in maps if (share := share_by(told, service.link)) is not None]
    return max(shares, default=rules.WHOLE if service.owner is None else 0)


def share_by(url_map: Json, service: str) -> int | None:
    """The largest share that a route of the map gives the backend service; None where the map does not name it.

    Where it is named by something more special than a route, such as a rule for some paths, that is taken for all.
    Previews give nobody anything.
    """
    matchers = [each for each in url_map.get("pathMatchers", ()) if notes.read(each.get("description")) is None]
    routes = [Live(does=each) for each in (url_map, *matchers)]
    rest = [_without(url_map, *DOES, "pathMatchers"), *(_without(each, *DOES) for each in matchers)]
    special = (*rest, *(each.action for each in routes))
    if any(moves.named_by(each, service) for each in special):
        return rules.WHOLE
    return max((each.shares[service] for each in routes if service in each.shares), default=None)


def _without(told: Json, *keys: str) -> Json:
    return {key: value for key, value in told.items() if key not in keys}
