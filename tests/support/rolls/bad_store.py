"""A state that is away for a time or loses answers, and runs in it whose process is dead or elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from phoenix.execute.ownership import OwnedRun
from phoenix.record import journal
from phoenix.record.store import StoreError, Value
from tests.support.fakes.doubles import FakeClock, MemoryStore
from tests.support.rolls.stage import NO_PROCESS

SUBJECT = "web/prod"
KEY = journal.live_key(SUBJECT)


class BadStore(MemoryStore):
    """A state that cannot be reached for a time, or loses the answer of a write that it carried out."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.back_at = 0.0
        self.answers = 0
        self.lose: set[int] = set()
        """Answers to writes that are lost, by their number."""
        self.on_lost: Callable[[], object] = lambda: None
        """Done when an answer was lost, by somebody else."""
        self.tries = 0
        self.refuse: set[int] = set()
        """Tries that do not arrive, by their number."""

    def get(self, key: str) -> Value | None:
        self._reach()
        return super().get(key)

    def put_if(self, key: str, data: bytes, tag: str | None) -> str:
        self.tries += 1
        self._reach()
        if self.tries in self.refuse:
            raise StoreError("the request was lost")
        return self._answer(super().put_if(key, data, tag))

    def delete_if(self, key: str, tag: str) -> None:
        self._reach()
        super().delete_if(key, tag)
        self._answer("")

    def _reach(self) -> None:
        if self.clock.seconds < self.back_at:
            raise StoreError("the state cannot be reached", details="no answer", resolution="See the network.")

    def _answer(self, tag: str) -> str:
        self.answers += 1
        if self.answers in self.lose:
            self.on_lost()
            raise StoreError("the answer was lost")
        return tag


def begin(store: MemoryStore, clock: FakeClock) -> OwnedRun:
    return OwnedRun.begin(store, clock, kind="roll", subject=SUBJECT, plan={})


def silent(_text: str) -> None:
    return None


def bury(store: MemoryStore, **changes: object) -> None:
    """The live run's process is dead, or on another machine."""
    value = store.values[KEY]
    run = journal.load(value.data)
    owner = replace(run.owner, **(changes or {"pid": NO_PROCESS}))  # type: ignore[arg-type]
    store.values[KEY] = Value(data=journal.dump(replace(run, owner=owner)), tag=value.tag)
