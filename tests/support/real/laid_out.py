"""The workspace of a recipe, laid out as a bake does, and a playbook of a project of its own."""

from __future__ import annotations

from pathlib import Path

from phoenix.clouds.local.bake import template
from phoenix.execute import workspace
from phoenix.model import ImageType, Repository
from phoenix.spec.images import ImageName, PackageWish, Recipe, Variable
from phoenix.spec.project import Project


def lay_out(
    directory: Path,
    playbook: str | None,
    variables: dict[str, Variable] | None = None,
    pins: tuple[str, ...] = (),
    repository: Repository | None = None,
) -> Path:
    """A workspace for a recipe of these parts; the project's own playbooks are in `directory`/project."""
    project = Project(
        name="shop",
        directory=directory / "project",
        file=directory / "project/phoenix.yaml",
        state=".phoenix",
        state_is_shared=False,
        clouds={},
        repositories={},
        recipes={},
        services={},
        stacks={},
    )
    recipe = Recipe(
        image=ImageName(type=ImageType.FOUNDATION, name="x"),
        parent=ImageName(type=ImageType.OS, name="y"),
        base={},
        playbook=playbook,
        variables=variables or {},
        packages=tuple(PackageWish(name=pin, version=None, repository="main") for pin in pins),
        tests=(),
        max_age=None,
    )
    repositories = (repository,) if repository else ()
    workspace.lay_out(
        project, recipe, template.template(), directory / "workspace", packages=pins, repositories=repositories
    )
    return directory / "workspace"


def write_site(directory: Path, text: str) -> None:
    """Write the project's playbook `site.yml`."""
    file = directory / "project/playbooks/site.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
