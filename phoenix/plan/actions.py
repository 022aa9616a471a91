"""A plan is data: steps of frozen actions, the way back, and what comes after the commit point.

Each kind of plan has a closed union of actions. A plan can be printed, stored, compared and read back as
JSON; it holds no run ids and no times, so the same spec and the same world give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

from phoenix.debs import USUAL
from phoenix.model import ImageType, Package, Proof
from phoenix.stacks import Change
from phoenix.typed import adapter, to_data

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from phoenix.plan.roll_actions import RollAction

# Actions of a bake: one plan per layer -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildImage:
    """Make the image by its recipe, unverified and so unseen by rolls."""

    image: str
    type: ImageType
    name: str
    key: str
    parent: str | None
    base: str
    builder: str
    packages: tuple[Package, ...]
    fresh: bool = False
    """Start the lowest layer from the distribution's mirror itself, not from what is cached of it."""
    digests: tuple[tuple[str, str], ...] = ()
    """`content_key.digests` of the recipe that was planned: another one is not built under this key."""
    do: Literal["build-image"] = "build-image"


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyImage:
    """Start a machine of the image once and run its tests; then, and only then, make it visible to rolls."""

    image: str
    tests: tuple[str, ...]
    on: Proof = Proof.QEMU
    """What kind of machine."""
    do: Literal["verify-image"] = "verify-image"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteImage:
    """Remove the image."""

    image: str
    do: Literal["delete-image"] = "delete-image"


BakeAction = BuildImage | VerifyImage | DeleteImage

# Actions of a publication --------------------------------------------------------------------------------


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

# Actions of a stack --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyStack:
    """Let Terraform carry out exactly the plan that it has saved. What it did, nothing but another plan undoes."""

    stack: str
    file: str
    """Where the plan lies, on this computer."""
    changes: tuple[Change, ...]
    do: Literal["apply-stack"] = "apply-stack"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordOutputs:
    """Write down what the stack gives out now, for `${stack.NAME.OUTPUT}` in phoenix.yaml."""

    stack: str
    do: Literal["record-outputs"] = "record-outputs"


StackAction = ApplyStack | RecordOutputs

# Plans ---------------------------------------------------------------------------------------------------

A = TypeVar("A")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step(Generic[A]):
    """One action with its id (unique in its plan) and its deadline in seconds."""

    id: str
    action: A
    deadline: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan(Generic[A]):
    """What will be done, how it is undone, and what follows once it can no longer be undone.

    `back` is right from any point of `steps`. `cleanup` comes after the commit point and is never undone.
    """

    subject: str
    """What the plan is about: `web-tier/local`, `bake/local/foundation/nodejs/KEY` (`names.Subject`)."""
    why: str
    """The decision in a sentence, for the person who reads the plan."""
    steps: tuple[Step[A], ...] = ()
    back: tuple[Step[A], ...] = ()
    cleanup: tuple[Step[A], ...] = ()
    fingerprint: str = ""
    """Digest of the spec, identities and routes the plan was made for; a stale plan is refused."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What a person should know before it is carried out, a sentence or two each; another note makes no other plan."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.steps or self.cleanup)


def to_json(plan: Plan[Any]) -> dict[str, Any]:
    """The plan as JSON data: dicts, lists, strings and numbers."""
    kind: Any = type(plan)
    data: dict[str, Any] = to_data(adapter(kind), plan)
    return data


def roll_plan(data: object) -> Plan[RollAction]:
    """The roll's plan that `to_json` wrote; pydantic's ValidationError for anything else."""
    from phoenix.plan.roll_actions import RollAction

    plan: Plan[RollAction] = _plan_of(RollAction).validate_python(data)
    return plan


def bake_plan(data: object) -> Plan[BakeAction]:
    """The bake's plan that `to_json` wrote."""
    plan: Plan[BakeAction] = _plan_of(BakeAction).validate_python(data)
    return plan


def publish_plan(data: object) -> Plan[PublishAction]:
    """The publication's plan that `to_json` wrote."""
    plan: Plan[PublishAction] = _plan_of(PublishAction).validate_python(data)
    return plan


def stack_plan(data: object) -> Plan[StackAction]:
    """The stack's plan that `to_json` wrote."""
    plan: Plan[StackAction] = _plan_of(StackAction).validate_python(data)
    return plan


@cache
def _plan_of(actions: Any) -> TypeAdapter[Any]:
    """Reads plans of a closed union of actions, each told by what it does."""
    from pydantic import Field

    return adapter(Plan[Annotated[actions, Field(discriminator="do")]])


def fingerprint(parts: Iterable[str]) -> str:
    """A short digest of the parts, in their order."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
