"""What a roll's plan needs beside what serves: machines at most, and for how long the former ones stand by."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from phoenix.model import MachineKind
from phoenix.plan.actions import Plan
from phoenix.plan.roll_actions import CreateGroup, EnsureSize, KeepGroup, MatchLive, Measure, RollAction, Shrink


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """What a plan that makes a group needs; how many machines that are is a matter of the live group's size."""

    machine: MachineKind
    live: str | None
    """The group that is measured; None where nothing serves."""
    least: int
    shares: tuple[int, ...]
    """The parts of the live size that the new group gets, growing, in percent."""
    shrinks: bool
    """Whether the live group is made smaller by each of them."""
    kept: float
    """Seconds for which the former group stands by."""

    def machines(self, live: int) -> int:
        """How many there are more at most, where the live group has `live`."""
        whole = max(self.least, live)
        sizes = [max(1, ceil(whole * share / 100)) for share in self.shares]
        if not self.shrinks:
            return sizes[-1]
        return max(after - before for before, after in pairwise([0, *sizes]))


def needs_of(plan: Plan[RollAction]) -> Needs | None:
    """What the plan needs; None where it makes no group."""
    actions = [step.action for step in plan.steps]
    create = next((action for action in actions if isinstance(action, CreateGroup)), None)
    if create is None:
        return None
    rules = [a.size for a in actions if isinstance(a, CreateGroup | EnsureSize) and isinstance(a.size, MatchLive)]
    kept = [step.action.seconds or 0.0 for step in plan.cleanup if isinstance(step.action, KeepGroup)]
    return Needs(
        machine=create.machine,
        live=next((action.group for action in actions if isinstance(action, Measure)), None),
        least=create.least,
        shares=tuple(sorted({rule.share for rule in rules})) or (100,),
        shrinks=any(isinstance(action, Shrink) for action in actions),
        kept=max(kept, default=0.0),
    )
