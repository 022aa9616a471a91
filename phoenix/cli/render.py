"""`phoenix render`: the files of a bake, for people and for Packer, without running anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.errors import RefusedError, SpecError
from phoenix.model import CloudKind, ImageType, Repository

if TYPE_CHECKING:
    from phoenix.spec.clouds import CloudSpec
    from phoenix.spec.images import ImageName, Recipe
    from phoenix.spec.project import Project

app = command_app()


@command(
    app,
    "phoenix render foundation nodejs",
    "phoenix render os debian-12 --cloud gcp --out packer && packer validate packer",
)
def render(
    ctx: typer.Context,
    image_type: Annotated[ImageType, typer.Argument(metavar="TYPE", help="os, foundation or immutable.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The image, as phoenix.yaml names it.")],
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
    from phoenix.execute import workspace
    from phoenix.spec.images import ImageName

    session = session_of(ctx)
    project = session.project
    recipe = project.recipe(ImageName(type=image_type, name=name))
    wanted = cloud or _only_cloud(project, recipe.image)
    target = _cloud(project, wanted)
    directory = (out or project.state_directory / "render" / f"{wanted}-{image_type}-{name}").absolute()
    laid_out = workspace.lay_out(
        project,
        recipe,
        target,
        directory,
        packages=tuple(f"{p.name}={p.version}" if p.version else p.name for p in recipe.packages),
        repositories=_repositories(project, recipe, target),
    )
    if laid_out.to_fill_in:
        session.out.say(f"to fill in, in {workspace.VALUES}: {', '.join(laid_out.to_fill_in)}")
    data = {
        "image": str(recipe.image),
        "cloud": wanted,
        "directory": str(directory),
        "files": list(laid_out.files),
        "to_fill_in": list(laid_out.to_fill_in),
    }
    session.out.result(data, "\n".join(str((out or directory) / file) for file in laid_out.files))


def _only_cloud(project: Project, image: ImageName) -> str:
    """The cloud that uses the image, else the only one there is; SpecError where that leaves a choice."""
    candidates = project.clouds_using(image) or tuple(project.clouds)
    if len(candidates) == 1:
        return candidates[0]
    raise SpecError(
        f"for which cloud is {image} to be rendered?",
        details=f"it could be {', '.join(candidates)}",
        resolution="Say which one with --cloud.",
    )


def _cloud(project: Project, name: str) -> CloudSpec | CloudKind:
    if name in project.clouds:
        return project.clouds[name]
    if name in list(CloudKind):
        return CloudKind(name)
    raise SpecError(
        f"there is no cloud '{name}'",
        details=f"phoenix.yaml has: {', '.join(project.clouds)}; kinds are: {', '.join(CloudKind)}",
        resolution="Name one of these.",
    )


def _repositories(project: Project, recipe: Recipe, cloud: CloudSpec | CloudKind) -> tuple[Repository, ...]:
    """Where the recipe's packages come from, as a machine of the cloud reaches it."""
    kind = cloud if isinstance(cloud, CloudKind) else cloud.kind
    names = sorted({package.repository for package in recipe.packages})
    return tuple(_repository(project, name, local=kind is CloudKind.LOCAL) for name in names)


def _repository(project: Project, name: str, *, local: bool) -> Repository:
    from phoenix.execute.repositories import repository_for_machines, repository_here
    from phoenix.tools.loopback import machine_url

    spec = project.repository(name)
    try:
        return repository_for_machines(spec, machine_url) if local else repository_here(spec)
    except RefusedError as nothing_published:
        # Files can be looked at all the same; apt takes nothing that this text would have signed.
        return Repository(
            name=name,
            url=spec.url,
            distribution=spec.distribution,
            component=spec.component,
            key=f"-- the public key of the repository {name}: {nothing_published.brief} --",
        )
