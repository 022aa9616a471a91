"""`phoenix abort`: undo a run that is going on."""

from __future__ import annotations

import typer

from phoenix.cli import junit as report
from phoenix.cli import options
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.cli.text.roll import run_line
from phoenix.orders import runs
from phoenix.orders.facts import dump
from phoenix.orders.runs import RunOrder

app = command_app()


@command(app, "phoenix abort web-tier", "phoenix abort roll-20260131-120000-a1b2c3 --why 'wrong version'")
def abort(
    ctx: typer.Context,
    what: options.ServiceOrRun,
    environment: options.Environment = None,
    why: options.Why = "",
    junit: report.File = None,
) -> None:
    """Ask a living run to go back, or take a dead one over and walk its way back."""
    report.refuse_unwritable(junit)
    session = session_of(ctx)
    order = RunOrder(run=what, environment=environment, why=why)
    ended = report.of_run(session, junit, "abort", lambda: runs.abort(session.site, order))
    session.out.result(dump(ended), run_line(ended.run))
