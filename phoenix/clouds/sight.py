"""One look at a cloud: what is asked for several parts of one decision is asked of the cloud once.

Within a look an answer is kept, for who asks the same again. The next decision reads it afresh: what is kept ends with
the look, with whatever is written, with each wait and each renewing of a lease, and by its age.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from phoenix.clock import Clock, SystemClock

T = TypeVar("T")
FRESH = 5.0
"""Seconds that an answer is good for at most, within a look that takes longer."""


class Sight:
    """What the looks at one cloud have in common."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._looks = 0
        self._kept: dict[str, tuple[float, Any]] = {}

    @contextmanager
    def look(self) -> Iterator[None]:
        """One look; one within another is a part of it."""
        self._looks += 1
        try:
            yield
        finally:
            self._looks -= 1
            if not self._looks:
                self.forget()

    def seen(self, ask: Callable[[], T], *asked: object) -> T:
        """This look's answer to what is `asked`: by `ask` where there is none yet, and always outside of a look."""
        if not self._looks:
            return ask()
        question = _key(asked)
        kept = self._kept.get(question)
        if kept is not None and self._clock.monotonic() - kept[0] < FRESH:
            known: T = kept[1]
            return known
        answer = ask()
        self.tell(answer, *asked)
        return answer

    def tell(self, answer: object, *asked: object) -> None:
        """What another answer has told: within this look it is the answer to what would be `asked`."""
        if self._looks:
            self._kept[_key(asked)] = self._clock.monotonic(), answer

    def forget(self) -> None:
        """Whatever is asked from now on is asked afresh: something was written, or time has gone by."""
        self._kept.clear()


def _key(asked: tuple[object, ...]) -> str:
    return json.dumps(asked, sort_keys=True, default=str)
