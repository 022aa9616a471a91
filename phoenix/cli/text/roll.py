"""What rolls, rollbacks and runs came to, as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from phoenix.cli.text.times import lasted

if TYPE_CHECKING:  # a rollback needs no order of a roll
    from phoenix.orders.facts import RunFacts
    from phoenix.orders.roll import RollResult
    from phoenix.orders.rollback import RollbackResult
    from phoenix.orders.serving import Serving


def roll_text(done: RollResult) -> str:
    """What was done; in the last line what serves now, and the way back."""
    if not done.changed:
        return done.why
    return "\n".join(
        [f"{done.subject}: {done.why}: done ({done.run})", *_serves(done.subject, done.serves, done.conffiles_kept)]
    )


def _serves(subject: str, serves: Serving | None, kept: tuple[str, ...] = ()) -> Iterator[str]:
    if serves is None:
        return
    others = "".join(f", {name} {share} %" for name, share in serves.others.items())
    health = f"{serves.healthy} of {serves.size} machines healthy"
    cut = "" if serves.cut is None else f", {serves.cut or 'no'} request{'s' if serves.cut > 1 else ''} cut"
    back = "nothing to go back to"
    if serves.kept:
        back = f"{serves.kept} stands by until {serves.kept_until} ({lasted(serves.kept_left)}): `{serves.rollback}`"
    elif serves.former:
        back = f"{serves.former} is gone, its release comes back by `{serves.rollback}`"
    own = f"; kept of the image, against its package: {', '.join(kept)}" if kept else ""
    yield f"{subject}: {serves.group} serves {serves.share} %{others} at {serves.address}, {health}{cut}; {back}{own}"


def rollback_text(done: RollbackResult) -> str:
    """Where traffic goes now."""
    told = not done.changed or str(done.run) in done.why
    what = done.why if told else f"{done.subject}: {done.why}: done ({done.run})"
    return "\n".join([what, *_serves(done.subject, done.serves)])


def held_text(facts: Mapping[str, Any]) -> str:
    """Where to look at a candidate before it is promoted; empty where there is no such place."""
    return f"{facts.get('group')} answers at {facts['preview']}" if facts.get("preview") else ""


def run_line(run: RunFacts) -> str:
    """How a run ended."""
    return f"{run.id} ({run.subject}): {run.state}"


def describe(run: RunFacts) -> str:
    """Who works on a run, where and since when."""
    return f"{run.kind} {run.id} ({run.state}), by {run.who} on {run.host} (process {run.pid}) since {run.started}"
