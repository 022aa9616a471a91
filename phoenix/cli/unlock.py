"""`phoenix unlock`: free a service from a run that nobody will end."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli import options
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.cli.text.roll import describe
from phoenix.cli.text.status import service_text
from phoenix.orders import unlock as unlocking
from phoenix.orders.facts import dump
from phoenix.orders.runs import RunOrder

app = command_app()


@command(
    app, "phoenix unlock web-tier --why 'mended by hand: v041 serves'", "phoenix unlock web-tier -e prod --why TEXT"
)
def unlock(
    ctx: typer.Context,
    what: options.ServiceOrRun,
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason, for the record. Required.")] = "",
    environment: options.Environment = None,
    yes: options.Yes = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would be given up; change nothing.")] = False,
) -> None:
    """Give up a held, stuck or dead run as it stands: nothing is undone, the service can be rolled again."""
    session = session_of(ctx)
    order = RunOrder(run=what, environment=environment, why=why)
    if not plan:
        unlocking.refuse_without_reason(order)
    run = unlocking.plan(session.site, order)
    if plan:
        session.out.result({"plan": dump(run)}, f"gives up {describe(run)}; nothing would be undone")
        return
    session.out.confirm(f"Give up {describe(run)}, and undo nothing?", assume_yes=yes)
    done = unlocking.unlock(session.site, order)
    left = "\n\n".join(map(service_text, done.services))
    session.out.result(dump(done), f"{done.run.id} was given up as it stood; it left:\n{left}")
