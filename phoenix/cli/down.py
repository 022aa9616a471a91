"""`phoenix down`: stop every machine, balancer and server of the project."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

app = command_app()


@command(app, "phoenix down", "phoenix down --yes --json")
def down(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would be stopped; change nothing.")] = False,
) -> None:
    """Stop every local machine, balancer and repository server of this project; images and packages stay."""
    from phoenix.cli.stopping import running_things, stop_all
    from phoenix.cli.wiring import Wiring

    session = session_of(ctx)
    wiring = Wiring(session)
    running = running_things(wiring)
    if plan:
        session.out.result({"plan": running}, "\n".join(f"stop {each}" for each in running) or "nothing is running")
        return
    if running:
        session.out.confirm(f"Stop {', '.join(running)}?", assume_yes=yes)
    stopped = stop_all(wiring)
    session.out.result({"stopped": stopped}, "\n".join(f"stopped {each}" for each in stopped) or "nothing was running")
