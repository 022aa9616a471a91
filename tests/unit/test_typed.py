"""What a signal does while a value is written as JSON: nothing, until it is."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from phoenix import typed
from phoenix.errors import Terminated


@contextmanager
def terminating() -> Iterator[None]:
    """SIGTERM raises, as in a command."""

    def interrupt(number: int, _frame: object) -> None:
        raise Terminated(number)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Signalling:
    """An adapter in whose midst a signal comes."""

    def __init__(self) -> None:
        self.came_to_its_end = False

    def dump_json(self, value: object, *, indent: int | None = None) -> bytes:
        signal.raise_signal(signal.SIGTERM)  # to this thread: phoenix has one, pytest's workers have more
        self.came_to_its_end = True
        return b""


def test_a_signal_waits_until_the_value_is_written() -> None:
    kind = Signalling()
    with terminating(), pytest.raises(Terminated):
        typed.to_json(kind, 1)  # type: ignore[arg-type]
    assert kind.came_to_its_end
