"""Where clients reach a URL map, and what kind of load balancer it is: told by its forwarding rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phoenix.clouds.gcp import links
from phoenix.clouds.gcp.balancer import whole
from phoenix.clouds.gcp.balancer.scope import Scope
from phoenix.clouds.gcp.calls import Calls

_PROXIES = {"targetHttpsProxies": "https", "targetHttpProxies": "http"}
"""The better one first."""
_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Frontend:
    """An address of a load balancer."""

    address: str
    scheme: str
    """Its load balancing scheme, such as EXTERNAL_MANAGED."""


def of(calls: Calls, scope: Scope, url_map: str) -> Frontend | None:
    """The best address of the URL map, by HTTPS where it has one; None where nothing sends to it."""
    proxies = list(_proxies(calls, scope, url_map))
    if not proxies:
        return None
    rules = {links.short(each.get("target", "")): each for each in whole.listed(calls, scope.parent, "forwardingRules")}
    for link, protocol in proxies:
        if link in rules:
            rule = rules[link]
            port = str(rule.get("portRange", "")).partition("-")[0]
            tail = "" if port in ("", _PORTS[protocol]) else f":{port}"
            address = str(rule.get("IPAddress", ""))
            host = f"[{address}]" if ":" in address else address
            return Frontend(address=f"{protocol}://{host}{tail}", scheme=str(rule.get("loadBalancingScheme", "")))
    return None


def _proxies(calls: Calls, scope: Scope, url_map: str) -> Iterator[tuple[str, str]]:
    for kind, protocol in _PROXIES.items():
        for each in whole.listed(calls, scope.parent, kind):
            if links.same(str(each.get("urlMap", "")), url_map):
                yield links.short(each["selfLink"]), protocol
