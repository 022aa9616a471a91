"""Which machines stand behind emulated instances, and what a machine of Google Cloud is told beyond any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.emulators.machines import kinds
from tests.emulators.machines.kinds import Kind

OWN: Mapping[str, str] = {
    "none": kinds.NAMED["told"],
    "light": "tests.emulators.gcp.light_machines:LightMachines",
}
"""Kinds of machines by a name that only this cloud knows."""


@dataclass(frozen=True, kw_only=True)
class Launch(kinds.Launch):
    """One machine that is wanted, by instances.insert or by a managed group. Its image is the path of one."""

    project: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What its metadata server gives out under `instance/attributes`; asked anew each time, so it may change."""
    service_account: str = ""
    """The address of its service account; empty where it has none."""
    network_tags: tuple[str, ...] = ()


def kind(name: str) -> Kind:
    """The kind of machines of that name. ValueError for one that does not look like a name."""
    return kinds.kind(name, OWN)
