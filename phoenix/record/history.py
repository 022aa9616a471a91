"""What is remembered beyond a run: ended runs, and which release each group of a service had."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from phoenix import names
from phoenix.errors import CloudError
from phoenix.model import Served
from phoenix.record import journal
from phoenix.record.store import ConflictError, Store

T = TypeVar("T")


@cache
def _served() -> TypeAdapter[Served]:
    return TypeAdapter(Served)


class History:
    """Reads and writes the lasting part of the record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def live(self) -> tuple[journal.Run, ...]:
        """Every run that is going (or whose end was not written), by subject."""
        runs = (self._load(key) for key in self._store.list("live/"))
        return tuple(run for run in runs if run is not None)

    def live_run(self, subject: str) -> journal.Run | None:
        """The going run of `subject`, or None."""
        return self._load(journal.live_key(subject))

    def runs(self) -> tuple[journal.Run, ...]:
        """Every run, going or ended, newest first."""
        ended = tuple(run for key in self._store.list("runs/") if (run := self._load(key)))
        known = {run.id for run in ended}
        going = tuple(run for run in self.live() if run.id not in known)
        return tuple(sorted((*ended, *going), key=lambda run: (run.started, run.id), reverse=True))

    def run(self, run_id: str) -> journal.Run | None:
        """The run of that id, or None."""
        ended = self._load(journal.history_key(run_id))
        return ended or next((run for run in self.live() if run.id == run_id), None)

    def served(self, service: str, environment: str) -> tuple[Served, ...]:
        """The groups that served, oldest first (a group stands once, at its latest turn)."""
        keys = self._store.list(f"served/{service}/{environment}/")
        values = [self._read(key, _served()) for key in keys]
        return tuple(sorted((v for v in values if v), key=lambda v: (v.at, v.group)))

    def remember_served(self, service: str, environment: str, served: Served) -> None:
        """Write down that the group serves now."""
        key = f"served/{service}/{environment}/{served.group}"
        while True:
            value = self._store.get(key)
            try:
                self._store.put_if(key, _served().dump_json(served), value.tag if value else None)
            except ConflictError:
                continue
            return

    def last_number(self, service: str, environment: str) -> int:
        """The highest number that a group of the service ever had; 0 before the first."""
        value = self._store.get(f"numbers/{service}/{environment}")
        return int(value.data) if value else 0

    def remember_number(self, service: str, environment: str, group: str) -> None:
        """Write down that the group's number is used, before the group is made: it is never used again."""
        key, name = f"numbers/{service}/{environment}", names.parse_group(group)
        while name is not None:
            value = self._store.get(key)
            if value is not None and int(value.data) >= name.number:
                return
            try:
                self._store.put_if(key, str(name.number).encode(), value.tag if value else None)
            except ConflictError:
                continue
            return

    def _load(self, key: str) -> journal.Run | None:
        value = self._store.get(key)
        if value is None:
            return None
        try:
            return journal.load(value.data)
        except ValidationError as error:
            raise _damaged(key, error) from error

    def _read(self, key: str, adapter: TypeAdapter[T]) -> T | None:
        value = self._store.get(key)
        if value is None:
            return None
        try:
            return adapter.validate_json(value.data)
        except ValidationError as error:
            raise _damaged(key, error) from error


def _damaged(key: str, error: ValidationError) -> CloudError:
    return CloudError(
        "the state holds a value that phoenix cannot read",
        details=f"{key}: {error.errors()[0]['msg']}",
        resolution="It was written by another version, or is damaged; restore the state from a backup.",
    )
