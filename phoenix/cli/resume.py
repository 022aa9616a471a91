"""`phoenix resume`: go on with a run whose process has died."""

from __future__ import annotations

import typer

from phoenix.cli import options
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.cli.text.roll import run_line
from phoenix.orders import runs
from phoenix.orders.facts import dump
from phoenix.orders.runs import RunOrder

app = command_app()


@command(app, "phoenix resume web-tier", "phoenix resume roll-20260131-120000-a1b2c3")
def resume(
    ctx: typer.Context,
    what: options.ServiceOrRun,
    environment: options.Environment = None,
) -> None:
    """Take over a run whose process has died and go on at its first step without an outcome."""
    session = session_of(ctx)
    ended = runs.resume(session.site, RunOrder(run=what, environment=environment))
    session.out.result(dump(ended), run_line(ended.run))
