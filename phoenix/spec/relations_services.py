"""What must fit inside one service: its balancer's time limits with `drain`, `conffiles` with its image."""

from __future__ import annotations

from typing import Any

from phoenix import units
from phoenix.spec.plain import Data, Found, mapping

_DRAIN = "30s"


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


def _seconds(text: Any) -> float | None:
    """None where it is no duration: its form has been complained of."""
    try:
        return units.duration(text) if isinstance(text, str) else None
    except ValueError:
        return None
