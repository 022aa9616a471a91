"""Plans for whoever looks: as JSON data, and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from phoenix.plan.actions import Plan, to_json


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanShown:
    """A plan in words, step by step."""

    subject: str
    why: str
    steps: tuple[str, ...]
    back: tuple[str, ...]
    cleanup: tuple[str, ...]
    notes: tuple[str, ...] = ()


def shown(plan: Plan[Any]) -> PlanShown:
    """The plan as a person reads it."""
    from phoenix.plan.words import step_text  # they know the steps of every kind of plan; most commands show none

    steps, back, cleanup = (tuple(map(step_text, part)) for part in (plan.steps, plan.back, plan.cleanup))
    return PlanShown(subject=plan.subject, why=plan.why, steps=steps, back=back, cleanup=cleanup, notes=plan.notes)


def as_data(plan: Plan[Any]) -> dict[str, Any]:
    """The plan as JSON data."""
    return to_json(plan)
