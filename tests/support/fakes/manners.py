"""The manners of clouds in memory: so that an engine that fits only one of them fails before the next is written."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.manner import Abilities, BootSeen, DrainedBy, Manner, PreviewBy


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of cloud in memory."""

    name: str
    abilities: Abilities
    manner: Manner

    def __str__(self) -> str:
        return self.name


LOCAL = Kind(
    name="local",
    abilities=Abilities(
        builders=("chroot", "packer"),
        boot=BootSeen.TOLD,
        heals=False,
        autoscaler=False,
        zones=False,
        here_only=True,
    ),
    manner=Manner(
        exact_shares=True,
        drain=DrainedBy.REQUESTS,
        preview=PreviewBy.ADDRESS,
        settles=0.0,
        quick=60.0,
        create=300.0,
        look=0.2,
    ),
)
