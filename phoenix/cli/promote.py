"""`phoenix promote`: the word that a held run waits for."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli import junit as report
from phoenix.cli import options
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.cli.text.plan import plan_text
from phoenix.cli.text.roll import run_line
from phoenix.orders import runs
from phoenix.orders import shown as shown_plans
from phoenix.orders.facts import dump
from phoenix.orders.runs import RunOrder

app = command_app()


@command(
    app,
    "phoenix promote web-tier",
    "phoenix promote roll-20260131-120000-a1b2c3 --why 'error rate is flat'",
    "phoenix promote web-tier --plan",
)
def promote(
    ctx: typer.Context,
    what: options.ServiceOrRun,
    environment: options.Environment = None,
    why: options.Why = "",
    plan: Annotated[bool, typer.Option("--plan", help="Print the steps that are left; change nothing.")] = False,
    junit: report.File = None,
) -> None:
    """Let a run that is held go on, from any machine that reaches the state; it may hold again (exit 8)."""
    report.refuse_unwritable(junit)
    session = session_of(ctx)
    order = RunOrder(run=what, environment=environment, why=why)
    if plan:
        left = runs.plan_promotion(session.site, order)
        shown = plan_text(shown_plans.shown(left.only))
        session.out.result({"run": left.order.run, "plan": shown_plans.as_data(left.only)}, shown)
        return
    ended = report.of_run(session, junit, "promote", lambda: runs.promote(session.site, order))
    session.out.result(dump(ended), run_line(ended.run))
