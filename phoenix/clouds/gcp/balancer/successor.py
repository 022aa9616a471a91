"""What the backend service of a new group is made of: what the one that serves has, and what phoenix.yaml says. Pure.

All that the API lets one set is taken over as it is, also what phoenix does not know. What cannot be had by reading a
backend service is named, and the roll refused, unless phoenix.yaml accepts that a successor lacks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any

Json = Mapping[str, Any]

PORT_NAME = "http"
"""The named port where nothing serves yet."""
_LONGEST_DRAIN = 3600
_OWN = frozenset(
    {
        "kind",
        "id",
        "selfLink",
        "creationTimestamp",
        "fingerprint",
        "region",
        "usedBy",
        "name",
        "description",
        "backends",
        "healthChecks",
        "connectionDraining",
        "port",
        "iap",
        "securityPolicy",
        "edgeSecurityPolicy",
        "serviceBindings",
        "metadatas",
        "orchestrationInfo",
        "externalManagedMigrationState",
        "externalManagedMigrationTestingPercentage",
    }
)
"""What each backend service has of its own, is told and not set, or is set by a call of its own."""
_OWN_OF_BACKEND = frozenset({"group", "description", "failover", "orchestrationInfo", "capacityScaler"})
BORN_POLICIES = {"securityPolicy": "setSecurityPolicy", "edgeSecurityPolicy": "setEdgeSecurityPolicy"}
"""Cloud Armor's policies, each with the call that sets it: they are no part of what a backend service is made from."""


def wanted(
    former: Json | None, *, name: str, description: str, health_check: str, drain: float, scheme: str
) -> dict[str, Any]:
    """The backend service of a new group, without a backend yet. `former`: the one that serves, or None."""
    carried = {key: value for key, value in (former or {}).items() if key not in _OWN}
    if "cdnPolicy" in carried:
        carried["cdnPolicy"] = {k: v for k, v in carried["cdnPolicy"].items() if k != "signedUrlKeyNames"}
    iap = {"iap": {"enabled": True}} if (former or {}).get("iap", {}).get("enabled") else {}
    return {
        "protocol": "HTTP",
        "portName": PORT_NAME,
        "loadBalancingScheme": scheme,
        **carried,
        **iap,
        "name": name,
        "description": description,
        "healthChecks": [health_check],
        "connectionDraining": {"drainingTimeoutSec": min(_LONGEST_DRAIN, max(0, ceil(drain)))},
    }


def backend(former: Json | None, group: str) -> dict[str, Any]:
    """The instance group of a new group as a backend: balanced as the one that serves, and with its whole capacity."""
    like: Json = next((each for each in (former or {}).get("backends", ()) if each.get("capacityScaler", 1)), {})
    carried = {key: value for key, value in like.items() if key not in _OWN_OF_BACKEND}
    return {"balancingMode": "UTILIZATION", **carried, "group": group, "capacityScaler": like.get("capacityScaler", 1)}


def not_carried(former: Json) -> tuple[str, ...]:
    """What a successor of the backend service would lack, in words."""
    return tuple(_lacking(former))


def _lacking(former: Json) -> Iterator[str]:
    iap = former.get("iap", {})
    if iap.get("enabled"):
        yield "Identity-Aware Proxy's list of who may pass, which is granted to each backend service"
        if iap.get("oauth2ClientId"):
            yield "Identity-Aware Proxy's OAuth client, whose secret nobody can read"
    if former.get("cdnPolicy", {}).get("signedUrlKeyNames"):
        yield "Cloud CDN's keys for signed URLs, which nobody can read"
    if former.get("externalManagedMigrationState"):
        yield "a migration between load balancing schemes that is under way"
    if former.get("metadatas") or former.get("orchestrationInfo"):
        yield "what another controller has written on it"
