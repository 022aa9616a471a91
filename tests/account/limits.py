"""What every run has: a name of its own, and an end."""

from __future__ import annotations

import re
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from phoenix.errors import RefusedError

OURS = re.compile(r"try-[0-9a-f]{8}")


class OutOfTimeError(Exception):
    """The story took longer than was agreed, or somebody ended it."""


def new_run() -> str:
    """A name that no other run has: of its project, its service, its tag."""
    return f"try-{secrets.token_hex(4)}"


def ours(name: str) -> str:
    """A name that a run may have had. RefusedError for any other."""
    if not OURS.fullmatch(name):
        raise RefusedError(
            "nothing was removed",
            details=f"{name!r} is not the name of a run",
            resolution="Its name stands in the first line that it said, such as try-0a1b2c3d.",
        )
    return name


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise OutOfTimeError after so many seconds, and at SIGTERM and SIGHUP."""

    def over(number: int, _frame: FrameType | None) -> None:
        why = "the time is over" if number == signal.SIGALRM else signal.Signals(number).name
        raise OutOfTimeError(why)

    watched = (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, over) for number in watched}
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
