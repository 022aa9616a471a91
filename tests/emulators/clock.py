"""The emulator's time: it passes by itself, a test moves it, and what is due happens at its own moment.

Nothing in the emulator sleeps or counts real seconds: a state that lasts is written into the agenda, and whoever looks
at the emulator first lets happen what is due. So `advance(3600)` is an hour with all that belongs in it, in its order.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Virtual seconds since 1970, and the agenda."""

    def __init__(self, *, speed: float = 1.0) -> None:
        self._speed = speed
        self._base = time.time()
        self._since = time.monotonic()
        self._moment: float | None = None
        self._order = itertools.count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []

    def forget(self) -> None:
        """Be as new: the time of this computer, and nothing is to happen."""
        self._speed, self._base, self._since = 1.0, time.time(), time.monotonic()
        self._agenda.clear()

    @property
    def now(self) -> float:
        """The time; while something of the agenda happens, the moment for which it was written."""
        if self._moment is not None:
            return self._moment
        return self._base + (time.monotonic() - self._since) * self._speed

    @property
    def date(self) -> datetime:
        """The time as the APIs write it."""
        return self.dated(self.now)

    @staticmethod
    def dated(moment: float) -> datetime:
        """A moment as the APIs write it, without its fraction of a millisecond."""
        return datetime.fromtimestamp(round(moment, 3), tz=UTC)

    def run(self, *, speed: float) -> None:
        """Let time pass so many times as fast from now on."""
        self._base, self._since, self._speed = self.now, time.monotonic(), speed

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Have `action` happen in so many virtual seconds."""
        heapq.heappush(self._agenda, (self.now + seconds, next(self._order), action))

    @property
    def next(self) -> float | None:
        """The moment of what is to happen first."""
        return self._agenda[0][0] if self._agenda else None

    def settle(self) -> None:
        """Let everything happen that is due."""
        until = self.now
        if self._moment is not None:
            return
        try:
            while self._agenda and self._agenda[0][0] <= until:
                self._moment, _order, action = heapq.heappop(self._agenda)
                action()
        finally:
            self._moment = None

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        self._base += seconds
        self.settle()
