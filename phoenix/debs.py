"""What an aptly repository holds, as frozen values."""

from __future__ import annotations

from collections.abc import Iterable
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


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What machines saw of a repository from a moment on: immutable, and who made it so, when, and why."""

    name: str
    number: int
    """0: before the first publication, when there was nothing."""
    at: str
    """When it was made, RFC 3339 in UTC."""
    who: str = ""
    host: str = ""
    run: str = ""
    what: str = ""
    """How it differs from the state before, in a sentence."""
    why: str = ""
    """The reason that was given."""
    of: str = ""
    """The former state whose packages it has again."""
    retired: str = ""
    """When its packages were given up, RFC 3339 in UTC; empty while it can be gone back to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """A package that somebody will install again, and who."""

    name: str
    version: str
    sha256: str
    who: str

    def of(self, debs: Iterable[Deb]) -> bool:
        """Whether it is among them, with the same contents."""
        return any((deb.name, deb.version, deb.sha256) == (self.name, self.version, self.sha256) for deb in debs)
