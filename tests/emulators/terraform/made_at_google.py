"""What Terraform makes at Google Cloud, made at the emulated one, too: so that phoenix can bake and roll on it.

Only what a roll refers to: network, firewall, balancer. All else is made up, as ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from tests.emulators.terraform import schema
from tests.emulators.terraform.world import Values, World

API = "https://www.googleapis.com/compute/v1"
ADDRESS = "203.0.113.20"
_URL_MAP = "google_compute_url_map"
_SINGULAR = {"host_rules": "host_rule", "path_matchers": "path_matcher"}
_ONE = ("default_route_action", "default_url_redirect")
_KINDS = {
    "google_compute_network": "networks",
    "google_compute_firewall": "firewalls",
    "google_compute_health_check": "healthChecks",
    "google_compute_backend_service": "backendServices",
    _URL_MAP: "urlMaps",
    "google_compute_target_http_proxy": "targetHttpProxies",
    "google_compute_global_forwarding_rule": "forwardingRules",
}


class Emulated(Protocol):
    """What things can be put into."""

    def seed(self, key: str, **fields: Any) -> dict[str, Any]:
        """A thing that is there from now on, by its path from `projects` on."""
        ...


def world(emulated: Emulated, look: Callable[[str], Mapping[str, Any]]) -> World:
    """A world whose things are there. `look`: what the API says of a path."""
    makers = {kind: partial(_made, emulated, kind) for kind in _KINDS}
    subnetwork = partial(_subnetwork, emulated)
    return World(
        makers={**makers, "google_compute_subnetwork": subnetwork},
        readers={_URL_MAP: lambda there: read_url_map(look(there["id"]))},
    )


def read_url_map(told: Mapping[str, Any]) -> Values:
    """Who gets requests by a URL map, in the provider's words; of the rest it says nothing."""
    keys = ("defaultService", "defaultRouteAction", "defaultUrlRedirect", "hostRules", "pathMatchers")
    values = snaked({key: told[key] for key in keys if key in told})
    names = ("default_service", *_ONE, *_SINGULAR.values())
    whole = schema.complete(schema.of("google").resources[_URL_MAP], values)
    return {name: whole[name] for name in names}


def snaked(told: Any) -> Any:
    """Google's JSON in the provider's words: other case, single words for what may be there several times."""
    if isinstance(told, Mapping):
        snake = ((re.sub(r"([A-Z])", lambda found: f"_{found[0].lower()}", key), each) for key, each in told.items())
        named = ((_SINGULAR.get(key, key), snaked(each)) for key, each in snake)
        return {key: [each] if key in _ONE else each for key, each in named}
    return [snaked(each) for each in told] if isinstance(told, list) else told


def _made(emulated: Emulated, kind: str, wanted: Values) -> Values:
    key = f"projects/{wanted['project']}/global/{_KINDS[kind]}/{wanted['name']}"
    emulated.seed(key, **_fields(kind, wanted))
    return {"id": key, "self_link": f"{API}/{key}"}


def _subnetwork(emulated: Emulated, wanted: Values) -> Values:
    key = f"projects/{wanted['project']}/regions/{wanted['region']}/subnetworks/{wanted['name']}"
    emulated.seed(
        key,
        network=_link(wanted["network"]),
        ipCidrRange=wanted["ip_cidr_range"],
        region=_link(f"projects/{wanted['project']}/regions/{wanted['region']}"),
        privateIpGoogleAccess=True,
    )
    return {"id": key, "self_link": f"{API}/{key}"}


def _fields(kind: str, wanted: Values) -> dict[str, Any]:
    match _KINDS[kind]:
        case "firewalls":
            return {
                "network": _link(wanted["network"]),
                "direction": "INGRESS",
                "priority": 1000,
                "allowed": [{"IPProtocol": each["protocol"], "ports": each["ports"]} for each in wanted["allow"]],
                "targetTags": wanted["target_tags"],
                "disabled": False,
                **({"sourceRanges": wanted["source_ranges"]} if wanted.get("source_ranges") else {}),
                **({"sourceTags": wanted["source_tags"]} if wanted.get("source_tags") else {}),
            }
        case "healthChecks":
            (check,) = wanted["http_health_check"]
            return {
                "type": "HTTP",
                "checkIntervalSec": int(wanted["check_interval_sec"]),
                "timeoutSec": int(wanted["timeout_sec"]),
                "healthyThreshold": int(wanted["healthy_threshold"]),
                "unhealthyThreshold": int(wanted["unhealthy_threshold"]),
                "httpHealthCheck": {"port": int(check["port"]), "requestPath": check["request_path"]},
            }
        case "backendServices":
            return {
                "healthChecks": [_link(each) for each in wanted["health_checks"]],
                "backends": [],
                "loadBalancingScheme": wanted["load_balancing_scheme"],
                "protocol": wanted["protocol"],
                "portName": wanted["port_name"],
                "timeoutSec": int(wanted["timeout_sec"]),
                "connectionDraining": {"drainingTimeoutSec": int(wanted["connection_draining_timeout_sec"])},
            }
        case "urlMaps":
            return {"defaultService": _link(wanted["default_service"])}
        case "targetHttpProxies":
            return {"urlMap": _link(wanted["url_map"])}
        case "forwardingRules":
            return {
                "target": _link(wanted["target"]),
                "IPAddress": ADDRESS,
                "IPProtocol": "TCP",
                "portRange": "80-80",
                "loadBalancingScheme": wanted["load_balancing_scheme"],
            }
        case _:
            return {"autoCreateSubnetworks": False}


def _link(path: str) -> str:
    return f"{API}/{path}"
