"""A plan and what decided it: to be looked at, asked about, saved (`plan_file`), and carried out as it was seen.

What was looked at is decided again before the first effect: what is no longer the same plan is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from phoenix.errors import RefusedError

if TYPE_CHECKING:  # a bake that is a hit has a plan to look at, and nothing to carry out
    from phoenix.model import Release
    from phoenix.plan.actions import Plan
    from phoenix.spec.services import Strategy

O = TypeVar("O")  # noqa: E741 - an order


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """What decided a roll or a rollback, besides the world."""

    kind: str
    """`roll` or `rollback`."""
    release: Release | None = None
    """What a new group is started with; None where traffic goes to a group that stands."""
    strategy: Strategy | None = None
    hold: bool = False
    adopt: bool = False
    """Whether a group that phoenix did not make may lose its traffic."""
    group: str | None = None
    """The group that stands and is to serve again."""
    former: str | None = None
    """The group that the record is to name as the one before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned(Generic[O]):
    """An order with the plan that it comes to now.

    `plan` is None where only what comes first can be planned yet: the `bakes`, each a run of its own.
    """

    order: O
    plan: Plan[Any] | None
    bakes: tuple[Plan[Any], ...] = ()
    decided: Decided | None = None
    aborts: str = ""
    """The run that is aborted by it, if it is an abort."""

    @property
    def only(self) -> Plan[Any]:
        """The plan, of an order that has one in any case."""
        assert self.plan is not None, "only a roll and a bake begin with bakes"
        return self.plan


def stale_run(plan: Plan[Any]) -> RefusedError:
    """The refusal of a plan that no longer fits the world, of an order that is simply given again."""
    return RefusedError(
        f"the plan for {plan.subject} is stale",
        details="groups or routes have changed since it was made",
        resolution="Run the command again: it plans anew.",
    )


def refuse_stale(seen: Plan[Any], today: Plan[Any], directory: Path) -> None:
    """RefusedError where the same decision, taken today, is another plan, or the hooks in `directory` are others."""
    if today.fingerprint != seen.fingerprint:
        raise stale(seen, "groups, routes or phoenix.yaml have changed since it was made")
    from phoenix.execute import hooks

    other = hooks.differing(seen, directory)
    if other:
        raise stale(seen, f"hooks have changed since it was made: {', '.join(other)}")
    if today != seen:
        raise stale(seen, "the same decision has other steps today, or somebody has edited the file")


def stale(seen: Plan[Any], why: str) -> RefusedError:
    """The refusal of a plan that was looked at and no longer fits the world."""
    return RefusedError(
        f"the plan for {seen.subject} is stale",
        details=why,
        resolution="Nothing was changed. Make it again with --plan-out, and look at it again.",
    )
