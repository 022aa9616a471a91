"""`phoenix demo`: the whole way on this machine, by the commands that a person would type, with traffic running."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.cli.text.table import table
from phoenix.demo.rehearsal import DemoResult, Rehearsal, refuse_unknown_engine
from phoenix.orders.facts import dump

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
    session = session_of(ctx)
    refuse_unknown_engine(machines)
    rehearsal = Rehearsal(directory=directory.absolute(), machines=machines, tell=session.out.tell)
    try:
        done = rehearsal.play()
    finally:
        if not keep:
            rehearsal.down()
    session.out.result(dump(done), _text(done))


def _text(done: DemoResult) -> str:
    rows = [(phase.name, f"{phase.seconds:.1f}") for phase in done.phases]
    told = f"{done.requests['sent']} sent, {done.requests['failed']} failed (p99 {done.latency['p99'] * 1000:.0f} ms)"
    facts = [
        f"images:    {', '.join(done.images)}",
        f"machines:  {done.engine}",
        f"serves:    {done.serves}",
        f"requests:  {told}",
    ]
    return "\n".join([str(table("phase", "seconds", rows=rows)), "", *facts])
