"""The way into a machine: on this computer a program, elsewhere the cloud's own command."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.clock import rfc3339
from phoenix.errors import PhoenixError, SpecError
from phoenix.execute.ownership import user
from phoenix.orders import clouds
from phoenix.orders.site import Site


@dataclass(frozen=True, kw_only=True, slots=True)
class WayIn:
    """What gets into the machine. `here`: it is run by this computer; else it is for a person to say."""

    instance: str
    cloud: str
    command: tuple[str, ...]
    here: bool


def way_in(site: Site, instance: str, words: tuple[str, ...] = (), *, terminal: bool = False) -> WayIn:
    """The way in; `words` are run there, else a shell. Changes nothing.

    SpecError where no group has the machine, RefusedError where nobody can get into it.
    """
    known: list[str] = []
    trouble: PhoenixError | None = None
    for cloud in site.project.clouds:
        try:
            machines = [machine for group in site.cloud(cloud).groups.list() for machine in group.instances]
        except PhoenixError as error:
            trouble = trouble or error
            continue
        found = next((machine for machine in machines if machine.id == instance), None)
        if found is not None:
            command, here = clouds.way_in(site.project, cloud, found, words, terminal=terminal)
            return WayIn(instance=instance, cloud=cloud, command=command, here=here)
        known += [machine.id for machine in machines]
    if trouble is not None:
        raise trouble
    raise SpecError(
        f"there is no instance '{instance}'",
        details=f"instances: {', '.join(known) or 'none'}",
        resolution="Name one of these.",
    )


def go_in(site: Site, way: WayIn) -> int:
    """Run the way into a machine of this computer to its end; its exit code. The machine bears who was inside."""

    def who() -> str:
        return f"{user()} at {rfc3339(site.clock.now())}"

    return clouds.go_in(site.project, way.cloud, way.instance, way.command, who)
