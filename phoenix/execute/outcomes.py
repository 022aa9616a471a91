"""What a step came to, as a frozen value: written into the journal as JSON data, and read back as what it was.

Each kind of plan has its own outcomes beside its performer. A field with a default is left out of the journal while it
has that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a step came to; by itself: it was done, and there is nothing to tell of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused(Outcome):
    """A step of the cleanup that was passed over: somebody else had decided otherwise meanwhile."""

    refused: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Promoted(Outcome):
    """A hold that somebody let go on."""

    promoted_by: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftAlone(Outcome):
    """What was left as somebody else had set it meanwhile; the note is for whoever reads how the run ended."""

    note: str


def to_data(outcome: Outcome) -> dict[str, Any]:
    """The outcome as JSON data."""
    found = {each.name: (getattr(outcome, each.name), each.default) for each in fields(outcome)}
    return {name: value for name, (value, default) in found.items() if default is MISSING or value != default}


def read(data: Mapping[str, Any], kinds: Iterable[type[Outcome]]) -> Outcome:
    """The outcome that `to_data` wrote: of the first of these kinds that it can be; else nothing is known of it."""
    for kind in (*kinds, Refused, Promoted):
        needed = [each.name for each in fields(kind) if each.default is MISSING]
        if all(name in data for name in needed):
            known = {each.name: data[each.name] for each in fields(kind) if each.name in data}
            outcome: Outcome = kind(**{name: _frozen(value) for name, value in known.items()})
            return outcome
    return Outcome()


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
