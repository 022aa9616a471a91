"""Who did what, when and why: runs that go on and runs that ended."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from phoenix.errors import SpecError
from phoenix.names import Noun
from phoenix.orders import places
from phoenix.orders.advice import has_died, what_next
from phoenix.orders.facts import RunFacts, dump, head, listed, run_seconds
from phoenix.orders.site import Site
from phoenix.record import timeline
from phoenix.record.journal import Run, RunState
from phoenix.record.last_times import LastTimes, last_times
from phoenix.record.store import DamagedError


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedRun(RunFacts):
    """A run in a list. `lasted`: seconds that it took, or has taken so far."""

    lasted: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RunList:
    """Runs, newest first."""

    runs: tuple[ListedRun, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StepFacts:
    """One step of a run, with what the journal says of it."""

    id: str
    part: str
    action: str
    state: str
    began: str | None
    ended: str | None
    seconds: int | None
    last_time: int | None
    """How many seconds the step took in the last such run before that was done; None where there is none."""
    tries: int
    outcome: dict[str, Any] | None
    error: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventFacts:
    """One line of a run's journal."""

    at: str
    what: str
    part: str | None
    step: str | None
    data: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestFacts:
    """What somebody asked of the run's owner."""

    what: str
    who: str
    why: str
    at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeRun(RunFacts):
    """Everything that is known of a run. `at`: the step it is at, or was at last; `held`: why it waits, if it does."""

    plan: dict[str, Any]
    steps: tuple[StepFacts, ...]
    events: tuple[EventFacts, ...]
    requests: tuple[RequestFacts, ...]
    files: tuple[str, ...]
    lasted: int
    at: StepFacts | None
    held: str | None
    died: bool
    next: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RunShown:
    """One run."""

    run: WholeRun


def runs(site: Site, *, service: str | None = None, state: str | None = None, limit: int | None = None) -> RunList:
    """Runs, newest first; only those of a service and in a state, the newest `limit` of them.

    One that cannot be read hides no other: its error is raised at the end, with the others as its facts.
    """
    if service is not None:
        _known(site, service)
    wanted, now = _state(state), site.clock.now()
    troubles: list[DamagedError] = []
    chosen = (
        run
        for run in site.history.newest(troubles.append)
        if service in (None, _service(run)) and wanted in (None, run.state)
    )
    found = RunList(runs=tuple(ListedRun(**head(run), lasted=run_seconds(run, now)) for run in islice(chosen, limit)))
    for trouble in troubles[1:]:
        site.warn(trouble.details)
    if troubles:
        troubles[0].know(dump(found))
        raise troubles[0]
    return found


def show(site: Site, named: str, environment: str | None = None) -> RunShown:
    """One run: by its id; or of a service its current run, else its latest."""
    run, now = _find(site, named, environment), site.clock.now()
    line, last = timeline.current(run, now), last_times(site.history, run)
    whole = WholeRun(
        **head(run),
        plan=dict(run.plan),
        steps=tuple(_step(each, last) for each in timeline.steps_of(run, now)),
        events=tuple(
            EventFacts(at=e.at, what=e.what, part=e.part, step=e.step or None, data=dict(e.data)) for e in run.events
        ),
        requests=tuple(RequestFacts(what=r.what, who=r.who, why=r.why, at=r.at) for r in run.requests),
        files=listed(site.run_logs / run.id),
        lasted=run_seconds(run, now),
        at=_step(line, last) if line else None,
        held=timeline.hold_of(run, line) or None,
        died=has_died(run),
        next=what_next(run, died=has_died(run)),
    )
    return RunShown(run=whole)


def newest_ids(site: Site, limit: int) -> tuple[str, ...]:
    """The ids of the newest runs. Empty where that would make or ask anything: a state not begun, or in a bucket."""
    if "://" in site.project.state or not (site.project.state_directory / "state.db").exists():
        return ()
    return tuple(run.id for run in islice(site.history.newest(lambda _trouble: None), limit))


def _step(line: timeline.StepLine, last: LastTimes) -> StepFacts:
    return StepFacts(
        id=line.id,
        part=line.part,
        action=line.do,
        state=line.state,
        began=line.began,
        ended=line.ended,
        seconds=line.seconds,
        last_time=last.get((line.part, line.id)),
        tries=line.tries,
        outcome=dict(line.outcome) if line.outcome is not None else None,
        error=line.error,
    )


def _find(site: Site, named: str, environment: str | None) -> Run:
    found = None if named in site.project.services else site.history.run(named)
    if found is None:
        subjects = _subjects(site, named, environment)
        found = next((run for subject in subjects if (run := site.history.live_run(subject))), None)
        newest = site.history.newest(lambda trouble: site.warn(trouble.details))
        found = found or next((run for run in newest if run.subject in subjects), None)
    if found is None:
        raise SpecError(
            f"there is no run '{named}'",
            details="it is neither a run's id nor a service that has been rolled",
            resolution="See `phoenix run list`.",
        )
    return found


def _subjects(site: Site, service: str, environment: str | None) -> tuple[str, ...]:
    """The subjects that a service, or a subject itself, means."""
    if service not in site.project.services:
        return (service, f"{service}/{environment}") if environment else (service,)
    return (places.named(site, service, environment).subject,)


def _known(site: Site, service: str) -> None:
    """SpecError for a service that neither phoenix.yaml nor the record has."""
    if service in site.project.services:  # the record is long, and need not be read for that
        return
    if not any(_service(run) == service for run in site.history.newest(lambda _trouble: None)):
        site.project.service(service)


def _service(run: Run) -> str | None:
    """The service that the run is about, or None."""
    return run.about.parts[0] if run.about.noun is Noun.SERVICE else None


def _state(wanted: str | None) -> str | None:
    if wanted is not None and wanted not in list(RunState):
        raise SpecError(
            f"there is no state '{wanted}'",
            details=f"runs are: {', '.join(RunState)}",
            resolution="Give --state one of these.",
        )
    return wanted
