"""What a roll acts on, made of a project, a cloud and a clock: what its performers need and no more."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from phoenix.clock import Clock
from phoenix.clouds.api import Cloud, Images
from phoenix.errors import RefusedError
from phoenix.execute import hooks
from phoenix.execute.boot_work import boot_script
from phoenix.execute.perform.roll import Roller
from phoenix.execute.perform.world import World
from phoenix.model import Health, Instance, MachineKind, Place, Release, Route
from phoenix.record.history import History
from phoenix.spec.project import Project
from phoenix.spec.services import Balancer, EnvironmentSpec, LocalBalancer, ServiceSpec
from phoenix.wait import Look, Verdict

if TYPE_CHECKING:  # the first request loads what speaks HTTP
    from phoenix.execute.probe import Probe


def of_service(
    project: Project,
    service: ServiceSpec,
    environment: EnvironmentSpec,
    cloud: Cloud,
    *,
    history: History,
    clock: Clock,
    ask: Probe,
) -> Roller:
    """What a roll of the service in the environment acts on."""
    health = service.health
    place = Place(service=service.name, environment=environment.name)
    world = World(
        project=project.name,
        place=place,
        cloud=cloud,
        traffic=cloud.traffic(place),
        history=history,
        clock=clock,
        user_data=partial(_user_data, project, cloud.images),
        run_hooks=hooks.runner(project.directory),
        ask=lambda route: asked(environment.load_balancer, health, route, clock, ask),
        ask_machine=lambda instance: asked_alone(cloud, health, instance, clock, ask),
    )
    return Roller(world=world)


def refuse_unfit(project: Project, cloud: Cloud, release: Release, machine: MachineKind) -> None:
    """RefusedError where no such machine of the cloud could be started with the release and its boot work."""
    cloud.groups.refuse_unfit(release, _boot_work(project, cloud.images, release, dict(release.settings)), machine)


def _user_data(project: Project, images: Images, kept: Release) -> str:
    """The boot work of a release, with the secrets that are read on this computer."""
    from phoenix.execute import secrets

    return _boot_work(project, images, kept, secrets.read(dict(kept.settings), project.directory))


def _boot_work(project: Project, images: Images, kept: Release, settings: Mapping[str, str]) -> str:
    from phoenix.tools.render import Renderer  # a rollback to a group that stands starts no machine

    image = images.find(kept.image)
    if image is None:
        raise RefusedError(
            f"the image {kept.image} is gone",
            details=f"release {kept.id} starts from it",
            resolution="Bake it again, then roll.",
        )
    return boot_script(kept, image.type, Renderer(project.directory).render, settings)


def asked_alone(cloud: Cloud, health: Health, instance: Instance, clock: Clock, ask: Probe) -> Look | None:
    """One request to the machine alone, to the path of its health check; None where it is out of reach from here."""
    if not cloud.abilities.here_only or not instance.address:
        return None
    return ask(f"http://{instance.address}{health.path}", clock=clock, status=health.status)


def asked(balancer: Balancer, health: Health, route: Route, clock: Clock, ask: Probe) -> Look:
    """One request to the service: where phoenix.yaml says, or at the address of this computer's own balancer.

    Where it says nothing of a cloud's balancer, nobody knows by which name it serves: its own view has to do.
    """
    address = route.address if isinstance(balancer, LocalBalancer) else balancer.address
    if address is None:
        return Look(verdict=Verdict.PASS, seen="the balancer shows the shares; no address is named to be asked")
    url = address if urlsplit(address).path else address + health.path
    return ask(url, clock=clock, status=health.status)
