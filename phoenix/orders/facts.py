"""What results are made of: runs as frozen values of JSON-able fields (groups: `group_facts`, images: `image_facts`).

Times are RFC 3339 in UTC, durations seconds, sizes bytes. `dump` is the one way from a result to JSON data.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phoenix.clock import from_rfc3339
from phoenix.record.origin import Origin

if TYPE_CHECKING:  # most results are of no run
    from phoenix.record.journal import Run


def dump(result: Any) -> dict[str, Any]:
    """A result, or an order, as JSON data: its fields by name."""
    data: dict[str, Any] = asdict(result)
    return data


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """A run's head. `seconds`: how long it took; None while it goes on. `origin`: the build that it was begun for."""

    id: str
    kind: str
    subject: str
    state: str
    who: str
    host: str
    pid: int
    why: str
    started: str
    ended: str | None
    seconds: int | None
    origin: Origin


def run_facts(run: Run) -> RunFacts:
    """The head of a run."""
    return RunFacts(
        id=run.id,
        kind=run.kind,
        subject=run.subject,
        state=run.state,
        who=run.owner.who,
        host=run.owner.host,
        pid=run.owner.pid,
        why=run.why,
        started=run.started,
        ended=run.ended or None,
        seconds=run_seconds(run, from_rfc3339(run.ended)) if run.ended else None,
        origin=run.origin,
    )


def head(run: Run) -> dict[str, Any]:
    """The fields of the head of a run, for a result that has more of it."""
    facts = run_facts(run)
    return {field.name: getattr(facts, field.name) for field in fields(facts)}


def run_seconds(run: Run, now: datetime) -> int:
    """How long the run took, or has taken so far; never less than 0, whatever clocks say."""
    until = from_rfc3339(run.ended) if run.ended else now
    return max(0, int((until - from_rfc3339(run.started)).total_seconds()))


def listed(directory: Path) -> tuple[str, ...]:
    """The files in the directory, sorted; none where there is none, or it cannot be read."""
    try:
        return tuple(str(file) for file in sorted(directory.iterdir()))
    except OSError:
        return ()
