"""A plan as a person reads it: the reason, the steps, the way back, what follows."""

from __future__ import annotations

from phoenix.cli.text.times import short
from phoenix.orders.shown import PlanShown


def plan_text(plan: PlanShown) -> str:
    """The whole plan."""
    lines = [f"{short(plan.subject)}: {plan.why}", *(f"note: {note}" for note in plan.notes)]
    for title, steps in (("steps", plan.steps), ("if anything fails", plan.back), ("afterwards", plan.cleanup)):
        if steps:
            lines.append(f"{title}:")
            lines += [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    return "\n".join(lines)
