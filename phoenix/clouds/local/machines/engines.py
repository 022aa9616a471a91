"""What a trial of a machine engine amounts to."""

from __future__ import annotations

from dataclasses import dataclass

MARKER = "phoenix: this engine works"
"""What a machine on trial says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """What a trial of one machine engine said."""

    name: str
    """`qemu-kvm`, `light`, `light-open` or `qemu-tcg`."""
    works: bool
    detail: str
    remedy: str = ""
    certain: bool = True
    """False where it could not be tried: it counts as not working, and is tried again next time."""
    unknown: bool = False
    """True where a trial failed at what may pass, as on a busy computer: nobody knows whether it works."""
