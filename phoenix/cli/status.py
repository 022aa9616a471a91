"""`phoenix status`: what serves, what runs, what is due. Reads only; never starts anything."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli import completion
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.cli.text.status import service_text
from phoenix.orders import status as standing
from phoenix.orders.facts import dump

app = command_app()


@command(app, "phoenix status", "phoenix status web-tier -e local --json")
def status(
    ctx: typer.Context,
    service: Annotated[
        str | None, typer.Argument(help="Only this service.", autocompletion=completion.services)
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option("-e", "--environment", help="Only this environment.", autocompletion=completion.environments),
    ] = None,
) -> None:
    """Show groups, traffic, instances, images, package versions, the current run and what is due.

    Where a cloud or the state cannot be asked it shows what could be seen, and exits with 5.
    """
    session = session_of(ctx)
    found = standing.status(session.site, service, environment)
    text = "\n\n".join(map(service_text, found.services)) or "no services"
    if found.unseen:
        session.out.show(text)
    standing.refuse_unseen(found)
    session.out.result(dump(found), text)
