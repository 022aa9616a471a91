"""A plan is data: steps of frozen actions, the way back, and what comes after the commit point.

Each kind of plan has a closed union of actions, in a file of its own (`roll_actions`, `bake_actions`, ...): who carries
out one kind loads no other. A plan can be printed, stored, compared and read back as JSON; it holds no run ids and no
times, so the same spec and the same world give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from phoenix.typed import adapter, to_data

if TYPE_CHECKING:
    from pydantic import TypeAdapter

A = TypeVar("A")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step(Generic[A]):
    """One action with its id (unique in its plan) and its deadline in seconds."""

    id: str
    action: A
    deadline: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan(Generic[A]):
    """What will be done, how it is undone, and what follows once it can no longer be undone.

    `back` is right from any point of `steps`. `cleanup` comes after the commit point and is never undone.
    """

    subject: str
    """What the plan is about: `web-tier/local`, `bake/local/foundation/nodejs/KEY` (`names.Subject`)."""
    why: str
    """The decision in a sentence, for the person who reads the plan."""
    steps: tuple[Step[A], ...] = ()
    back: tuple[Step[A], ...] = ()
    cleanup: tuple[Step[A], ...] = ()
    fingerprint: str = ""
    """Digest of the spec, identities and routes the plan was made for; a stale plan is refused."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What a person should know before it is carried out, a sentence or two each; another note makes no other plan."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.steps or self.cleanup)


def to_json(plan: Plan[Any]) -> dict[str, Any]:
    """The plan as JSON data: dicts, lists, strings and numbers."""
    kind: Any = type(plan)
    data: dict[str, Any] = to_data(adapter(kind), plan)
    return data


@cache
def plans_of(actions: Any) -> TypeAdapter[Any]:
    """Reads plans of a closed union of actions, each told by what it does."""
    from pydantic import Field

    return adapter(Plan[Annotated[actions, Field(discriminator="do")]])


def fingerprint(parts: Iterable[str]) -> str:
    """A short digest of the parts, in their order."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
