"""`phoenix image`: the images there are, where they come from, whether they still prove good; and their end."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli import completion, options
from phoenix.cli.command import command, group_app
from phoenix.cli.session import session_of
from phoenix.cli.text.images import image_rows, image_text, lineage_text, tested_rows, verdict_rows
from phoenix.errors import PhoenixError
from phoenix.orders import image_retention, images
from phoenix.orders.facts import dump
from phoenix.orders.image_retention import PruneOrder

app = group_app("List, show, verify, delete and prune images.")

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


@command(app, "phoenix image prune --plan", "phoenix image prune --keep 5 --older-than 30d --yes")
def prune(
    ctx: typer.Context,
    keep: Annotated[
        int, typer.Option(metavar="N", help="Newest verified images of each name that stay.")
    ] = image_retention.KEEP,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Only images that are at least so old, such as 30d.")
    ] = None,
    cloud: CloudName = None,
    yes: options.Yes = False,
    plan: options.Plan = False,
) -> None:
    """Delete old images that nobody needs, and say of each why it stays or goes.

    What groups start from stays, what a rollback would start from, what a run names, and what these were baked on.
    """
    session = session_of(ctx)
    order = PruneOrder(keep=keep, older_than=options.duration("--older-than", older_than), cloud=cloud)
    would = image_retention.plan(session.site, order)
    going = [each for each in would.images if not each.stays]
    if plan or not going:
        session.out.result({"plan": [each.id for each in going], **dump(would)}, verdict_rows(would))
        return
    session.out.show(verdict_rows(would))
    session.out.confirm(f"Delete {len(going)} of {len(would.images)} images?", assume_yes=yes)
    done = image_retention.prune(session.site, order)
    session.out.result(dump(done), "\n".join(f"deleted {each}" for each in done.deleted))
