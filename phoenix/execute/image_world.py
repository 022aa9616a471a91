"""What a bake acts on, made of a project, a cloud and a clock: its recipe laid out as files, and nothing older."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from phoenix.clock import Clock
from phoenix.clouds.api import Cloud
from phoenix.execute import recipe_files, vault, workspace
from phoenix.execute.boot_work import pin
from phoenix.execute.packer_values import Identity
from phoenix.execute.perform import bake
from phoenix.execute.reach import Playbooks
from phoenix.execute.recipes import Kitchen
from phoenix.execute.repositories import repository_for_machines, repository_here
from phoenix.plan.bake_actions import BuildImage
from phoenix.spec.images import ImageName
from phoenix.spec.project import Project
from phoenix.tools import git


@dataclass(frozen=True, kw_only=True, slots=True)
class Bakehouse:
    """What the bakes of a project are made of."""

    project: Project
    clock: Clock
    serve: Callable[[Iterable[str]], None]
    """Sees that machines reach these repositories of the project."""
    kitchen: Callable[[str, str], Kitchen]
    """Where recipes are read anew, for a cloud and a builder."""

    def of_images(self, cloud: Cloud) -> bake.World:
        """What a bake on the cloud acts on."""
        return bake.World(
            images=cloud.images,
            clock=self.clock,
            lay_out=partial(self._lay_out, cloud),
            vault=self._vault,
            source=lambda: git.source_of(self.project.directory),
        )

    def _vault(self, action: BuildImage) -> bytes:
        recipe = self.project.recipe(ImageName(type=action.type, name=action.name))
        playbooks = Playbooks.of(self.project.directory)
        return vault.password(self.project.directory, playbooks.encrypted(recipe_files.reached(playbooks, recipe)))

    def _lay_out(self, cloud: Cloud, action: BuildImage, directory: Path) -> None:
        """Write the recipe of the image that `action` makes into `directory`: the planned one, or RefusedError."""
        specs = [self.project.repository(name) for name in dict.fromkeys(p.repository for p in action.packages)]
        self.serve(spec.name for spec in specs)
        reached = (
            repository_here
            if action.builder in cloud.abilities.near
            else partial(repository_for_machines, cloud=cloud.name, reached=cloud.url_for_machines)
        )
        recipe = self.project.recipe(ImageName(type=action.type, name=action.name))
        workspace.lay_out(
            self.project,
            recipe,
            cloud.template(base=recipe.base.get(self.project.cloud(cloud.name).kind), parent=action.parent),
            directory,
            identity=Identity(image_id=action.image, key=action.key, parent=action.parent or ""),
            packages=tuple(pin(package) for package in action.packages),
            repositories=tuple(reached(spec) for spec in specs),
        )
        self.kitchen(cloud.name, action.builder).refuse_changed(recipe, action.digests)
