"""The only clock and the only sleep of phoenix, so that a test can own time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time to write down, monotonic time to measure with, and a sleep."""

    def now(self) -> datetime:
        """The wall clock, in UTC. Never compare it with another machine's."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` go by."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some fixed point in the past."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block this process for `seconds`."""
        time.sleep(seconds)


def rfc3339(moment: datetime) -> str:
    """`moment` as phoenix writes times everywhere: RFC 3339, UTC, whole seconds (`2026-01-31T12:00:00Z`)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_rfc3339(text: str) -> datetime:
    """The moment that `rfc3339` wrote. Raises ValueError for anything else."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
