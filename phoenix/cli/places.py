"""Which service and environment a run or a group is about, also after they were taken out of phoenix.yaml.

What they left behind still has to be aborted, burnt and stopped. A stand-in holds what that needs and no more.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from phoenix.errors import RefusedError
from phoenix.model import Group, Health, ImageType, Machine
from phoenix.plan.actions import roll_plan
from phoenix.plan.roll_actions import CreateGroup
from phoenix.record.journal import Run
from phoenix.spec import refs
from phoenix.spec.images import ImageName
from phoenix.spec.services import BlueGreen, EnvironmentSpec, Hooks, LocalBalancer, ServiceSpec, Size

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring

Place = tuple[ServiceSpec, EnvironmentSpec]

DRAIN = 30.0
"""Seconds for requests under way where phoenix.yaml no longer says it."""


def subject_of(service: ServiceSpec, environment: EnvironmentSpec) -> str:
    """The key under which a service in an environment has one run at a time."""
    return f"{service.name}/{environment.name}"


def place_of_run(wiring: Wiring, run: Run) -> Place:
    """The service and environment of a run that changes groups.

    RefusedError where phoenix.yaml no longer has them and no cloud of it has a group of theirs.
    """
    name, _, environment = run.subject.partition("/")
    service = wiring.project.services.get(name)
    if service is not None and environment in service.environments:
        return service, service.environments[environment]
    for cloud in wiring.project.local_clouds():
        for group in wiring.cloud(cloud).groups.list():
            if (group.service, group.environment) == (name, environment):
                return _stand_in(wiring, cloud, name, environment, _image(group))
    created = [step.action for step in roll_plan(run.plan).steps if isinstance(step.action, CreateGroup)]
    if len(wiring.project.local_clouds()) == 1 and created:
        cloud = wiring.project.local_clouds()[0]
        return _stand_in(wiring, cloud, name, environment, created[0].release.image_ref)
    raise RefusedError(
        f"phoenix.yaml does not say where {run.subject} is",
        details=f"{wiring.project.file} has no such service and environment, and no cloud of it has a group of theirs",
        resolution="Say it again from a checkout that has them.",
    )


def is_here(wiring: Wiring, run: Run) -> bool:
    """Whether what the run works on can be reached from this computer.

    A state in a bucket is shared by many computers; machines and images of a local cloud are on one of them.
    """
    if "://" not in wiring.project.state or run.owner.host == socket.gethostname():
        return True
    if run.kind == "publish":
        return False
    cloud = run.subject.split("/")[1] if run.kind == "bake" else place_of_run(wiring, run)[1].cloud
    return cloud not in wiring.project.local_clouds()


def refuse_elsewhere(wiring: Wiring, run: Run) -> None:
    """RefusedError where the run is about machines of another computer."""
    if not is_here(wiring, run):
        raise RefusedError(
            f"{run.subject} is on another computer",
            details=f"{run.id} was begun on {run.owner.host}; a local cloud's machines are where it runs",
            resolution=f"Say it on {run.owner.host}; `phoenix unlock` gives the run up.",
        )


def forgotten(wiring: Wiring) -> list[Place]:
    """Services and environments that have groups on a cloud where phoenix.yaml no longer has them."""
    clouds = wiring.project.local_clouds()
    return [place for cloud in clouds for place in forgotten_among(wiring, cloud, wiring.cloud(cloud).groups.list())]


def forgotten_among(wiring: Wiring, cloud: str, groups: tuple[Group, ...]) -> list[Place]:
    """Those that `groups`, just read from `cloud`, belong to."""
    found: dict[tuple[str, str], Group] = {}
    for group in groups:
        if not _is_known(wiring, cloud, group):
            found.setdefault((group.service, group.environment), group)
    return [_stand_in(wiring, cloud, *key, _image(group)) for key, group in found.items()]


def _is_known(wiring: Wiring, cloud: str, group: Group) -> bool:
    service = wiring.project.services.get(group.service)
    environment = service.environments.get(group.environment) if service else None
    return environment is not None and environment.cloud == cloud


def _image(group: Group) -> str:
    return group.release.image_ref if group.release else ""


def _stand_in(wiring: Wiring, cloud: str, name: str, environment: str, image_ref: str) -> Place:
    where = EnvironmentSpec(
        name=environment,
        cloud=cloud,
        size=Size(minimum=1, maximum=1),
        machine=Machine(),
        load_balancer=LocalBalancer(listen=""),
        strategy=BlueGreen(keep=0.0),
    )
    known = wiring.project.services.get(name)
    service = known or ServiceSpec(
        name=name,
        image=refs.parse(image_ref).image or ImageName(type=ImageType.IMMUTABLE, name=name),
        packages=(),
        settings={},
        port=0,
        health=Health(),
        drain=DRAIN,
        min_healthy=None,
        hooks=Hooks(),
        orphan="abort",
        environments={environment: where},
    )
    return service, where
