"""`phoenix doctor`: what is there, what is missing, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.cli.text.table import table
from phoenix.errors import RefusedError
from phoenix.orders import doctor as looking
from phoenix.orders.doctor import DoctorResult
from phoenix.orders.facts import dump

app = command_app()


@command(app, "phoenix doctor", "phoenix doctor --cloud local --json")
def doctor(
    ctx: typer.Context,
    cloud: Annotated[
        str | None, typer.Option(help="Only what this cloud needs: one of the project, or gcp, aws, local.")
    ] = None,
) -> None:
    """Try the tools, the machine engines and the mirror for real; name each lack with its remedy.

    Without a project it looks at what the local cloud needs. Ends with 3 where something needed is missing.
    """
    session = session_of(ctx)
    found = looking.doctor(session.project_file(), session.environment, cloud, session.out.tell)
    try:
        looking.refuse_lacks(found)
    except RefusedError:
        session.out.show(_text(found))
        raise
    session.out.result(dump(found), f"{_text(found)}\n\neverything that is needed is there")


def _text(found: DoctorResult) -> str:
    rows = [(check.state, check.subject, check.found) for check in found.checks]
    remedies = [f"  {check.subject}: {check.remedy}" for check in found.checks if check.remedy]
    lines = [str(table("", "what", "found", rows=rows)), *(["", "what to do:"] if remedies else []), *remedies]
    return "\n".join(lines)
