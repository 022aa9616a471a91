"""`phoenix resume`: go on with a run whose process has died."""

from __future__ import annotations

import typer

from phoenix.cli import options
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

app = command_app()


@command(app, "phoenix resume web-tier", "phoenix resume roll-20260131-120000-a1b2c3")
def resume(
    ctx: typer.Context,
    what: options.ServiceOrRun,
    environment: options.Environment = None,
) -> None:
    """Take over a run whose process has died and go on at its first step without an outcome."""
    from phoenix.cli.running import find_live, go_on
    from phoenix.cli.show import run_data
    from phoenix.cli.wiring import Wiring

    session = session_of(ctx)
    wiring = Wiring(session)
    run = find_live(wiring, what, environment)
    ended = go_on(wiring, run, abort=None) or wiring.history.run(run.id) or run
    session.out.result({"run": run_data(ended)}, f"{ended.id} ({ended.subject}): {ended.state}")
