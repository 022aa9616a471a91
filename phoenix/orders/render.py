"""The files of a bake, for people and for Packer, written without running anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from phoenix.errors import RefusedError, SpecError
from phoenix.execute import workspace
from phoenix.execute.repositories import UrlForMachines, repository_for_machines
from phoenix.model import ImageType, Repository
from phoenix.orders import clouds
from phoenix.orders.site import Site
from phoenix.spec.images import ImageName, Recipe
from phoenix.spec.project import Project


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderOrder:
    """Write the recipe of `type`/`name` for a cloud of phoenix.yaml or a kind of clouds, into `out`."""

    type: ImageType
    name: str
    cloud: str | None = None
    out: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderResult:
    """What was written. `to_fill_in`: Packer variables in `values` that phoenix.yaml does not know."""

    image: str
    cloud: str
    directory: str
    files: tuple[str, ...]
    to_fill_in: tuple[str, ...]
    values: str = workspace.VALUES


def render(site: Site, order: RenderOrder) -> RenderResult:
    """Write the Packer template, variables and playbooks of a bake; run nothing."""
    project = site.project
    recipe = project.recipe(ImageName(type=order.type, name=order.name))
    wanted = order.cloud or _only_cloud(project, recipe.image)
    default = project.state_directory / "render" / f"{wanted}-{order.type}-{order.name}"
    directory = (Path(order.out) if order.out else default).absolute()
    laid_out = workspace.lay_out(
        project,
        recipe,
        clouds.template(project, wanted, recipe),
        directory,
        packages=tuple(f"{p.name}={p.version}" if p.version else p.name for p in recipe.packages),
        repositories=_repositories(project, recipe, wanted),
    )
    if laid_out.to_fill_in:
        site.say(f"to fill in, in {workspace.VALUES}: {', '.join(laid_out.to_fill_in)}")
    return RenderResult(
        image=str(recipe.image),
        cloud=wanted,
        directory=str(directory),
        files=laid_out.files,
        to_fill_in=laid_out.to_fill_in,
    )


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


def _repositories(project: Project, recipe: Recipe, cloud: str) -> tuple[Repository, ...]:
    """Where the recipe's packages come from, as a machine of the cloud reaches it."""
    reached = clouds.url_for_machines(project, cloud)
    names = sorted({package.repository for package in recipe.packages})
    return tuple(_repository(project, name, cloud, reached) for name in names)


def _repository(project: Project, name: str, cloud: str, reached: UrlForMachines) -> Repository:
    spec = project.repository(name)
    try:
        return repository_for_machines(spec, cloud, reached)
    except RefusedError as nothing_published:
        # Files can be looked at all the same; apt takes nothing that this text would have signed.
        return Repository(
            name=name,
            url=spec.url_for(cloud),
            distribution=spec.distribution,
            component=spec.component,
            key=f"-- the public key of the repository {name}: {nothing_published.brief} --",
        )
