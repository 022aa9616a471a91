"""`phoenix bake`: bake an image from its recipe, missing parents first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from phoenix.cli import completion, options
from phoenix.cli import junit as report
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.cli.text.plan import plan_text
from phoenix.cli.text.table import table
from phoenix.errors import PhoenixError
from phoenix.orders import bake as bakes
from phoenix.orders import shown as shown_plans
from phoenix.orders.bake import BakeOrder
from phoenix.orders.facts import dump

app = command_app()


@command(
    app,
    "phoenix bake foundation nodejs",
    "phoenix bake foundation nodejs --cloud local --builder packer",
    "phoenix bake foundation nodejs --builder light",
    "phoenix bake foundation nodejs --cloud local --cloud aws",
    "phoenix bake os debian-12 --force --verify qemu",
    "phoenix bake --all",
)
def bake(  # noqa: PLR0913, PLR0917 - the options of a command are its table of contents
    ctx: typer.Context,
    image_type: Annotated[str | None, typer.Argument(metavar="TYPE", help="os, foundation or immutable.")] = None,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="The image, as phoenix.yaml names it.", autocompletion=completion.image_names
        ),
    ] = None,
    cloud: Annotated[
        list[str] | None,
        typer.Option(metavar="C", help="For this cloud; may be repeated. Default: the clouds that use the image."),
    ] = None,
    builder: Annotated[
        str,
        typer.Option(
            metavar="B",
            help="light (a light machine; local), chroot (no boot; local), packer (a virtual machine), or auto.",
        ),
    ] = "auto",
    verify: Annotated[
        str | None,
        typer.Option(metavar="V", help="light or qemu: how it is verified (local); see phoenix.yaml."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Bake the image even where its key is there.")] = False,
    from_scratch: Annotated[
        bool,
        typer.Option(
            "--from-scratch", help="Bake every layer again, the lowest from what the distribution's mirror has now."
        ),
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Bake every image of phoenix.yaml.")] = False,
    plan: options.Plan = False,
    junit: report.File = None,
) -> None:
    """Bake an image from its recipe, missing or outdated parents first. What is there already is not baked again.

    Several clouds bake side by side, each in a process of its own: one that fails takes no other down.
    """
    report.refuse_unwritable(junit)
    session = session_of(ctx)
    order = BakeOrder(
        type=image_type,
        name=name,
        every=every,
        clouds=tuple(cloud or ()),
        builder=builder,
        verify=verify,
        force=force,
        from_scratch=from_scratch,
    )
    if plan:
        plans = bakes.plan(session.site, order).bakes
        shown = "\n\n".join(plan_text(shown_plans.shown(each)) for each in plans)
        session.out.result({"plans": [shown_plans.as_data(each) for each in plans]}, shown)
        return
    try:
        done = report.of_layers(session, junit, lambda: bakes.carry_out(session.site, order))
    except PhoenixError as error:
        session.out.show(_rows(error.facts.get("layers", ())) if "clouds" in error.facts else "")
        raise
    session.out.result(dump(done), _rows(dump(done)["layers"]))


def _rows(layers: Sequence[Mapping[str, Any]]) -> object:
    """What is there now, a line each."""
    rows = [(each["ref"], each["cloud"], _did(each), f"{each['seconds']:.1f} s", each["why"]) for each in layers]
    return table("image", "cloud", "", "took", "why", rows=rows) if rows else ""


def _did(layer: Mapping[str, Any]) -> str:
    """What this order did to the image, in a word."""
    return "baked" if layer["built"] else "there" if layer["hit"] else "verified"
