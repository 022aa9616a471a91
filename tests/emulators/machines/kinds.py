"""What stands behind an emulated instance: a machine, as an emulator asks for it.

An emulator keeps what its cloud says of an instance (state, labels, network interfaces); a kind of machines keeps what
runs. `told` runs nothing, `instant` is an HTTP server on a loopback address, `light` a light machine that boots. A kind
is chosen by name when an emulator is started: one of these, or `package.module:Class` of any class with `Kind`'s shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol

NAMED = {
    "told": "tests.emulators.machines.told:Told",
    "instant": "tests.emulators.machines.instant:Instant",
}


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One machine that is wanted; a cloud's own `Launch` has more, for its metadata service."""

    id: str
    """Of the instance: no other has it, nor ever had."""
    image: str
    """The image's id. An image that no machine was made into (see `Machines.save`) is the vendor's."""
    name: str = ""
    """What the instance calls itself; empty where that is its id."""
    type: str = ""
    region: str = ""
    zone: str = ""
    group: str = ""
    """The managed group that launches it; empty for one that somebody launches."""
    public: bool = True
    """Whether a public address is wanted. The machine's address is then both its private and its public one."""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Check:
    """A health check, as far as a machine is concerned."""

    port: int
    path: str = "/"
    timeout: float = 5.0
    """Seconds."""
    host: str = ""
    """The Host header; empty for the address itself, as a balancer does it."""
    agent: str = ""
    """The User-Agent header; empty for none."""


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
        """Whether its system has come up so far that the cloud calls it running (no word about the service in it)."""
        ...

    def probe(self, machine: str, check: Check) -> Probed:
        """Ask it as a balancer does. Called from a thread of its own, beside other calls."""
        ...

    def console(self, machine: str) -> str:
        """All that it has written to its serial console."""
        ...

    def stop(self, machine: str) -> None:
        """End its system in order, as by its power button; its disk stays. Returns when it has ended."""
        ...

    def kill(self, machine: str) -> None:
        """Off at once, as by a power cut; its disk stays."""
        ...

    def start(self, machine: str) -> None:
        """Start a stopped one again, with the same address."""
        ...

    def terminate(self, machine: str) -> None:
        """End it and remove its disk."""
        ...

    def save(self, machine: str, image: str) -> None:
        """Make its disk as it is now into an image; a running one is stopped and started again.

        An OSError says that it could not be done: the image is then a failed one.
        """
        ...

    def copy(self, image: str, to: str) -> None:
        """Make `to` an image of the same contents."""
        ...

    def forget(self, image: str) -> None:
        """Remove what is kept of an image, as soon as no machine needs it."""
        ...

    def close(self) -> None:
        """End all machines and remove all images; afterwards it is as new, for the next test."""
        ...


class Kind(Protocol):
    """A class of machines."""

    def __call__(self, **options: str) -> Machines:
        """Machines, with what `Emulator(options=...)` gives."""
        ...


def kind(name: str, own: Mapping[str, str]) -> Kind:
    """The kind of machines of that name, `own` are a cloud's. ValueError for one that does not look like a name."""
    known = {**NAMED, **own}
    module, colon, of_class = known.get(name, name).partition(":")
    if not colon:
        raise ValueError(f"no kind of machines: {name}; known are {', '.join(known)} and package.module:Class")
    found: Kind = getattr(import_module(module), of_class)
    return found
