"""`phoenix status`: what serves, what runs, what is due. Reads only; never starts anything."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli import completion
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

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
    """Show groups, traffic, instances, images, package versions, the current run and what is due."""
    from phoenix.cli.observing import everything
    from phoenix.cli.standing import standing_data, standing_text
    from phoenix.cli.wiring import Wiring

    session = session_of(ctx)
    wiring = Wiring(session)
    shown = [standing_data(wiring, each) for each in everything(wiring, service, environment)]
    for each in shown:
        for warning in each["due"]:
            session.out.warn(warning)
    session.out.result({"services": shown}, "\n\n".join(standing_text(each) for each in shown) or "no services")
