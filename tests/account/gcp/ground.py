"""What a run makes before phoenix comes: firewall rules and a balancer, each born with its mark.

What can bear labels has one; all else has a description that names the run (see `removal.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from phoenix.clock import Clock, SystemClock
from phoenix.errors import CloudError
from phoenix.wait import Look, Verdict, wait_for
from tests.account.gcp.project import PORT, TAG, Site
from tests.account.gcp.wishes import Wishes

API = "https://compute.googleapis.com/compute/v1/"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
PROBERS = ["35.191.0.0/16", "130.211.0.0/22"]
"""https://cloud.google.com/load-balancing/docs/health-checks#fw-rule"""
SCHEME = "EXTERNAL_MANAGED"
TIMEOUT = 60.0
"""Seconds for one call."""
PATIENCE = 600.0
"""Seconds for one operation."""


class RefusedCallError(CloudError):
    """Google says no to a call; the status of HTTP is its own."""

    status: int = 0


@dataclass(frozen=True, kw_only=True)
class Account:
    """The project that a run is in, by calls of Compute Engine as JSON, with Application Default Credentials."""

    run: str
    project: str
    region: str
    session: Any
    clock: Clock

    @property
    def mark(self) -> str:
        """The description of what cannot bear a label."""
        return f"phoenix make test-gcp: {self.run}"

    def ask(self, http: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        """One call on a path below the project; what is answered. RefusedCallError where Google says no."""
        url = f"{API}projects/{self.project}/{path}"
        answer = self.session.request(http, url, json=body, params=query, timeout=TIMEOUT)
        said: dict[str, Any] = answer.json()
        if answer.status_code >= 400:
            error = RefusedCallError(
                f"Google refused {http} {path}",
                details=str(said.get("error", {}).get("message", said)),
                resolution="See what it says.",
            )
            error.status = answer.status_code
            raise error
        return said

    def do(self, http: str, path: str, body: Any = None) -> str:
        """A call and the end of its operation; the URL of what it was about."""
        operation = self.ask(http, path, body)
        places = (f"{kind}s/{_last(operation[kind])}" for kind in ("zone", "region") if kind in operation)
        place = next(places, "global")

        def look() -> Look:
            seen = self.ask("POST", f"{place}/operations/{operation['name']}/wait")
            ended = Verdict.FAIL if "error" in seen else Verdict.PASS
            return Look(verdict=ended if seen["status"] == "DONE" else Verdict.UNKNOWN, seen=str(seen.get("error", "")))

        wait_for(f"{http} {path}", look, clock=self.clock, deadline=PATIENCE)
        return str(operation["targetLink"])

    def all(self, collection: str, **query: str) -> Iterator[dict[str, Any]]:
        """Everything of a collection in all places, such as `aggregated/disks`, or `global/images`."""
        token = ""
        while True:
            answer = self.ask("GET", collection, **query, **({"pageToken": token} if token else {}))
            items = answer.get("items", [])
            noun = _last(collection)
            for part in items.values() if isinstance(items, dict) else [{noun: items}]:
                yield from part.get(noun, [])
            token = answer.get("nextPageToken", "")
            if not token:
                return


def account(run: str, project: str, region: str) -> Account:
    """By Application Default Credentials, as phoenix finds them."""
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _project = google.auth.default(scopes=[SCOPE])
    return Account(run=run, project=project, region=region, session=AuthorizedSession(credentials), clock=SystemClock())


def laid(there: Account, wishes: Wishes, address_of: Callable[[str, str], str]) -> Site:
    """Make it all. `address_of` tells from the forwarding rule's path and its address where requests are taken."""
    _let_in(there, wishes, "front", PROBERS, PORT)
    _let_in(there, wishes, "builder", [wishes.clients], 22)
    rule = _balancer(there, _nobody(there))
    told = there.ask("GET", f"global/forwardingRules/{there.run}")
    return Site(
        run=there.run,
        project=there.project,
        region=there.region,
        network=wishes.network,
        address=address_of(rule.partition("/compute/v1/")[2], told["IPAddress"]),
    )


def _nobody(there: Account) -> str:
    """A backend service that has no backend, and the check that phoenix takes over from it."""
    described = {"name": there.run, "description": there.mark}
    check = {
        **described,
        "type": "HTTP",
        "checkIntervalSec": 5,
        "timeoutSec": 5,
        "healthyThreshold": 2,
        "unhealthyThreshold": 2,
        "httpHealthCheck": {"port": PORT, "requestPath": "/healthz"},
    }
    service = {
        **described,
        "loadBalancingScheme": SCHEME,
        "protocol": "HTTP",
        "portName": "http",
        "healthChecks": [there.do("POST", "global/healthChecks", check)],
    }
    return there.do("POST", "global/backendServices", service)


def _balancer(there: Account, service: str) -> str:
    described = {"name": there.run, "description": there.mark}
    url_map = there.do("POST", "global/urlMaps", {**described, "defaultService": service})
    proxy = there.do("POST", "global/targetHttpProxies", {**described, "urlMap": url_map})
    rule = {
        **described,
        "target": proxy,
        "IPProtocol": "TCP",
        "portRange": "80",
        "loadBalancingScheme": SCHEME,
        "labels": {TAG: there.run},
    }
    return there.do("POST", "global/forwardingRules", rule)


def _let_in(there: Account, wishes: Wishes, what: str, sources: list[str], port: int) -> None:
    there.do(
        "POST",
        "global/firewalls",
        {
            "name": f"{there.run}-{what}",
            "description": there.mark,
            "network": f"projects/{there.project}/global/networks/{wishes.network}",
            "direction": "INGRESS",
            "sourceRanges": sources,
            "allowed": [{"IPProtocol": "tcp", "ports": [str(port)]}],
            "targetTags": [there.run],
        },
    )


def _last(url: str) -> str:
    return url.rpartition("/")[2]
