"""`phoenix logs`: what a machine said."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

app = command_app()


@command(app, "phoenix logs web-tier-local-v001-1")
def logs(ctx: typer.Context, instance: Annotated[str, typer.Argument(help="The instance's id.")]) -> None:
    """Show an instance's console, its boot work and its service's log."""
    from phoenix.cli.wiring import Wiring
    from phoenix.errors import SpecError

    session = session_of(ctx)
    wiring = Wiring(session)
    known: list[str] = []
    clouds = {where.cloud for spec in wiring.project.services.values() for where in spec.environments.values()}
    for name in sorted(clouds):
        groups = wiring.cloud(name).groups
        machines = [machine.id for group in groups.list() for machine in group.instances]
        if instance in machines:
            found = dict(groups.logs(instance))
            text = "\n".join(f"--- {kind}\n{log}" for kind, log in found.items())
            session.out.result({"instance": instance, "logs": found}, text)
            return
        known += machines
    raise SpecError(
        f"there is no instance '{instance}'",
        details=f"instances: {', '.join(known) or 'none'}",
        resolution="Name one of these.",
    )
