"""What a machine said."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.errors import SpecError
from phoenix.orders import places
from phoenix.orders.site import Site


@dataclass(frozen=True, kw_only=True, slots=True)
class LogsResult:
    """A machine's console, its boot work and its service's log, as far as they can be had."""

    instance: str
    logs: dict[str, str]


def logs(site: Site, instance: str) -> LogsResult:
    """What the machine said. SpecError where no group of a cloud with services has it."""
    known: list[str] = []
    for name in sorted({place.cloud for place in places.known(site)}):
        groups = site.cloud(name).groups
        machines = [machine.id for group in groups.list() for machine in group.instances]
        if instance in machines:
            return LogsResult(instance=instance, logs=dict(groups.logs(instance)))
        known += machines
    raise SpecError(
        f"there is no instance '{instance}'",
        details=f"instances: {', '.join(known) or 'none'}",
        resolution="Name one of these.",
    )
