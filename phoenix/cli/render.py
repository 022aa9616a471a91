"""`phoenix render`: the files of a bake, for people and for Packer, without running anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phoenix.cli import completion
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.model import ImageType
from phoenix.orders import render as rendering
from phoenix.orders.facts import dump
from phoenix.orders.render import RenderOrder

app = command_app()


@command(
    app,
    "phoenix render foundation nodejs",
    "phoenix render os debian-12 --cloud gcp --out packer && packer validate packer",
)
def render(
    ctx: typer.Context,
    image_type: Annotated[ImageType, typer.Argument(metavar="TYPE", help="os, foundation or immutable.")],
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="The image, as phoenix.yaml names it.", autocompletion=completion.image_names
        ),
    ],
    cloud: Annotated[
        str | None, typer.Option(metavar="C", help="A cloud of phoenix.yaml, or a kind: local, gcp, aws.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to; else render/ in the state directory.")
    ] = None,
) -> None:
    """Write the Packer template, variables and playbooks of a bake; run nothing.

    What phoenix.yaml does not know becomes a Packer variable, with a stand-in in image.auto.pkrvars.hcl.
    """
    session = session_of(ctx)
    order = RenderOrder(type=image_type, name=name, cloud=cloud, out=str(out) if out else None)
    done = rendering.render(session.site, order)
    session.out.result(dump(done), "\n".join(str((out or Path(done.directory)) / file) for file in done.files))
