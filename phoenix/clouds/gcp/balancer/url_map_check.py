"""Whether a route of a URL map is one that phoenix can move traffic by, asked before a roll begins. Changes nothing."""

from __future__ import annotations

from phoenix.clouds.gcp import links
from phoenix.clouds.gcp.balancer import entangled, kinds, services
from phoenix.clouds.gcp.balancer.services import is_service
from phoenix.clouds.gcp.balancer.url_map import There
from phoenix.clouds.gcp.calls import Calls
from phoenix.errors import RefusedError


def refuse_unfit(calls: Calls, there: There, scheme: str) -> None:
    """RefusedError where what serves is not one route's to decide, is of a kind that phoenix does not move, or is what
    the URL map's own tests want to see.
    """
    kinds.refuse_scheme(f"the URL map {there.at.url_map}", scheme, "HTTP", there.at.scope.region)
    for link in sorted(filter(is_service, there.live.weights)):
        found = services.find(calls, link)
        if found is None:
            continue
        what = f"the backend service {links.name_of(link)}"
        kinds.refuse_scheme(
            what, str(found.told.get("loadBalancingScheme", "")), str(found.told.get("protocol")), there.at.scope.region
        )
        kinds.refuse_endpoints(what, found.elsewhere)
        if found.groups:
            entangled.refuse(link, entangled.by_maps(calls, there, link))
        if found.groups and found.owner is None:
            entangled.refuse(link, entangled.by_services(calls, there.at.scope, found))
        _refuse_tested(there, link)


def _refuse_tested(there: There, service: str) -> None:
    """A URL map is written only where all of its own tests pass, and those that name what serves will not."""
    for test in there.told.get("tests", ()):
        if links.same(str(test.get("service", "")), service):
            raise RefusedError(
                f"the URL map {there.at.url_map} has a test that wants {links.name_of(service)} to serve",
                details=f"its test of {test.get('host', '')}{test.get('path', '')} names that backend service; each "
                "group has one of its own, and Google Cloud writes a URL map only while all of its tests pass",
                resolution="Take the `service` out of that test (`expectedOutputUrl` may stay), or take the test out.",
            )
