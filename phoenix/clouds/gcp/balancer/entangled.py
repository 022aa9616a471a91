"""What stands in the way of moving a group's traffic at one place: others that send to it, too.

Who takes a group out of one route, while another still sends it requests, would end machines that serve; and a group in
two backend services, or two groups in one, is no group whose share a route decides.
"""

from __future__ import annotations

from collections.abc import Iterator

from phoenix.clouds.gcp import links
from phoenix.clouds.gcp.balancer import managers, moves, whole
from phoenix.clouds.gcp.balancer.scope import Scope
from phoenix.clouds.gcp.balancer.services import SERVICES, Service
from phoenix.clouds.gcp.balancer.url_map import MAPS, There
from phoenix.clouds.gcp.calls import Calls


def by_maps(calls: Calls, there: There, service: str) -> str:
    """Which other routes send to the backend service; empty where none does."""
    others = list(moves.elsewhere(there, service))
    for told in whole.listed(calls, there.at.scope.parent, MAPS):
        if not links.same(told["selfLink"], there.at.link) and moves.named_by(told, service):
            others.append(f"the URL map {told['name']}")
    return f"{' and '.join(others)} also sends to it" if others else ""


def by_services(calls: Calls, scope: Scope, service: Service) -> str:
    """Why what is behind the backend service is not one managed group's alone; empty where it is."""
    if len(service.groups) > 1:
        return f"the groups {' and '.join(map(links.name_of, service.groups))} share it"
    for group in service.groups:
        name = links.name_of(group)
        if not managers.instance_groups(calls, name):
            return f"no managed group fills it: {name} is an instance group that nobody manages"
        others = sorted(each for each in _with_group(calls, scope, group) if each != links.name_of(service.link))
        if others:
            return f"its group {name} is behind {' and '.join(others)} as well"
    return ""


def refuse(service: str, why: str) -> None:
    """RefusedError where there is a reason."""
    if why:
        raise moves.entangled(service, why)


def _with_group(calls: Calls, scope: Scope, group: str) -> Iterator[str]:
    """The backend services, global and of the group's region, that have the group behind them."""
    regions = {scope.region, links.part_of(group, "regions") or links.part_of(group, "zones").rpartition("-")[0]}
    for region in (*sorted(filter(None, regions)), None):
        for told in whole.listed(calls, Scope(project=scope.project, region=region).parent, SERVICES):
            if group in Service(link=links.short(told["selfLink"]), told=told).groups:
                yield told["name"]
