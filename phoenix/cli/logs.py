"""`phoenix logs`: what a machine said."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.orders import logs as machine_logs
from phoenix.orders.facts import dump

app = command_app()


@command(app, "phoenix logs web-tier-local-v001-1")
def logs(ctx: typer.Context, instance: Annotated[str, typer.Argument(help="The instance's id.")]) -> None:
    """Show an instance's console, its boot work and its service's log."""
    session = session_of(ctx)
    found = machine_logs.logs(session.site, instance)
    session.out.result(dump(found), "\n".join(f"--- {kind}\n{log}" for kind, log in found.logs.items()))
