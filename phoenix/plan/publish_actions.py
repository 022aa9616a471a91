"""What a publication does to a repository."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from phoenix.debs import USUAL
from phoenix.plan.actions import Plan, plans_of


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageFile:
    """A checked `.deb` file on this machine."""

    path: str
    name: str
    version: str
    architecture: str
    sha256: str

    def __str__(self) -> str:
        """Most are for amd64, or for every architecture: that is not worth a word."""
        return f"{self.name} {self.version}" + ("" if self.architecture in USUAL else f" ({self.architecture})")


@dataclass(frozen=True, kw_only=True, slots=True)
class AddPackages:
    """Put the files into the repository (not yet visible to machines)."""

    repository: str
    files: tuple[PackageFile, ...]
    do: Literal["add-packages"] = "add-packages"


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeSnapshot:
    """Freeze the repository's packages under the snapshot's name: a state that can be gone back to."""

    repository: str
    snapshot: str
    what: str = ""
    """How it differs from the state before, in a sentence; it stands in the history."""
    why: str = ""
    """The reason that was given."""
    of: str = ""
    """The former state whose packages it has again; empty where it has none's."""
    do: Literal["take-snapshot"] = "take-snapshot"


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchPublication:
    """Sign the snapshot and make it, in one switch, what machines see."""

    repository: str
    snapshot: str
    do: Literal["switch-publication"] = "switch-publication"


@dataclass(frozen=True, kw_only=True, slots=True)
class RemovePackages:
    """Take packages out of the repository (what machines see stays until the next switch)."""

    repository: str
    files: tuple[PackageFile, ...]
    do: Literal["remove-packages"] = "remove-packages"


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchState:
    """Make the repository hold exactly what the snapshot holds (what machines see stays until the next switch)."""

    repository: str
    snapshot: str
    do: Literal["match-state"] = "match-state"


@dataclass(frozen=True, kw_only=True, slots=True)
class DropStates:
    """Remove snapshots that machines do not see."""

    repository: str
    snapshots: tuple[str, ...]
    retire: bool = False
    """Whether they were states: the history remembers that they were, and the room of their packages is given back."""
    do: Literal["drop-states"] = "drop-states"


@dataclass(frozen=True, kw_only=True, slots=True)
class MakeKey:
    """Make another key beside the one that signs, by its fingerprint; from the next switch on both sign."""

    repository: str
    beside: str
    do: Literal["make-key"] = "make-key"


@dataclass(frozen=True, kw_only=True, slots=True)
class SetSigners:
    """Say which of the repository's own keys sign, oldest first, from the next switch on."""

    repository: str
    keys: tuple[str, ...]
    do: Literal["set-signers"] = "set-signers"


@dataclass(frozen=True, kw_only=True, slots=True)
class DropKeys:
    """Remove keys that no longer sign."""

    repository: str
    keys: tuple[str, ...]
    do: Literal["drop-keys"] = "drop-keys"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadBack:
    """Read the published index over HTTP until it shows these packages with these hashes."""

    repository: str
    files: tuple[PackageFile, ...]
    snapshot: str = ""
    """The state that it has to show, no package more or less; empty: whatever else it shows."""
    do: Literal["read-back"] = "read-back"


KeyAction = MakeKey | SetSigners | DropKeys
PublishAction = (
    AddPackages | TakeSnapshot | SwitchPublication | RemovePackages | MatchState | DropStates | KeyAction | ReadBack
)


def publish_plan(data: object) -> Plan[PublishAction]:
    """The publication's plan that `to_json` wrote."""
    plan: Plan[PublishAction] = plans_of(PublishAction).validate_python(data)
    return plan
