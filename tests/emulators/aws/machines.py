"""What stands behind an emulated EC2 instance: a machine, as the emulator asks for it.

The emulator keeps what AWS says of an instance (state, tags, network interfaces); a kind of machines keeps what runs.
`Told` runs nothing, `Instant` an HTTP server on a loopback address; others may boot a real system. A kind is chosen
when the emulator is started, by name: `told`, `instant`, or `package.module:Class` of any class with `Kind`'s shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol

NAMED = {
    "told": "tests.emulators.aws.told:Told",
    "instant": "tests.emulators.aws.instant:Instant",
    "light": "tests.emulators.aws.light_machines:LightMachines",
}


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One machine that is wanted, as RunInstances or an Auto Scaling group asks for it."""

    id: str
    """The instance's id, `i-...`."""
    image: str
    """The AMI's id. An AMI that no machine was made into (see `Machines.save`) is the vendor's base image."""
    user_data: bytes = b""
    """Decoded, as the metadata service of the instance gives it out."""
    key: str = ""
    """The public key of the instance's key pair in OpenSSH's form; empty where it has none."""
    public: bool = True
    """Whether a public address is wanted. The machine's address is then both its private and its public one."""
    type: str = "t3.micro"
    region: str = "eu-west-1"
    zone: str = "eu-west-1a"
    group: str = ""
    """The Auto Scaling group that launches it; empty for RunInstances."""
    profile: str = ""
    """The ARN of its instance profile; empty where it has none."""
    tokens_only: bool = False
    """Whether its metadata service wants a session token (IMDSv2 only)."""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Check:
    """The health check of a target group, as far as a machine is concerned."""

    port: int
    path: str = "/"
    timeout: float = 5.0
    """Seconds."""
    host: str = ""
    """The Host header; empty for the address itself, as a balancer does it."""


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What came back: a status of HTTP, or no answer and why."""

    status: int | None
    error: str = ""
    """`timed out`, `refused` or other words, where there is no status."""


class Machines(Protocol):
    """The machines of one emulator. Every verb is called by one thread at a time, but for `probe`.

    An id that is not known, or is gone, is no error: `probe` finds no answer, `console` is empty, an end is done.
    """

    @property
    def real(self) -> bool:
        """Whether machines answer by themselves: then they are probed again and again, in the background."""
        ...

    def launch(self, wanted: Launch) -> str | None:
        """Start a machine; its IPv4 address, or None: the emulator makes one up. Returns at once; it boots meanwhile.

        An OSError says that it could not be started: the launch fails as one without capacity.
        """
        ...

    def ready(self, machine: str) -> bool:
        """Whether its system has come up so far that AWS' own checks of it pass (no word about the service in it)."""
        ...

    def probe(self, machine: str, check: Check) -> Probed:
        """Ask it as a balancer does. Called from a thread of its own, beside other calls."""
        ...

    def console(self, machine: str) -> str:
        """All that it has written to its serial console; what GetConsoleOutput gives."""
        ...

    def stop(self, machine: str) -> None:
        """End its system in order, as StopInstances does; its disk stays. Returns when it has ended."""
        ...

    def start(self, machine: str) -> None:
        """Start a stopped one again, with the same address."""
        ...

    def terminate(self, machine: str) -> None:
        """End it and remove its disk."""
        ...

    def save(self, machine: str, image: str) -> None:
        """Make its disk as it is now into the AMI `image` (CreateImage); a running one is stopped and started again.

        An OSError says that it could not be done: the AMI is then `failed`.
        """
        ...

    def copy(self, image: str, to: str) -> None:
        """Make `to` an AMI of the same contents (CopyImage)."""
        ...

    def forget(self, image: str) -> None:
        """Remove what is kept of an AMI (DeregisterImage), as soon as no machine needs it."""
        ...

    def close(self) -> None:
        """End all machines and remove all images; afterwards it is as new, for the next test."""
        ...


class Kind(Protocol):
    """A class of machines."""

    def __call__(self, **options: str) -> Machines:
        """Machines, with what `Emulator(options=...)` gives."""
        ...


def kind(name: str) -> Kind:
    """The kind of machines of that name. ValueError for one that does not look like a name."""
    module, colon, of_class = NAMED.get(name, name).partition(":")
    if not colon:
        raise ValueError(f"no kind of machines: {name}; known are {', '.join(NAMED)} and package.module:Class")
    found: Kind = getattr(import_module(module), of_class)
    return found
