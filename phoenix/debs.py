"""What an aptly repository holds, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Deb:
    """A `.deb` as its control file, or an index, describes it."""

    name: str
    version: str
    architecture: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryState:
    """An aptly repository: what is in it, and what machines see of it."""

    packages: tuple[Deb, ...] = ()
    snapshots: tuple[str, ...] = ()
    published: str | None = None
    """The snapshot that machines see; None before the first publication."""
    visible: tuple[Deb, ...] = ()
    """What is in that snapshot."""
    signed: bool = False
    """Whether the publication is signed."""
