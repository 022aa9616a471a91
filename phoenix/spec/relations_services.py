"""What must fit inside one service: time limits with `drain`, `drain` with its clouds, `conffiles` with its image."""

from __future__ import annotations

from typing import Any

from phoenix import units
from phoenix.model import CloudKind
from phoenix.spec.plain import Data, Found, cloud_kind, environments, mapping

_DRAIN = "30s"
_LONGEST = {
    CloudKind.AWS: "a target group's deregistration delay",
    CloudKind.GCP: "a backend service's draining timeout",
}
"""What an hour is the limit of: `deregistration_delay.timeout_seconds` of TargetGroupAttribute (the API of Elastic Load
Balancing), `connectionDraining.drainingTimeoutSec` of backendServices (Compute Engine's)."""
_HOUR = 3600.0


def service_mistakes(data: Data) -> Found:
    """Keys of a service that contradict each other."""
    for name, content in mapping(data, "services").items():
        place, image = ("services", name), mapping(content).get("image")
        drain, response = mapping(content).get("drain", _DRAIN), mapping(content, "timeouts").get("response")
        allowed, given = _seconds(drain), _seconds(response)
        if allowed is not None and given is not None and given < allowed:
            what = f"{response} is shorter than drain, so that requests would be cut which drain ({drain}) spares"
            yield (*place, "timeouts", "response"), f"{what}; accepted: {drain} or longer, or a shorter drain"
        if mapping(content).get("conffiles") == "new" and isinstance(image, str) and image.startswith("immutable/"):
            what = f"machines install nothing, for {image} has its packages baked in"
            yield (*place, "conffiles"), f"{what}; accepted: keep, or new with a foundation or os image"
    yield from _drains(data)


def _drains(data: Data) -> Found:
    """Longer drains than a service's cloud takes: it would cut requests, and nobody would hear of it."""
    for service, environment, content in environments(data):
        kind, drain = cloud_kind(data, content.get("cloud")), mapping(data, "services", service).get("drain", _DRAIN)
        seconds = _seconds(drain)
        if kind in _LONGEST and seconds is not None and seconds > _HOUR:
            what = f"{drain} is more than {_LONGEST[kind]} can be, and {environment} is on a cloud of kind {kind}"
            yield ("services", service, "drain"), f"{what}; accepted: up to 1h"


def _seconds(text: Any) -> float | None:
    """None where it is no duration: its form has been complained of."""
    try:
        return units.duration(text) if isinstance(text, str) else None
    except ValueError:
        return None
