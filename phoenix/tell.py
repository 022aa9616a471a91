"""What is told while work goes on, and to whom: a terminal, a file, a list in a test.

Telling is never a part of the work: a listener that fails is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a person has to hear of it."""

    SAY = "say"
    """A step of the work."""
    DETAIL = "detail"
    """What a tool says: good to see pass by."""
    WARN = "warn"
    """Somebody should look at it, although the work goes on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One thing that is told. `text` is whole by itself; `run` and `step` say what it belongs to, if to anything.

    `last_time`: of a step that begins, how many seconds it took in the last such run; None where nobody knows.
    """

    level: Level
    text: str
    run: str = ""
    step: str = ""
    last_time: int | None = None


Teller = Callable[[Told], None]
"""Hears what is told."""


def nobody(_told: Told) -> None:
    """The teller where nobody listens."""


def unfailing(teller: Teller) -> Teller:
    """The same teller; an error of its own ends with it and changes nothing for whoever tells."""

    def tell(told: Told) -> None:
        try:
            teller(told)
        except Exception:  # a full disk, a closed socket, a bug of the listener: the work goes on
            return

    return tell
