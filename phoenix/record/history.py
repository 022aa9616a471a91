"""What is remembered beyond a run: ended runs, and which release each group of a service had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from phoenix import names
from phoenix.model import Served
from phoenix.record import journal
from phoenix.record.store import ConflictError, DamagedError, Store, damaged
from phoenix.typed import adapter, to_json

T = TypeVar("T")
OnTrouble = Callable[[DamagedError], None]
"""Hears of a value that cannot be read, while those beside it are read on."""

SERVED = 100
"""Turns at serving that are remembered per service and environment: a list that grew for ever would slow each look."""


def _served() -> TypeAdapter[tuple[Served, ...]]:
    return adapter(tuple[Served, ...])


def _number() -> TypeAdapter[int]:
    return adapter(int)


class History:
    """Reads and writes the lasting part of the record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def live(self, on_trouble: OnTrouble | None = None) -> tuple[journal.Run, ...]:
        """Every run that is going (or whose end was not written), by subject.

        One that cannot be read is told to `on_trouble`; DamagedError without it.
        """
        runs = (self._try(key, on_trouble) for key in self._store.list("live/"))
        return tuple(run for run in runs if run is not None)

    def live_run(self, subject: str) -> journal.Run | None:
        """The going run of `subject`, or None; also one that an older phoenix began under another text."""
        former = names.parse_subject(subject).formerly
        found = self._load(journal.live_key(subject))
        older = self._load(journal.live_key(former)) if former and not found else None
        return older if older and older.kind == journal.PUBLISH else found

    def runs(self) -> tuple[journal.Run, ...]:
        """Every run, going or ended, newest first."""
        return tuple(self.newest())

    def newest(self, on_trouble: OnTrouble | None = None) -> Iterator[journal.Run]:
        """The same one by one: each is read when it is asked for, so that a long history costs nobody its whole.

        One that cannot be read is told to `on_trouble`; DamagedError without it.
        """
        going = {run.id: run for run in self.live(on_trouble)}
        ended = {key.removeprefix("runs/") for key in self._store.list("runs/")}
        for run_id in sorted({*going, *ended}, key=lambda each: (each.partition("-")[2], each), reverse=True):
            run = self._try(journal.history_key(run_id), on_trouble) if run_id in ended else going[run_id]
            if run is not None:
                yield run

    def ended(self, kind: str) -> Iterator[journal.Run]:
        """The runs of that kind that have ended, newest first, each read when it is asked for.

        One that cannot be read is passed over.
        """
        keys = [key for key in self._store.list("runs/") if key.removeprefix("runs/").partition("-")[0] == kind]
        found = (self._try(key, lambda _trouble: None) for key in sorted(keys, reverse=True))
        return (run for run in found if run is not None)

    def run(self, run_id: str) -> journal.Run | None:
        """The run of that id, or None. DamagedError where it is not found and a going run cannot be read.

        Runs move from those that go to those that ended: looked for in this order, none is missed on its way.
        """
        troubles: list[DamagedError] = []
        going = next((run for run in self.live(troubles.append) if run.id == run_id), None)
        found = self._load(journal.history_key(run_id)) or going
        if found is None and troubles:
            raise troubles[0]
        return found

    def served(self, service: str, environment: str) -> tuple[Served, ...]:
        """The groups that served, oldest turn first (a group stands once, at its latest turn).

        The order is that of writing: a clock that was set back does not change it.
        """
        return self._read(_served_key(service, environment), _served(), empty=())[0]

    def remember_served(self, service: str, environment: str, served: Served) -> None:
        """Write down that the group serves now."""
        key = _served_key(service, environment)
        while True:
            turns, tag = self._read(key, _served(), empty=())
            others = tuple(turn for turn in turns if turn.group != served.group)
            try:
                self._store.put_if(key, to_json(_served(), (*others, served)[-SERVED:]), tag)
            except ConflictError:
                continue
            return

    def last_number(self, service: str, environment: str) -> int:
        """The highest number that a group of the service ever had; 0 before the first."""
        return self._read(_number_key(service, environment), _number(), empty=0)[0]

    def remember_number(self, service: str, environment: str, group: str) -> None:
        """Write down that the group's number is used, before the group is made: it is never used again."""
        key, name = _number_key(service, environment), names.parse_group(group)
        while name is not None:
            number, tag = self._read(key, _number(), empty=0)
            if number >= name.number:
                return
            try:
                self._store.put_if(key, to_json(_number(), name.number), tag)
            except ConflictError:
                continue
            return

    def _load(self, key: str) -> journal.Run | None:
        value = self._store.get(key)
        return journal.load(value.data, key) if value else None

    def _try(self, key: str, on_trouble: OnTrouble | None) -> journal.Run | None:
        """As `_load`; what cannot be read counts as None once `on_trouble` has heard of it."""
        try:
            return self._load(key)
        except DamagedError as error:
            if on_trouble is None:
                raise
            on_trouble(error)
            return None

    def _read(self, key: str, form: TypeAdapter[T], *, empty: T) -> tuple[T, str | None]:
        """What stands under `key`, and its tag; `empty` and None where nothing does."""
        value = self._store.get(key)
        if value is None:
            return empty, None
        try:
            return form.validate_json(value.data), value.tag
        except ValidationError as error:
            raise damaged(key, error) from error


def _served_key(service: str, environment: str) -> str:
    return f"served/{service}/{environment}"


def _number_key(service: str, environment: str) -> str:
    return f"numbers/{service}/{environment}"
