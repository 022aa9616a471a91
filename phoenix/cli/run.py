"""`phoenix run`: who did what, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from phoenix import names
from phoenix.cli import completion
from phoenix.cli.command import command, group_app
from phoenix.cli.output import table
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring
    from phoenix.record.journal import Run
    from phoenix.record.store import DamagedError

app = group_app("List runs; show one with its plan, steps and log.")


@command(
    app,
    "phoenix run list",
    "phoenix run list web-tier --json",
    "phoenix run list --state stuck --limit 20",
    name="list",
)
def list_runs(
    ctx: typer.Context,
    service: Annotated[
        str | None, typer.Argument(help="Only runs of this service.", autocompletion=completion.services)
    ] = None,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="Only runs in this state: running, held, done, undone, ...")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="The newest N only.")] = None,
) -> None:
    """List runs, newest first; one that cannot be read hides no other."""
    from itertools import islice

    from phoenix.cli.show import lasted, run_data, run_seconds, short
    from phoenix.cli.wiring import Wiring

    session = session_of(ctx)
    wiring = Wiring(session)
    if service is not None:
        _known(wiring, service)
    wanted = _state(state)
    troubles: list[DamagedError] = []
    chosen = (
        run
        for run in wiring.history.newest(troubles.append)
        if service in (None, _service(run)) and wanted in (None, run.state)
    )
    runs, now = list(islice(chosen, limit)), wiring.clock.now()
    rows = [
        (run.id, short(run.subject), run.state, run.started, lasted(run_seconds(run, now)), run.owner.who, run.why)
        for run in runs
    ]
    shown = table("run", "subject", "state", "started", "took", "who", "why", rows=rows)
    nothing = "no such runs" if service or state else "no runs yet"
    data = {"runs": [run_data(run) for run in runs]}
    if not troubles:
        session.out.result(data, shown if runs else nothing)
        return
    for trouble in troubles[1:]:
        session.out.warn(trouble.details)
    session.out.evidence(data, str(shown) if runs else nothing)
    raise troubles[0]


@command(
    app,
    "phoenix run show roll-20260131-120000-a1b2c3",
    "phoenix run show web-tier -e local",
    name="show",
)
def show_run(
    ctx: typer.Context,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN|SERVICE",
            help="The run's id; or a service: its current run, else its latest.",
            autocompletion=completion.services_and_runs,
        ),
    ],
    environment: Annotated[
        str | None, typer.Option("-e", "--environment", help="Of a service: not needed where it has one.")
    ] = None,
) -> None:
    """Show one run: who, when, why, what to do next, every step with its time, errors with their logs, files."""
    from phoenix.cli.advice import has_died
    from phoenix.cli.run_text import files_of, run_text
    from phoenix.cli.show import run_data, run_events
    from phoenix.cli.timeline import step_data, steps_of
    from phoenix.cli.wiring import Wiring

    session = session_of(ctx)
    wiring = Wiring(session)
    found, now = _find(wiring, run, environment), wiring.clock.now()
    files = files_of(wiring.run_logs / found.id)
    data = {
        **run_data(found),
        "plan": dict(found.plan),
        "steps": [step_data(line) for line in steps_of(found, now)],
        "events": run_events(found),
        "files": [str(file) for file in files],
    }
    session.out.result({"run": data}, run_text(found, files, now, died=has_died(found)))


def _find(wiring: Wiring, named: str, environment: str | None) -> Run:
    from phoenix.errors import SpecError

    found = None if named in wiring.project.services else wiring.history.run(named)
    if found is None:
        subjects = _subjects(wiring, named, environment)
        found = next((r for subject in subjects if (r := wiring.history.live_run(subject))), None)
        newest = wiring.history.newest(lambda trouble: wiring.session.out.warn(trouble.details))
        found = found or next((r for r in newest if r.subject in subjects), None)
    if found is None:
        raise SpecError(
            f"there is no run '{named}'",
            details="it is neither a run's id nor a service that has been rolled",
            resolution="See `phoenix run list`.",
        )
    return found


def _subjects(wiring: Wiring, service: str, environment: str | None) -> tuple[str, ...]:
    """The subjects that a service on the command line means."""
    from phoenix.cli.places import subject_of

    if service not in wiring.project.services:
        return (service, f"{service}/{environment}") if environment else (service,)
    spec = wiring.project.service(service)
    return (subject_of(spec, wiring.project.environment(spec, environment)),)


def _known(wiring: Wiring, service: str) -> None:
    """SpecError for a service that neither phoenix.yaml nor the record has."""
    if service in wiring.project.services:  # the record is long, and need not be read for that
        return
    if not any(_service(run) == service for run in wiring.history.newest(lambda _trouble: None)):
        wiring.project.service(service)


def _service(run: Run) -> str | None:
    """The service that the run is about, or None."""
    return run.about.parts[0] if run.about.noun is names.Noun.SERVICE else None


def _state(wanted: str | None) -> str | None:
    from phoenix.errors import SpecError
    from phoenix.record.journal import RunState

    if wanted is not None and wanted not in list(RunState):
        raise SpecError(
            f"there is no state '{wanted}'",
            details=f"runs are: {', '.join(RunState)}",
            resolution="Give --state one of these.",
        )
    return wanted
