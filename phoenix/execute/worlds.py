"""The worlds that plans act on, made of a project, a cloud and a clock: what the performers need and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from phoenix.clock import Clock
from phoenix.clouds.api import Cloud, Images
from phoenix.errors import RefusedError
from phoenix.execute import hooks, workspace
from phoenix.execute.boot_work import boot_script, pin
from phoenix.execute.packer_values import Identity
from phoenix.execute.perform import bake, publish
from phoenix.execute.perform.roll import Roller
from phoenix.execute.perform.world import World
from phoenix.execute.probe import Probe
from phoenix.execute.recipes import Kitchen
from phoenix.execute.repositories import Writer, repository_for_machines, repository_here
from phoenix.model import Place, Release
from phoenix.plan.actions import BuildImage
from phoenix.record.history import History
from phoenix.spec.images import ImageName
from phoenix.spec.project import Project
from phoenix.spec.services import EnvironmentSpec, ServiceSpec
from phoenix.tools import git
from phoenix.tools.render import Renderer


@dataclass(frozen=True, kw_only=True, slots=True)
class Works:
    """What every world of a project is made of."""

    project: Project
    clock: Clock
    serve: Callable[[Iterable[str]], None]
    """Sees that machines reach these repositories of the project."""
    kitchen: Callable[[str, str], Kitchen]
    """Where recipes are read anew, for a cloud and a builder."""

    def of_service(
        self, service: ServiceSpec, environment: EnvironmentSpec, cloud: Cloud, history: History, ask: Probe
    ) -> Roller:
        """What a roll of the service in the environment acts on."""
        health = service.health
        place = Place(service=service.name, environment=environment.name)
        world = World(
            project=self.project.name,
            place=place,
            cloud=cloud,
            traffic=cloud.traffic(place),
            history=history,
            clock=self.clock,
            user_data=partial(self._user_data, cloud.images),
            run_hooks=hooks.runner(self.project.directory),
            ask=lambda route: ask(route.address + health.path, clock=self.clock, status=health.status),
        )
        return Roller(world=world)

    def of_images(self, cloud: Cloud) -> bake.World:
        """What a bake on the cloud acts on."""
        return bake.World(
            images=cloud.images,
            clock=self.clock,
            lay_out=partial(self._lay_out, cloud),
            source=lambda: git.source_of(self.project.directory),
        )

    def of_repositories(self, writers: Mapping[str, Writer]) -> publish.World:
        """What publications act on."""
        return publish.World(writers=writers, clock=self.clock)

    def _user_data(self, images: Images, kept: Release) -> str:
        """The boot work of a release."""
        image = images.find(kept.image)
        if image is None:
            raise RefusedError(
                f"the image {kept.image} is gone",
                details=f"release {kept.id} starts from it",
                resolution="Bake it again, then roll.",
            )
        return boot_script(kept, image.type, Renderer(self.project.directory).render)

    def _lay_out(self, cloud: Cloud, action: BuildImage, directory: Path) -> None:
        """Write the recipe of the image that `action` makes into `directory`: the planned one, or RefusedError."""
        specs = [self.project.repository(name) for name in dict.fromkeys(p.repository for p in action.packages)]
        self.serve(spec.name for spec in specs)
        reached = (
            repository_here
            if action.builder == "chroot"
            else partial(repository_for_machines, reached=cloud.url_for_machines)
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
