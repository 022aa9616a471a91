"""`phoenix run`: who did what, when and why."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli import completion
from phoenix.cli.command import command, group_app
from phoenix.cli.session import session_of
from phoenix.cli.text.run import run_rows, run_text
from phoenix.errors import PhoenixError
from phoenix.orders import history
from phoenix.orders.facts import dump

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
    session = session_of(ctx)
    nothing = "no such runs" if service or state else "no runs yet"
    try:
        found = history.runs(session.site, service=service, state=state, limit=limit)
    except PhoenixError as error:
        if "runs" in error.facts:
            session.out.show(run_rows(error.facts["runs"]) or nothing)
        raise
    session.out.result(dump(found), run_rows(dump(found)["runs"]) or nothing)


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
    session = session_of(ctx)
    found = history.show(session.site, run, environment)
    session.out.result(dump(found), run_text(found.run))
