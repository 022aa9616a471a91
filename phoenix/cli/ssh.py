"""`phoenix ssh`: into a machine of this computer; of another cloud it prints the cloud's own command."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated

import typer

from phoenix.cli import completion
from phoenix.cli.command import command, command_app
from phoenix.cli.failures import ProgramEnded
from phoenix.cli.session import session_of
from phoenix.orders import ssh as entering
from phoenix.orders.facts import dump

app = command_app()


@command(app, "phoenix ssh web-tier-local-v001-1", "phoenix ssh web-tier-local-v001-1 -- systemctl status hello")
def ssh(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="The machine.", autocompletion=completion.instances)],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[-- COMMAND...]", help="What is run there; else a shell.")
    ] = None,
) -> None:
    """Get into a machine of this computer, or run a command there; elsewhere print the cloud's own command.

    A machine that somebody was inside of is another than its siblings: `phoenix status` says so from then on. While
    somebody is inside, `phoenix tend` does not replace it.
    """
    session = session_of(ctx)
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    way = entering.way_in(session.site, instance, tuple(words or ()), terminal=terminal)
    if session.json or not way.here:
        session.out.result(dump(way), shlex.join(way.command))
        return
    session.out.quiet_down()
    code = entering.go_in(session.site, way)
    if code:
        raise ProgramEnded(code)
