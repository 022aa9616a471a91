"""The named port that a group is born with: the balancer asks its machines there, whatever number it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedPort:
    """A port of the machines of a group, as backend services call it."""

    name: str
    port: int

    def __str__(self) -> str:
        """As it stands in a launch template's `born_with`."""
        return f"named-port/{self.name}:{self.port}"


def found(born_with: Iterable[str]) -> tuple[NamedPort, ...]:
    """Those among what a group is born with (`Traffic.prepare`)."""
    told = (each.removeprefix("named-port/").partition(":") for each in born_with if each.startswith("named-port/"))
    return tuple(NamedPort(name=name, port=int(port)) for name, _colon, port in told)
