"""A run's journal as steps: when each began, how long it took, what it came to. Pure; nothing is printed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from phoenix.clock import from_rfc3339
from phoenix.record.journal import Event, Part, Run, RunState, What


class StepState(StrEnum):
    """How far a step is."""

    DONE = "done"
    RUNNING = "running"
    HELD = "held"
    """It waits for a person."""
    FAILED = "failed"
    """It failed, or was broken off."""
    OPEN = "open"
    """Not begun."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepLine:
    """One step of a run. Times as in the journal: `began` is that of the first try, `ended` that of the last."""

    id: str
    part: Part
    do: str
    """The kind of its action."""
    state: StepState = StepState.OPEN
    began: str | None = None
    ended: str | None = None
    latest: str | None = None
    """When its latest try began."""
    seconds: int | None = None
    """How long its tries took, or have taken so far."""
    tries: int = 0
    outcome: Mapping[str, Any] | None = None
    error: str | None = None
    """What it failed with, in a sentence."""


def steps_of(run: Run, now: datetime) -> tuple[StepLine, ...]:
    """Every step of the plan with what the journal says of it, in the plan's order."""
    lines = {(line.part, line.id): line for line in _planned(run)}
    last: tuple[Part, str] | None = None
    for event in run.events:
        key = (event.part, event.step) if event.part and event.step else None
        if key in lines and event.what is What.INTENT:
            last, lines[key] = key, _begun(lines[key], event)
        elif key in lines and event.what is What.OUTCOME:
            done = _ended(lines[key], event.at)
            lines[key] = replace(done, state=StepState.DONE, outcome=event.data, error=None)
        elif event.what is What.ERROR and last and lines[last].state is StepState.RUNNING:
            error = str(event.data.get("brief", ""))
            lines[last] = replace(_ended(lines[last], event.at), state=StepState.FAILED, error=error)
    return tuple(_timed(_standing(line, run), now) for line in lines.values())


def current(run: Run, now: datetime) -> StepLine | None:
    """The step that the run is at, or was at last; None before the first."""
    begun = [line for line in steps_of(run, now) if line.began]
    under_way = [line for line in begun if line.state in (StepState.RUNNING, StepState.HELD)]
    return max(under_way or begun, key=lambda line: str(line.began), default=None)


def hold_of(run: Run, line: StepLine | None) -> str:
    """Why the run waits for a person at this step; empty where it does not."""
    if line is None or line.state is not StepState.HELD:
        return ""
    reasons = (step["action"].get("reason") for step in run.plan.get("steps", ()) if step["id"] == line.id)
    return str(next(reasons, None) or "")


def _planned(run: Run) -> Iterator[StepLine]:
    for part in Part:
        for step in run.plan.get(part, ()):
            yield StepLine(id=step["id"], part=part, do=step["action"]["do"])


def _begun(line: StepLine, event: Event) -> StepLine:
    began, tries = line.began or event.at, line.tries + 1
    return replace(line, state=StepState.RUNNING, began=began, latest=event.at, ended=None, error=None, tries=tries)


def _ended(line: StepLine, at: str) -> StepLine:
    """The line with a try that ended; one that is ended by a process that never began it took no time."""
    spent = _between(line.latest or at, from_rfc3339(at))
    return replace(line, ended=at, seconds=(line.seconds or 0) + spent)


def _between(began: str, end: datetime) -> int:
    return max(0, int((end - from_rfc3339(began)).total_seconds()))


def _standing(line: StepLine, run: Run) -> StepLine:
    """A step with an intent and no outcome, by what has become of the run."""
    if line.state is not StepState.RUNNING:
        return line
    if run.state is RunState.HELD:
        return replace(line, state=StepState.HELD)
    over = run.state.ended or run.state is RunState.STUCK or (line.part is Part.STEPS and run.state is RunState.UNDOING)
    return replace(line, state=StepState.FAILED, error="no outcome was written") if over else line


def _timed(line: StepLine, now: datetime) -> StepLine:
    """The line with the time that its latest try has taken so far."""
    if line.latest is None or line.state not in (StepState.RUNNING, StepState.HELD):
        return line
    return replace(line, seconds=(line.seconds or 0) + _between(line.latest, now))
