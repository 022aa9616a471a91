"""`phoenix abort`: undo a run that is going on."""

from __future__ import annotations

import typer

from phoenix.cli import options
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

app = command_app()


@command(app, "phoenix abort web-tier", "phoenix abort roll-20260131-120000-a1b2c3 --why 'wrong version'")
def abort(
    ctx: typer.Context,
    what: options.ServiceOrRun,
    environment: options.Environment = None,
    why: options.Why = "",
) -> None:
    """Ask a living run to go back, or take a dead one over and walk its way back."""
    from phoenix.cli.running import find_live, undo_live
    from phoenix.cli.show import run_data
    from phoenix.cli.wiring import Wiring
    from phoenix.errors import RefusedError
    from phoenix.record.journal import RunState

    session = session_of(ctx)
    wiring = Wiring(session)
    ended = undo_live(wiring, find_live(wiring, what, environment), why or "aborted by hand")
    if ended.state is not RunState.UNDONE:
        raise RefusedError(
            f"{ended.id} can no longer be undone: it is {ended.state}",
            details="it had passed its commit point before it saw the request",
            resolution="`phoenix rollback` goes back to the former group.",
        )
    session.out.result({"run": run_data(ended)}, f"{ended.id} ({ended.subject}): {ended.state}")
