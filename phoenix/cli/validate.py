"""`phoenix validate`: every mistake of the project at once."""

from __future__ import annotations

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.orders import project
from phoenix.orders.facts import dump

app = command_app()


@command(app, "phoenix validate", "phoenix validate -C shop --json")
def validate(ctx: typer.Context) -> None:
    """Report every mistake of phoenix.yaml, its playbooks and its templates at once; change nothing."""
    session = session_of(ctx)
    found = project.validate(session.found_file(), session.environment, session.out.tell)
    session.out.result(dump(found), f"{found.file}: no mistakes")
