"""The only place that picks concrete classes: the store, the clouds, and an engine per kind of plan."""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix.cli.session import Session
from phoenix.clock import SystemClock
from phoenix.errors import RefusedError
from phoenix.model import CloudKind, Observed, Package, Place, Release
from phoenix.spec.clouds import LocalCloud

if TYPE_CHECKING:  # what an engine is made of is loaded when one is made: a bake that is a hit makes none
    from phoenix.clouds.api import Cloud
    from phoenix.execute.engine import Engine
    from phoenix.execute.perform.world import World
    from phoenix.execute.repositories import Writer
    from phoenix.plan.actions import BakeAction, BuildImage, PublishAction
    from phoenix.plan.roll_actions import RollAction
    from phoenix.record.history import History
    from phoenix.record.store import Store
    from phoenix.spec.images import PackageWish
    from phoenix.spec.project import Project
    from phoenix.spec.services import EnvironmentSpec, ServiceSpec


class Wiring:
    """What a command works with, made when it is first asked for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.clock = SystemClock()
        self.tending = False
        """Whether this process works on no run of its own: what is left under its name was given up by it."""
        self._clouds: dict[str, Cloud] = {}

    @property
    def project(self) -> Project:
        """The project; SpecError where phoenix.yaml has mistakes."""
        return self.session.project

    @cached_property
    def store(self) -> Store:
        """The project's state: a bucket, or a file in the state directory. SpecError where it names no bucket."""
        if "://" in self.project.state:
            from phoenix.record.objects import ObjectStore

            return ObjectStore.open(self.project.state, self.session.environment)
        from phoenix.record.sqlite import SqliteStore

        return SqliteStore(self.project.state_directory / "state.db")

    @cached_property
    def history(self) -> History:
        """What the record remembers."""
        from phoenix.record.history import History

        return History(self.store)

    @property
    def run_logs(self) -> Path:
        """The directory with a directory of files per run."""
        return self.project.state_directory / "runs"

    def cloud(self, name: str) -> Cloud:
        """The cloud of that name; RefusedError for a kind that this version cannot work on."""
        if name not in self._clouds:
            self._clouds[name] = self._open(name)
        return self._clouds[name]

    def observed(self, service: ServiceSpec, environment: EnvironmentSpec) -> Observed:
        """The service in the environment, as it is now."""
        from phoenix import observe

        cloud = self.cloud(environment.cloud)
        return observe.service(cloud, Place(service=service.name, environment=environment.name), self.history)

    def roll_engine(self, service: ServiceSpec, environment: EnvironmentSpec) -> Engine[RollAction]:
        """The engine for rolls, rollbacks and burning of one service in one environment."""
        from phoenix.execute.engine import Engine
        from phoenix.execute.perform.roll import holds, owes, perform, waits

        world = self.world(service, environment)
        return Engine(
            perform=partial(perform, world),
            waits=waits,
            holds=holds,
            owes=owes,
            changes_traffic=True,
            clock=self.clock,
            logs=self.run_logs,
            say=self.session.out.say,
        )

    @cached_property
    def writers(self) -> dict[str, Writer]:
        """The right to write to each repository, by its name."""
        from phoenix.execute.repositories import Writer

        specs = self.project.repositories
        return {name: Writer(spec, clock=self.clock, say=self.session.out.say) for name, spec in specs.items()}

    def publish_engine(self) -> Engine[PublishAction]:
        """The engine for publications into any repository of the project."""
        from phoenix.execute.engine import Engine, never, nothing
        from phoenix.execute.perform import publish

        world = publish.World(writers=self.writers, clock=self.clock)
        return Engine(
            perform=world.perform,
            waits=publish.waits,
            holds=never,
            owes=nothing,
            changes_traffic=False,
            clock=self.clock,
            logs=self.run_logs,
            say=self.session.out.say,
        )

    def bake_engine(self, cloud: str) -> Engine[BakeAction]:
        """The engine for bakes on one cloud."""
        from phoenix.execute.engine import Engine, never, nothing
        from phoenix.execute.perform import bake
        from phoenix.tools import git

        world = bake.World(
            images=self.cloud(cloud).images,
            clock=self.clock,
            lay_out=lambda action, directory: self._lay_out(cloud, action, directory),
            source=lambda: git.source_of(self.project.directory),
        )
        return Engine(
            perform=world.perform,
            waits=bake.waits,
            holds=never,
            owes=nothing,
            changes_traffic=False,
            clock=self.clock,
            logs=self.run_logs,
            say=self.session.out.say,
        )

    def exact_packages(self, wishes: tuple[PackageWish, ...], *, dry: bool) -> tuple[Package, ...]:
        """The exact package for each wish, read from the repositories. They are served for it, unless `dry`.

        RefusedError where nothing was published yet, or a package is not there.
        """
        from phoenix.execute import release
        from phoenix.execute.repositories import ensure_served, repository_here

        for name in dict.fromkeys(wish.repository for wish in wishes):
            repository_here(self.project.repository(name))
            if not dry:
                ensure_served(self.project.repository(name), clock=self.clock, say=self.session.out.say)
        return release.packages(self.project, wishes)

    def _lay_out(self, cloud: str, action: BuildImage, directory: Path) -> None:
        """Write the recipe of the image that `action` makes into `directory`."""
        from phoenix.execute import workspace
        from phoenix.execute.boot_work import pin
        from phoenix.execute.packer_values import Identity
        from phoenix.execute.repositories import ensure_served, repository_for_machines, repository_here
        from phoenix.spec.images import ImageName

        specs = [self.project.repository(name) for name in dict.fromkeys(p.repository for p in action.packages)]
        for spec in specs:
            ensure_served(spec, clock=self.clock, say=self.session.out.say)
        reached = (
            repository_here
            if action.builder == "chroot"
            else partial(repository_for_machines, reached=self.cloud(cloud).url_for_machines)
        )
        workspace.lay_out(
            self.project,
            self.project.recipe(ImageName(type=action.type, name=action.name)),
            self.project.cloud(cloud),
            directory,
            identity=Identity(image_id=action.image, key=action.key, parent=action.parent or ""),
            packages=tuple(pin(package) for package in action.packages),
            repositories=tuple(reached(spec) for spec in specs),
        )

    def world(self, service: ServiceSpec, environment: EnvironmentSpec) -> World:
        """What a roll of the service acts on."""
        from phoenix.execute import hooks
        from phoenix.execute.perform.world import World
        from phoenix.execute.probe import probe

        health = service.health
        cloud = self.cloud(environment.cloud)
        place = Place(service=service.name, environment=environment.name)
        return World(
            project=self.project.name,
            place=place,
            cloud=cloud,
            traffic=cloud.traffic(place),
            history=self.history,
            clock=self.clock,
            user_data=lambda release: self._user_data(cloud, release),
            run_hooks=hooks.runner(self.project.directory),
            ask=lambda route: probe(route.address + health.path, clock=self.clock, status=health.status),
        )

    def _user_data(self, cloud: Cloud, release: Release) -> str:
        from phoenix.execute.boot_work import boot_script
        from phoenix.tools.render import Renderer

        image = cloud.images.find(release.image)
        if image is None:
            raise RefusedError(
                f"the image {release.image} is gone",
                details=f"release {release.id} starts from it",
                resolution="Bake it again, then roll.",
            )
        return boot_script(release, image.type, Renderer(self.project.directory).render)

    def _open(self, name: str) -> Cloud:
        spec = self.project.cloud(name)
        if isinstance(spec, LocalCloud):
            from phoenix.clouds.local.cloud import LocalCloudDoor

            return LocalCloudDoor(self.project, spec)
        raise RefusedError(
            f"the cloud '{name}' cannot be used by this version",
            details=f"it is of kind {spec.kind}; this version works on {CloudKind.LOCAL} and renders for all kinds",
            resolution=f"Use a cloud of kind {CloudKind.LOCAL}, or run what `phoenix render` writes by hand.",
        )
