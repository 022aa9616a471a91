"""What an aptly repository holds, as frozen values, and the order of versions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_PART = re.compile(r"([^0-9]*)([0-9]*)")

VersionKey = tuple[int, tuple[tuple[tuple[int, ...], int], ...], tuple[tuple[tuple[int, ...], int], ...]]


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Deb:
    """A `.deb` as its control file, or an index, describes it."""

    name: str
    version: str
    architecture: str
    sha256: str


ANY = "all"
"""The architecture of what is for machines of every one."""
OF_MACHINES = ("amd64", "arm64")
"""Architectures of the machines that phoenix starts, as Debian calls them."""
USUAL = (ANY, OF_MACHINES[0])
"""Those that are not worth a word."""
ARCHITECTURES = (ANY, *OF_MACHINES)
"""What our repositories carry: what the machines of phoenix can install."""


def same_package(one: tuple[str, str, str], other: tuple[str, str, str]) -> bool:
    """Whether a machine would take one for the other: by name, version and architecture."""
    return one[:2] == other[:2] and (one[2] == other[2] or ANY in (one[2], other[2]))


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
    architectures: tuple[str, ...] = ARCHITECTURES
    """Those that it has an index for: settled when the distribution was first published."""
    behind: bool = False
    """Whether the bucket that shows it shows something else: a copy broke off, or there was none yet."""


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
    build_url: str = ""
    """The build and the commit that it was made for, as far as anybody said: this and the next four."""
    build_tag: str = ""
    git_commit: str = ""
    git_branch: str = ""
    change_author: str = ""
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


def version_key(version: str) -> VersionKey:
    """A key that sorts versions as dpkg does (Debian Policy 5.6.12): `1.2 < 1.10 < 2.0~rc1 < 2.0`."""
    epoch, colon, rest = version.partition(":")
    rest = rest if colon else version
    upstream, _dash, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")  # no revision is revision 0
    return (int(epoch) if colon else 0, _parts(upstream), _parts(revision))


def _parts(text: str) -> tuple[tuple[tuple[int, ...], int], ...]:
    """`text` as pairs of a non-digit and a number part, closed by the pair that the end of a version stands for."""
    pairs = [(characters, digits) for characters, digits in _PART.findall(text) if characters or digits]
    return (*((_weights(characters), int(digits or 0)) for characters, digits in pairs), ((0,), 0))


def _weights(characters: str) -> tuple[int, ...]:
    """A tilde sorts before the end (0), letters before everything else."""
    weights = (-1 if c == "~" else ord(c) if c.isalpha() else ord(c) + 256 for c in characters)
    return (*weights, 0)
