"""Hand-written stand-ins for time and for a store, for tests of what *we* decide.

They keep the contracts of `clock` and `record.store`, and refuse what those forbid. The cloud is in `cloud.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from phoenix.record.store import Value, conflict


class FakeClock:
    """Time that moves only by sleeping."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.on_sleep: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        return datetime(2026, 1, 31, 12, 0, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += max(seconds, 0.001)
        self.on_sleep()


class Killed(BaseException):
    """The process is gone: no handler of ours may see it as an error."""


class MemoryStore:
    """A store in memory that can kill its process before or after the N-th write."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.writes = 0
        self.kill_before: int | None = None
        self.kill_after: int | None = None
        self.death: type[BaseException] = Killed
        """What the process is killed with; a signal that it can catch is another."""
        self.before_write: Callable[[str], None] = lambda _key: None
        """What others do just before a write arrives."""
        self.on_write: Callable[[str], None] = lambda _key: None

    def get(self, key: str) -> Value | None:
        return self.values.get(key)

    def put_if(self, key: str, data: bytes, tag: str | None) -> str:
        self.before_write(key)
        self._count(self.kill_before)
        self._check(key, tag)
        self.on_write(key)
        self.writes += 1
        value = Value(data=data, tag=str(self.writes))
        self.values[key] = value
        self._count(self.kill_after)
        return value.tag

    def delete_if(self, key: str, tag: str) -> None:
        self.before_write(key)
        self._count(self.kill_before)
        self._check(key, tag)
        self.writes += 1
        del self.values[key]
        self._count(self.kill_after)

    def list(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted(key for key in self.values if key.startswith(prefix)))

    def _count(self, at: int | None) -> None:
        if at is not None and self.writes == at:
            self.kill_before = self.kill_after = None
            raise self.death

    def _check(self, key: str, tag: str | None) -> None:
        standing = self.values.get(key)
        if (standing.tag if standing else None) != tag:
            raise conflict(key)
