"""The health check of each group: made as the service asks for it, with what the former one has besides, removed.

Each group has its own, so that a release which answers at another path is checked there, and the former one where it
answers. Of an answer, Google's checks take 200 for well and nothing else
(https://cloud.google.com/load-balancing/docs/health-check-concepts#criteria-protocol-http).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from phoenix.errors import RefusedError
from phoenix.model import Health

KINDS = {"HTTP": "httpHealthCheck", "HTTPS": "httpsHealthCheck", "HTTP2": "http2HealthCheck"}
"""The field of a health check for each of its types that can ask for a path."""
_OF_PROTOCOL = {"HTTP": "HTTP", "H2C": "HTTP", "HTTPS": "HTTPS", "HTTP2": "HTTP2"}
_CARRIED = ("host", "proxyHeader", "response")
_WELL = 200
_LONGEST_INTERVAL, _MOST = 300, 10
_ILL_AFTER = 2

Json = Mapping[str, Any]


def wanted(health: Health, *, name: str, description: str, protocol: str, former: Json | None) -> dict[str, Any]:
    """The health check that the service asks for, within what Google allows.

    A machine is healthy when it has answered for `healthy_after` seconds, and ill after two checks that failed.
    `former`: the check of what serves, whose protocol, host and logging stay. RefusedError for what Google cannot ask.
    """
    if health.status != _WELL:
        raise RefusedError(
            f"Google Cloud's health checks cannot ask for an answer of {health.status}",
            details=f"for {name} phoenix.yaml says `health.status: {health.status}`; they take {_WELL} alone",
            resolution=f"Give the service a path that answers {_WELL} when it is well.",
        )
    kind = (former or {}).get("type") or _OF_PROTOCOL.get(protocol, "HTTP")
    kind = kind if kind in KINDS else _OF_PROTOCOL.get(protocol, "HTTP")
    interval = min(_LONGEST_INTERVAL, max(1, ceil(health.interval)))
    like = (former or {}).get(KINDS[kind], {})
    return {
        "name": name,
        "description": description,
        "type": kind,
        "checkIntervalSec": interval,
        "timeoutSec": min(5, interval),
        "healthyThreshold": min(_MOST, max(1, ceil(health.healthy_after / interval) + 1)),
        "unhealthyThreshold": _ILL_AFTER,
        KINDS[kind]: {
            "requestPath": health.path,
            "portSpecification": "USE_SERVING_PORT",
            **{key: like[key] for key in _CARRIED if key in like},
        },
        **({"logConfig": former["logConfig"]} if former and "logConfig" in former else {}),
    }
