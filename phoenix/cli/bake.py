"""`phoenix bake`: bake an image from its recipe, missing parents first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.output import table
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.cli.baking import Baked, Bakery, Order
    from phoenix.cli.wiring import Wiring
    from phoenix.plan.bake import Layer
    from phoenix.spec.images import ImageName

app = command_app()


@command(
    app,
    "phoenix bake foundation nodejs",
    "phoenix bake foundation nodejs --cloud local --builder packer",
    "phoenix bake os debian-12 --force --verify qemu",
    "phoenix bake --all",
)
def bake(  # noqa: PLR0913, PLR0917 - the options of a command are its table of contents
    ctx: typer.Context,
    image_type: Annotated[str | None, typer.Argument(metavar="TYPE", help="os, foundation or immutable.")] = None,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The image, as phoenix.yaml names it.")] = None,
    cloud: Annotated[
        list[str] | None,
        typer.Option(metavar="C", help="For this cloud; may be repeated. Default: the clouds that use the image."),
    ] = None,
    builder: Annotated[
        str, typer.Option(metavar="B", help="packer (boots a builder machine), chroot (no boot; local), or auto.")
    ] = "auto",
    verify: Annotated[
        str | None,
        typer.Option(metavar="V", help="light or qemu: how it is verified (local); see phoenix.yaml."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Bake the image even where its key is there.")] = False,
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Bake every layer again, from the distribution's mirror up.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Bake every image of phoenix.yaml.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would happen; change nothing.")] = False,
    junit: Annotated[str | None, typer.Option(metavar="FILE", help="Write layers and tests as a JUnit report.")] = None,
) -> None:
    """Bake an image from its recipe, missing or outdated parents first. What is there already is not baked again."""
    from phoenix.cli.baking import Order
    from phoenix.cli.wiring import Wiring

    if junit is not None:
        from phoenix.cli.junit import refuse_unwritable

        refuse_unwritable(junit)
    session = session_of(ctx)
    wiring = Wiring(session)
    order = Order(builder=builder, verify=verify, force=force, from_scratch=from_scratch, dry=plan)
    jobs = _jobs(wiring, _wanted(wiring, image_type, name, every=every), cloud or [], order)
    if plan:
        _show_plans(wiring, jobs)
        return
    baked = _bake_all(jobs, junit)
    rows = [(b.image.ref, b.cloud, _did(b), f"{b.seconds:.1f} s", b.why) for b in baked]
    data = {"baked": sum(b.built for b in baked), "layers": [_facts(b) for b in baked]}
    session.out.result(data, table("image", "cloud", "", "took", "why", rows=rows))


def _wanted(wiring: Wiring, image_type: str | None, name: str | None, *, every: bool) -> list[ImageName]:
    """The images that the command line means. SpecError for words that name none."""
    from phoenix.errors import SpecError
    from phoenix.model import ImageType
    from phoenix.spec.images import ImageName

    if every and image_type is None:
        return sorted(wiring.project.recipes, key=lambda image: (image.type.rank, image.name))
    types = list(ImageType)
    if every or image_type not in types or not name:
        raise SpecError(
            f"'phoenix bake {' '.join(word for word in (image_type, name) if word)}' does not say what to bake",
            details=f"TYPE is one of {', '.join(types)}; images: {', '.join(sorted(map(str, wiring.project.recipes)))}",
            resolution="Say `phoenix bake TYPE NAME`, or `phoenix bake --all` alone.",
        )
    return [ImageName(type=ImageType(image_type), name=name)]


def _jobs(
    wiring: Wiring, images: list[ImageName], clouds: list[str], order: Order
) -> list[tuple[Bakery, tuple[Layer, ...]]]:
    """Every recipe read and every package made exact before the first bake begins."""
    from phoenix.cli.baking import Bakery, clouds_for

    pairs = [(cloud, image) for image in images for cloud in clouds_for(wiring, image, clouds)]
    bakeries = {cloud: Bakery(wiring, cloud, order) for cloud, _image in pairs}
    return [(bakeries[cloud], bakeries[cloud].lineage(image)) for cloud, image in pairs]


def _show_plans(wiring: Wiring, jobs: list[tuple[Bakery, tuple[Layer, ...]]]) -> None:
    from phoenix.cli.show import plan_data, plan_text

    plans = {plan.plan.subject: plan.plan for bakery, lineage in jobs for plan in bakery.plans(lineage)}
    shown = "\n\n".join(plan_text(plan) for plan in plans.values())
    wiring.session.out.result({"plans": [plan_data(plan) for plan in plans.values()]}, shown)


def _bake_all(jobs: list[tuple[Bakery, tuple[Layer, ...]]], junit: str | None) -> list[Baked]:
    """Bake one lineage after the other; the report is written however that ends."""
    from phoenix.errors import PhoenixError

    baked: dict[str, Baked] = {}
    failure = ""
    try:
        for bakery, lineage in jobs:
            baked |= {f"{b.cloud} {b.image.id}": b for b in bakery.bake(lineage)}
    except PhoenixError as error:
        failure = str(error)
        raise
    finally:
        if junit is not None:
            _report(junit, list(baked.values()), failure)
    return list(baked.values())


def _report(file: str, baked: list[Baked], failure: str) -> None:
    from pathlib import Path

    from phoenix.cli.junit import Case, write

    cases = [Case(name=f"{b.cloud}: {b.image.type}/{b.image.name}", seconds=b.seconds) for b in baked]
    tests = [(b, test) for b in baked for test in b.image.tests]
    cases += [Case(name=f"{b.image.type}/{b.image.name}: {test.name}") for b, test in tests]
    cases += [Case(name="bake", failure=failure)] if failure else []
    write(Path(file), "phoenix bake", tuple(cases))


def _did(baked: Baked) -> str:
    """What this process did to the image, in a word."""
    return "baked" if baked.built else "there" if baked.hit else "verified"


def _facts(baked: Baked) -> dict[str, Any]:
    image = baked.image
    return {
        "cloud": baked.cloud,
        "image": f"{image.type}/{image.name}",
        "ref": image.ref,
        "id": image.id,
        "key": image.key,
        "parent": image.parent,
        "builder": image.builder,
        "verified_on": image.verified_on,
        "hit": baked.hit,
        "why": baked.why,
        "seconds": baked.seconds,
        "run": baked.run.id if baked.run else None,
    }
