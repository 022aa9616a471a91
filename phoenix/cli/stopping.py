"""What `phoenix down` ends: machines, balancers and repository servers of one project on this computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix.clouds.local.cloud import LocalCloudDoor
from phoenix.errors import RefusedError
from phoenix.execute.ownership import describe, provably_dead
from phoenix.execute.repositories import root_of
from phoenix.spec.services import EnvironmentSpec, ServiceSpec
from phoenix.tools import serve

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring


def running_things(wiring: Wiring) -> list[str]:
    """What would be stopped, in words."""
    found: list[str] = []
    for door in _doors(wiring):
        found += [f"group {group.name} ({group.size} machines)" for group in door.groups.list()]
    for door, service, environment in _balanced(wiring):
        if door.traffic(service.name, environment.name).is_running():
            found.append(f"the balancer of {service.name}/{environment.name}")
    for name, spec in wiring.project.repositories.items():
        if serve.find(root_of(spec)) is not None:
            found.append(f"the server of the repository {name}")
    return found


def stop_all(wiring: Wiring) -> list[str]:
    """Stop it all; what was stopped. RefusedError while a run of this project lives."""
    living = [run for run in wiring.history.live() if not run.state.ended and not provably_dead(run.owner)]
    if living:
        raise RefusedError(
            "a run of this project is going on",
            details=describe(living[0]),
            resolution=f"Wait for it, or `phoenix abort {living[0].id}` first.",
        )
    stopped = running_things(wiring)
    for door, service, environment in _balanced(wiring):
        door.traffic(service.name, environment.name).stop()
    for door in _doors(wiring):
        for group in door.groups.list():
            door.groups.delete(group.name)
    for spec in wiring.project.repositories.values():
        serve.stop(root_of(spec))
    return stopped


def _doors(wiring: Wiring) -> list[LocalCloudDoor]:
    doors = [wiring.cloud(name) for name in wiring.project.local_clouds()]
    return [door for door in doors if isinstance(door, LocalCloudDoor)]


def _balanced(wiring: Wiring) -> list[tuple[LocalCloudDoor, ServiceSpec, EnvironmentSpec]]:
    found = []
    for service in wiring.project.services.values():
        for environment in service.environments.values():
            if environment.cloud in wiring.project.local_clouds():
                door = wiring.cloud(environment.cloud)
                assert isinstance(door, LocalCloudDoor)
                found.append((door, service, environment))
    return found
