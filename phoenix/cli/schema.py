"""`phoenix schema`: what may stand in phoenix.yaml, for editors."""

from __future__ import annotations

import json

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.orders import project

app = command_app()


@command(app, "phoenix schema > phoenix.schema.json")
def schema(ctx: typer.Context) -> None:
    """Print the JSON Schema of phoenix.yaml: editors complete and check with it.

    With the YAML extension of most editors, this line at the head of phoenix.yaml is enough:
    # yaml-language-server: $schema=phoenix.schema.json
    """
    found = project.schema()
    session_of(ctx).out.result({"schema": found}, json.dumps(found, indent=2))
