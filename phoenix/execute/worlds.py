"""The worlds that plans act on, made of a project, a cloud and a clock: what the performers need and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

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
from phoenix.model import Health, Place, Release, Route
from phoenix.plan.actions import BuildImage
from phoenix.record.history import History
from phoenix.spec.images import ImageName
from phoenix.spec.project import Project
from phoenix.spec.services import Balancer, EnvironmentSpec, LocalBalancer, ServiceSpec
from phoenix.tools import git
from phoenix.tools.render import Renderer
from phoenix.wait import Look, Verdict


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
            ask=lambda route: asked(environment.load_balancer, health, route, self.clock, ask),
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

    def refuse_unfit(self, cloud: Cloud, release: Release) -> None:
        """RefusedError where no machine of the cloud could be started with the boot work of the release."""
        cloud.groups.refuse_unfit(release, self._user_data(cloud.images, release))

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


def asked(balancer: Balancer, health: Health, route: Route, clock: Clock, ask: Probe) -> Look:
    """One request to the service: where phoenix.yaml says, or at the address of this computer's own balancer.

    Where it says nothing of a cloud's balancer, nobody knows by which name it serves: its own view has to do.
    """
    address = route.address if isinstance(balancer, LocalBalancer) else balancer.address
    if address is None:
        return Look(verdict=Verdict.PASS, seen="the balancer shows the shares; no address is named to be asked")
    url = address if urlsplit(address).path else address + health.path
    return ask(url, clock=clock, status=health.status)
