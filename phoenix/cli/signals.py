"""Ctrl-C, SIGTERM and SIGHUP become exceptions, so that every `finally` runs however phoenix is ended."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from phoenix.errors import Terminated

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    return None


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # From here on things are put back as they were; a second signal must not break that off. A handler that
    # does nothing, not SIG_IGN: programs started while unwinding would inherit that.
    for each in _SIGNALS:
        signal.signal(each, _ignore)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Terminated(number)


@contextmanager
def as_exceptions(noted: Sequence[int] = ()) -> Iterator[None]:
    """While this holds, the first signal raises KeyboardInterrupt (or `Terminated`); later ones are ignored.

    `noted`: signals that have come already, which count as the first.
    """
    before: dict[signal.Signals, Any] = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        if noted:
            _interrupt(noted[0], None)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
