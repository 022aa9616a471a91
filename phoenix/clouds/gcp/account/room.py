"""Whether there is room on Google Cloud for the machines that a roll starts beside those that serve. Looks only.

Quotas are told with what is used of them, so what lacks is certain; so is a firewall that lets no health check in,
without which the new group never becomes healthy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from phoenix.clouds.api import Need
from phoenix.clouds.gcp.account import machine_types, network, quotas
from phoenix.clouds.gcp.account.places import Served
from phoenix.clouds.gcp.calls import Lists
from phoenix.errors import CloudError
from phoenix.manner import Finding, State
from phoenix.model import CloudMachine
from phoenix.spec.clouds import GcpCloud

_Look = Callable[[GcpCloud, Lists, CloudMachine, Need, Served | None], Iterator[Finding]]


def findings(spec: GcpCloud, calls: Lists, need: Need, place: Served | None) -> tuple[Finding, ...]:
    """Network, firewall, machine type, quotas. What phoenix may not look at, or gets no answer to, is a note.

    `place`: the service's environment as phoenix.yaml has it; None where it has it no longer.
    """
    machine = need.machine
    if not isinstance(machine, CloudMachine):
        return ()
    looks: dict[str, _Look] = {"network": _network, "quotas": _quotas}
    found: list[Finding] = []
    for subject, look in looks.items():
        try:
            found += look(spec, calls, machine, need, place)
        except CloudError as error:
            found.append(Finding(state=State.NOTE, subject=subject, found=f"not seen: {error.details or error.brief}"))
    return tuple(found)


def _network(
    spec: GcpCloud, calls: Lists, _machine: CloudMachine, need: Need, place: Served | None
) -> Iterator[Finding]:
    found = network.read(spec, calls)
    yield from network.where(spec, found, need.machines + need.live)
    if found is not None and place is not None:
        yield from network.probes(spec, found, place.target, what=place.name, regional=place.is_regional)


def _quotas(spec: GcpCloud, calls: Lists, machine: CloudMachine, need: Need, place: Served | None) -> Iterator[Finding]:
    named = place.environment.zones if place else ()
    zones = named or machine_types.zones(calls, spec.region)
    kind = machine_types.read(calls, machine.type, zones)
    yield from machine_types.finding(kind, zones, named=bool(named))
    told = quotas.read(spec, calls)
    wanted = [*quotas.of_machines(machine, kind.cpus, need.machines, told), *(place.groups(1) if place else ())]
    yield from quotas.beside(spec, told, wanted)
