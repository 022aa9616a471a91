"""Durations and subjects as people read them."""

from __future__ import annotations

import re


def age(seconds: float) -> str:
    """How long ago, in the largest fitting unit: `12s`, `5m`, `3h`, `2d`."""
    whole = max(0, int(seconds))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= length:
            return f"{whole // length}{unit}"
    return f"{whole}s"


def lasted(seconds: float | None) -> str:
    """A duration: `<1s`, `59s`, `2m05s`, `1h02m`, `2d03h`; empty for None."""
    if seconds is None:
        return ""
    whole = int(seconds)
    for unit, below, length, part in (("d", "h", 86400, 3600), ("h", "m", 3600, 60), ("m", "s", 60, 1)):
        if whole >= length:
            return f"{whole // length}{unit}{whole % length // part:02d}{below}"
    return f"{whole}s" if whole > 0 else "<1s"


def beside(seconds: float | None, last: float | None) -> str:
    """A duration beside that of the last time: `12s; last time 31s`. Less than a second then is not told."""
    return f"{lasted(seconds)}; last time {lasted(last)}" if last else lasted(seconds)


def short(subject: str) -> str:
    """A run's subject with a content key cut to its first 12 digits, as people compare it."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1", subject)
