"""`phoenix image`: the images there are, where they come from, whether they still prove good; and their end."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli import completion, options
from phoenix.cli.command import command, group_app
from phoenix.cli.session import session_of
from phoenix.cli.text.images import image_rows, image_text, lineage_text, tested_rows
from phoenix.errors import PhoenixError
from phoenix.orders import images
from phoenix.orders.facts import dump

app = group_app("List, show, verify and delete images.")

Reference = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        help="TYPE/NAME (newest verified), TYPE/NAME@KEYPREFIX, or the cloud's own id.",
        autocompletion=completion.images,
    ),
]
CloudName = Annotated[str | None, typer.Option(metavar="C", help="Only this cloud; default: all of this version.")]


@command(app, "phoenix image list", "phoenix image list --type foundation --cloud local", name="list")
def list_images(
    ctx: typer.Context,
    image_type: Annotated[str | None, typer.Option("--type", metavar="T", help="os, foundation or immutable.")] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Only images of this name.",
            autocompletion=completion.image_names,
        ),
    ] = None,
    cloud: CloudName = None,
) -> None:
    """List images, newest first."""
    session = session_of(ctx)
    found = images.listed(session.site, image_type=image_type, name=name, cloud=cloud)
    session.out.result(dump(found), image_rows(found))


@command(app, "phoenix image show foundation/nodejs", "phoenix image show os/debian-12@1a2b --json")
def show(ctx: typer.Context, ref: Reference, cloud: CloudName = None) -> None:
    """Show everything that is known of one image: its manifest, tests and whereabouts."""
    session = session_of(ctx)
    found = images.show(session.site, ref, cloud)
    session.out.result(dump(found), image_text(found.image))


@command(app, "phoenix image lineage immutable/hello")
def lineage(ctx: typer.Context, ref: Reference, cloud: CloudName = None) -> None:
    """Show an image and what it was baked on, down to the lowest layer."""
    session = session_of(ctx)
    found = images.lineage(session.site, ref, cloud)
    session.out.result(dump(found), lineage_text(found))


@command(app, "phoenix image verify foundation/nodejs")
def verify(ctx: typer.Context, ref: Reference, cloud: CloudName = None) -> None:
    """Boot an image once more and run its tests; the image stays as it is."""
    session = session_of(ctx)
    try:
        done = images.verify(session.site, ref, cloud)
    except PhoenixError as error:
        if "tests" in error.facts:
            session.out.show(tested_rows(error.facts["tests"]))
        raise
    session.out.result(dump(done), tested_rows(dump(done)["tests"]))


@command(app, "phoenix image delete os/debian-12@1a2b --yes")
def delete(
    ctx: typer.Context,
    ref: Reference,
    cloud: CloudName = None,
    yes: options.Yes = False,
    plan: options.Plan = False,
) -> None:
    """Delete an image. Refused while a group's machines start from it; images baked on it stay."""
    session = session_of(ctx)
    planned = images.plan_deletion(session.site, ref, cloud)
    if plan:
        session.out.result({"plan": dump(planned)}, f"would delete {planned.deleted}")
        return
    session.out.confirm(f"Delete {planned.ref} ({planned.deleted})?", assume_yes=yes)
    session.out.result(dump(images.delete(session.site, planned.deleted, cloud)), f"deleted {planned.deleted}")
