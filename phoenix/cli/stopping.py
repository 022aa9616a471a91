"""What `phoenix down` ends: machines, balancers and repository servers of one project on this computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix.cli.places import is_here
from phoenix.clouds.local.cloud import LocalCloudDoor
from phoenix.clouds.local.traffic import LocalTraffic
from phoenix.errors import RefusedError
from phoenix.execute.ownership import OwnedRun, describe, provably_dead
from phoenix.execute.repositories import root_of
from phoenix.model import Place
from phoenix.record.journal import Run, RunState, What
from phoenix.tools import serve

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring


def running_things(wiring: Wiring) -> list[str]:
    """What would be stopped, in words."""
    found: list[str] = []
    for door in _doors(wiring):
        found += [f"group {group.name} ({group.size} machines)" for group in door.groups.list()]
    for name, traffic in _balancers(wiring):
        if traffic.is_running():
            found.append(f"the balancer of {name}")
    for name, spec in wiring.project.repositories.items():
        if serve.find(root_of(spec)) is not None:
            found.append(f"the server of the repository {name}")
    return found + [f"the run {run.id} ({run.state})" for run in _runs_here(wiring)]


def stop_all(wiring: Wiring) -> list[str]:
    """Stop it all; what was stopped. RefusedError while a run of this project lives."""
    living = [run for run in _runs_here(wiring) if _lives(run)]
    if living:
        raise RefusedError(
            "a run of this project is going on",
            details=describe(living[0]),
            resolution=f"Wait for it, or `phoenix abort {living[0].id}` first.",
        )
    stopped = running_things(wiring)
    for door in _doors(wiring):
        door.stop()
    for spec in wiring.project.repositories.values():
        serve.stop(root_of(spec))
    for run in _runs_here(wiring):
        _end_run(wiring, run)
    return stopped


def _runs_here(wiring: Wiring) -> list[Run]:
    """The runs that go on, are held or stuck, and are about this computer's machines."""
    return [run for run in wiring.history.live() if is_here(wiring, run)]


def _lives(run: Run) -> bool:
    waits = run.state.ended or run.state in (RunState.HELD, RunState.STUCK)
    return not waits and not provably_dead(run.owner)


def _end_run(wiring: Wiring, run: Run) -> None:
    """A run without a process, held or stuck, has nothing left to go back to: it ends with its machines."""
    owned = OwnedRun.take_over(wiring.store, wiring.clock, run.subject, wiring.session.out.say, only=run.id)
    if owned is not None:
        owned.end(RunState.UNDONE, owned.event(What.NOTE, data={"text": "ended by `phoenix down`"}))


def _doors(wiring: Wiring) -> list[LocalCloudDoor]:
    doors = [wiring.cloud(name) for name in wiring.project.local_clouds()]
    return [door for door in doors if isinstance(door, LocalCloudDoor)]


def _balancers(wiring: Wiring) -> list[tuple[str, LocalTraffic]]:
    """Every balancer of the project with its name: those of phoenix.yaml, and those it no longer has."""
    found: list[tuple[str, LocalTraffic]] = []
    for door in _doors(wiring):
        known = {
            f"{service.name}-{environment.name}": (service.name, environment.name)
            for service in wiring.project.services.values()
            for environment in service.environments.values()
            if environment.cloud == door.name
        }
        found += [
            ("/".join(place), door.traffic(Place(service=place[0], environment=place[1]))) for place in known.values()
        ]
        there = sorted(path.name for path in door.balancers.iterdir()) if door.balancers.is_dir() else []
        found += [(name, door.left_behind(name)) for name in there if name not in known]
    return found
