"""The manners of clouds in memory: so that an engine that fits only one of them fails before the next is written."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.manner import Abilities, BootSeen, DrainedBy, Manner, PreviewBy


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of cloud in memory: what it says of itself, and how it behaves. Times in seconds."""

    name: str
    abilities: Abilities
    manner: Manner
    boots: float = 0.0
    """Until a machine that was started answers."""
    replaces_after: float = 0.0
    """Until a dead machine is replaced, where it heals."""
    drains: float = 0.0
    """How long a machine that was ended is LEAVING."""
    by_group: bool = False
    """Whether the balancer knows the machines of a group by itself once the group is attached."""
    shows_at_once: bool = False
    """Whether the balancer shows new shares while requests still go the former way."""
    checks_version: bool = True
    """Whether a shift that was decided on another route is refused."""
    busy: bool = False
    """Whether others write to the same route: the first shift of a kind always comes too late."""
    lags: tuple[float, ...] = (0.0,)
    """How long a shift may take until it is in effect."""
    born_with: str = ""
    """What a group has to be made with."""

    def __str__(self) -> str:
        return self.name


LOCAL = Kind(
    name="local",
    abilities=Abilities(
        builders=("chroot", "packer"),
        proofs=("light", "qemu"),
        boot=BootSeen.TOLD,
        heals=False,
        autoscaler=False,
        zones=False,
        here_only=True,
        near=("chroot",),
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
    lags=(0.0, 0.0, 0.5, 3.0),
)
AWS = Kind(
    name="aws-like",
    abilities=Abilities(
        builders=("packer",),
        proofs=(),
        boot=BootSeen.CONSOLE,
        heals=True,
        autoscaler=True,
        zones=True,
        here_only=False,
        alarms=True,
    ),
    manner=Manner(
        exact_shares=True,
        drain=DrainedBy.MANAGER,
        preview=PreviewBy.HEADER,
        settles=10.0,
        quick=120.0,
        create=600.0,
        look=2.0,
        damped=True,
    ),
    boots=3.0,
    replaces_after=4.0,
    drains=5.0,
    by_group=True,
    shows_at_once=True,
    checks_version=False,
    lags=(0.0, 4.0, 9.0),
    born_with="target-group",
)
GCP = Kind(
    name="gcp-like",
    abilities=Abilities(
        builders=("packer",),
        proofs=(),
        boot=BootSeen.CONSOLE,
        heals=True,
        autoscaler=True,
        zones=True,
        here_only=False,
    ),
    manner=Manner(
        exact_shares=False,
        drain=DrainedBy.MANAGER,
        preview=PreviewBy.HOST,
        settles=6.0,
        quick=120.0,
        create=600.0,
        look=1.5,
    ),
    boots=4.0,
    replaces_after=3.0,
    drains=4.0,
    by_group=True,
    busy=True,
    lags=(1.0, 3.0),
    born_with="named-port",
)
KINDS = (LOCAL, AWS, GCP)
FOREIGN = "legacy"
"""A group that phoenix did not make, on every cloud."""
