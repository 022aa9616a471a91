"""Which load balancers phoenix moves traffic of: those whose proxies split requests. The others are refused by name.

https://cloud.google.com/load-balancing/docs/backend-service has the schemes and what each is of.
"""

from __future__ import annotations

from collections.abc import Iterable

from phoenix.clouds.gcp import links
from phoenix.errors import RefusedError

MANAGED = frozenset({"EXTERNAL_MANAGED", "INTERNAL_MANAGED"})
_PROXIED = frozenset({"HTTP", "HTTPS", "HTTP2", "H2C"})
_NAMES = {
    "INTERNAL": "an internal passthrough Network Load Balancer",
    "INTERNAL_SELF_MANAGED": "a service mesh (Traffic Director)",
}
_ENDPOINTS = "networkEndpointGroups"


def refuse_scheme(what: str, scheme: str, protocol: str, region: str | None) -> None:
    """RefusedError unless a load balancer of that scheme is one whose proxies phoenix moves traffic of."""
    if scheme in MANAGED:
        return
    kind = _NAMES.get(scheme, f"a load balancer of the scheme {scheme}")
    if scheme == "EXTERNAL":
        kind = "a classic proxy Network Load Balancer"
        if protocol in _PROXIED:
            kind = "a classic Application Load Balancer"
        elif region:
            kind = "an external passthrough Network Load Balancer"
    raise RefusedError(
        f"{what} is of {kind}",
        details=f"its loadBalancingScheme is {scheme or 'not told'}, its protocol {protocol}; phoenix moves traffic of "
        f"{' and '.join(sorted(MANAGED))}",
        resolution="Put an Application Load Balancer of such a scheme before the service (a classic one can be "
        "migrated), and name it in phoenix.yaml.",
    )


def refuse_endpoints(what: str, elsewhere: Iterable[str]) -> None:
    """RefusedError where something else than instance groups is behind a backend service."""
    for link in elsewhere:
        kind = "the network endpoint group" if _ENDPOINTS in link.split("/") else "the backend"
        raise RefusedError(
            f"{what} sends to {kind} {links.name_of(link)}",
            details="phoenix replaces managed instance groups; it starts nothing that is in a network endpoint group",
            resolution="Name a backend service with an instance group behind it.",
        )
