"""Health checks by real requests, again and again in the background, as a balancer sends them."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from tests.emulators.machines.kinds import Check, Machines, Probed

AT_ONCE = 16
Of = TypeVar("Of")


@dataclass(frozen=True, kw_only=True)
class Question(Generic[Of]):
    """One check that is due."""

    of: Of
    """Who asks, and of whom, in the words of the emulator."""
    machine: str
    check: Check
    told: Probed | None = None
    """The answer, where a test has said it: nobody is asked then."""


Answers = Sequence[tuple[Question[Of], Probed]]


class Prober(Generic[Of]):
    """Asks all that is due every `pause` REAL seconds. `due` and `heard` are called under the emulator's lock."""

    def __init__(
        self,
        machines: Machines,
        lock: AbstractContextManager[object],
        *,
        due: Callable[[], Sequence[Question[Of]]],
        heard: Callable[[Answers[Of]], None],
        pause: Callable[[], float],
    ) -> None:
        self._machines = machines
        self._lock = lock
        self._due = due
        self._heard = heard
        self._pause = pause
        self._pool = ThreadPoolExecutor(AT_ONCE)

    def start(self) -> None:
        """Ask from now on, until the process ends."""
        threading.Thread(target=self._for_ever, daemon=True).start()

    def _for_ever(self) -> None:
        while True:
            try:
                self.round()
            except Exception:
                traceback.print_exc()  # a test that waits for a health sees why it does not come
            time.sleep(self._pause())

    def round(self) -> None:
        """Ask all of them once; nobody waits for it."""
        with self._lock:
            asked = self._due()
        answers = self._pool.map(lambda one: one.told or self._machines.probe(one.machine, one.check), asked)
        found = list(zip(asked, answers, strict=True))
        with self._lock:
            self._heard(found)
