"""`phoenix down`: stop every machine, balancer and server of the project."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli import options
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.orders import down as putting_down
from phoenix.orders.facts import dump

app = command_app()


@command(app, "phoenix down", "phoenix down --yes --json", "phoenix down --yes --force")
def down(
    ctx: typer.Context,
    yes: options.Yes = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also while a run goes on or is held: it is given up (abandoned) first.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would be stopped; change nothing.")] = False,
) -> None:
    """Stop every local machine, balancer and repository server of this project; images and packages stay.

    Refused while a run goes on, is held or is stuck. A run on a cloud elsewhere is left alone, as are its machines.
    """
    session = session_of(ctx)
    running = putting_down.plan(session.site)
    if plan:
        shown = "\n".join(f"stop {each}" for each in running)
        session.out.result({"plan": running}, shown or "nothing is running")
        return
    if running:
        session.out.confirm(f"Stop {', '.join(running)}?", assume_yes=yes, insist=True)
    done = putting_down.down(session.site, force=force)
    session.out.result(dump(done), "\n".join(f"stopped {each}" for each in done.stopped) or "nothing was running")
