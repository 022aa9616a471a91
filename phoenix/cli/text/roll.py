"""What rolls, rollbacks and runs came to, as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phoenix.orders.facts import RunFacts
from phoenix.orders.roll import RollResult
from phoenix.orders.rollback import RollbackResult


def roll_text(done: RollResult) -> str:
    """What serves now."""
    return f"{done.subject}: {done.why}: done ({done.run})" if done.changed else done.why


def rollback_text(done: RollbackResult) -> str:
    """Where traffic goes now."""
    told = not done.changed or str(done.run) in done.why
    return done.why if told else f"{done.subject}: {done.why}: done ({done.run})"


def held_text(facts: Mapping[str, Any]) -> str:
    """Where to look at a candidate before it is promoted; empty where there is no such place."""
    return f"{facts.get('group')} answers at {facts['preview']}" if facts.get("preview") else ""


def run_line(run: RunFacts) -> str:
    """How a run ended."""
    return f"{run.id} ({run.subject}): {run.state}"


def describe(run: RunFacts) -> str:
    """Who works on a run, where and since when."""
    return f"{run.kind} {run.id} ({run.state}), by {run.who} on {run.host} (process {run.pid}) since {run.started}"
