"""`phoenix demo`: the whole way on this machine, by the commands that a person would type, with traffic running."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

app = command_app()


@command(app, "phoenix demo", "phoenix demo --machines qemu --keep --json")
def demo(
    ctx: typer.Context,
    directory: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where the demo's project lies; made if missing.")
    ] = Path("demo"),
    machines: Annotated[
        str, typer.Option(metavar="ENGINE", help="auto, qemu or light: what runs the service's machines.")
    ] = "auto",
    keep: Annotated[bool, typer.Option("--keep", help="Leave the service running at the end.")] = False,
) -> None:
    """Bake two images, publish a package, start a service, and let it be reborn while requests flow."""
    from phoenix.cli.rehearsal import Rehearsal
    from phoenix.errors import SpecError
    from phoenix.spec.clouds import MachineEngine

    session = session_of(ctx)
    if machines not in list(MachineEngine):
        raise SpecError(
            f"--machines {machines} is no machine engine",
            details=f"accepted: {', '.join(MachineEngine)}",
            resolution="Name one of these.",
        )
    rehearsal = Rehearsal(directory=directory.absolute(), machines=machines, out=session.out)
    try:
        data, text = rehearsal.play()
    finally:
        if not keep:
            rehearsal.down()
    session.out.result(data, text)
