"""Machine types as zones sell them: not every zone of a region has every one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from phoenix.clouds.gcp import links
from phoenix.clouds.gcp.calls import Asks
from phoenix.manner import Finding, State


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineType:
    """A type where machines of it are to run."""

    name: str
    cpus: int
    """vCPUs; 0 where no zone has it."""
    lacking: tuple[str, ...]
    """The zones that do not have it."""


def zones(calls: Asks, region: str) -> tuple[str, ...]:
    """The region's, sorted."""
    answer = calls.ask("regions", region=region, fields="zones")
    return tuple(sorted(links.name_of(str(each)) for each in answer.get("zones", ())))


def read(calls: Asks, name: str, wanted: Iterable[str]) -> MachineType:
    """What the zones say of it, in one call for each."""
    fields = "guestCpus"
    said = {zone: calls.find("machineTypes", zone=zone, machineType=name, fields=fields) for zone in wanted}
    there = [each for each in said.values() if each is not None]
    return MachineType(
        name=name,
        cpus=max((int(each.get("guestCpus", 0)) for each in there), default=0),
        lacking=tuple(zone for zone, each in said.items() if each is None),
    )


def finding(kind: MachineType, wanted: tuple[str, ...], *, named: bool) -> Iterator[Finding]:
    """Whether machines of it can start there; `named`: phoenix.yaml names the zones, so that each has to have it."""
    if not kind.lacking:
        return
    lacks = named or len(kind.lacking) == len(wanted)
    remedy = "Name another one in `machine.type` of the environment, or zones that have it in its `zones`."
    found = f"{', '.join(kind.lacking)} {'has' if len(kind.lacking) == 1 else 'have'} no {kind.name}"
    yield Finding(state=State.LACK if lacks else State.NOTE, subject="machine type", found=found, remedy=remedy)
