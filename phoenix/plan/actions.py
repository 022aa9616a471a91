"""A plan is data: steps of frozen actions, the way back, and what comes after the commit point.

Each kind of plan has a closed union of actions. A plan can be printed, stored, compared and read back as
JSON; it holds no run ids and no times, so the same spec and the same world give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field, TypeAdapter

from phoenix.model import Health, ImageType, Machine, Package, Release

# Actions of a roll ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchLive:
    """A size as a rule, resolved on a fresh read when its step runs: the live group's size, or `at_least`."""

    at_least: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateGroup:
    """Make the group with its release and attach it to the balancer at share 0."""

    group: str
    release: Release
    size: MatchLive
    machine: Machine
    port: int
    health: Health
    do: Literal["create-group"] = "create-group"


@dataclass(frozen=True, kw_only=True, slots=True)
class EnsureSize:
    """Make an existing group at least as large as the rule says."""

    group: str
    size: MatchLive
    do: Literal["ensure-size"] = "ensure-size"


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitHealthy:
    """Wait until every instance has finished its boot work and passes the balancer's health check, steadily."""

    group: str
    health: Health
    do: Literal["wait-healthy"] = "wait-healthy"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunHooks:
    """Run the commands of one point of the roll, in order. `digests` are their files' SHA-256."""

    point: Literal["before_traffic", "after_traffic", "on_abort"]
    group: str
    commands: tuple[str, ...]
    timeouts: tuple[float, ...]
    digests: tuple[str, ...]
    do: Literal["run-hooks"] = "run-hooks"


@dataclass(frozen=True, kw_only=True, slots=True)
class SetTraffic:
    """Give the groups their shares in one write, then read them back from the balancer."""

    shares: tuple[tuple[str, int], ...]
    do: Literal["set-traffic"] = "set-traffic"


@dataclass(frozen=True, kw_only=True, slots=True)
class Drain:
    """Wait until the balancer says that the group (share 0) has no request under way, at most `seconds`."""

    group: str
    seconds: float
    do: Literal["drain"] = "drain"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepGroup:
    """Label the former group: ready to take traffic back for `seconds`, then `tend` burns it. None: no label."""

    group: str
    seconds: float | None
    do: Literal["keep-group"] = "keep-group"


@dataclass(frozen=True, kw_only=True, slots=True)
class SaveLogs:
    """Copy the console, boot and service log of the group's instances into the run's record."""

    group: str
    do: Literal["save-logs"] = "save-logs"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteGroup:
    """Detach the group from the balancer and end its machines; refused while it has a share."""

    group: str
    do: Literal["delete-group"] = "delete-group"


RollAction = CreateGroup | EnsureSize | WaitHealthy | RunHooks | SetTraffic | Drain | KeepGroup | SaveLogs | DeleteGroup

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
    do: Literal["build-image"] = "build-image"


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyImage:
    """Boot the image once and run its tests; then, and only then, make it visible to rolls."""

    image: str
    tests: tuple[str, ...]
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
        return f"{self.name} {self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class AddPackages:
    """Put the files into the repository (not yet visible to machines)."""

    repository: str
    files: tuple[PackageFile, ...]
    do: Literal["add-packages"] = "add-packages"


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeSnapshot:
    """Freeze the repository's packages under the snapshot's name."""

    repository: str
    snapshot: str
    do: Literal["take-snapshot"] = "take-snapshot"


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchPublication:
    """Sign the snapshot and make it, in one switch, what machines see."""

    repository: str
    snapshot: str
    do: Literal["switch-publication"] = "switch-publication"


@dataclass(frozen=True, kw_only=True, slots=True)
class RemovePackages:
    """Take packages out of the repository again (the way back of AddPackages)."""

    repository: str
    files: tuple[PackageFile, ...]
    do: Literal["remove-packages"] = "remove-packages"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadBack:
    """Read the published index over HTTP until it shows exactly these packages with these hashes."""

    repository: str
    files: tuple[PackageFile, ...]
    do: Literal["read-back"] = "read-back"


PublishAction = AddPackages | TakeSnapshot | SwitchPublication | RemovePackages | ReadBack

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
    """What the plan is about: `web-tier/local`, `local/foundation/nodejs`, `repository/main`."""
    why: str
    """The decision in a sentence, for the person who reads the plan."""
    steps: tuple[Step[A], ...] = ()
    back: tuple[Step[A], ...] = ()
    cleanup: tuple[Step[A], ...] = ()
    fingerprint: str = ""
    """Digest of the spec, identities and routes the plan was made for; a stale plan is refused."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.steps or self.cleanup)


RollPlan = Plan[Annotated[RollAction, Field(discriminator="do")]]
BakePlan = Plan[Annotated[BakeAction, Field(discriminator="do")]]
PublishPlan = Plan[Annotated[PublishAction, Field(discriminator="do")]]


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_json(plan: Plan[Any]) -> dict[str, Any]:
    """The plan as JSON data: dicts, lists, strings and numbers."""
    data: dict[str, Any] = TypeAdapter(type(plan)).dump_python(plan, mode="json")
    return data


def roll_plan(data: object) -> Plan[RollAction]:
    """The roll's plan that `to_json` wrote; pydantic's ValidationError for anything else."""
    plan: Plan[RollAction] = _adapter(RollPlan).validate_python(data)
    return plan


def bake_plan(data: object) -> Plan[BakeAction]:
    """The bake's plan that `to_json` wrote."""
    plan: Plan[BakeAction] = _adapter(BakePlan).validate_python(data)
    return plan


def publish_plan(data: object) -> Plan[PublishAction]:
    """The publication's plan that `to_json` wrote."""
    plan: Plan[PublishAction] = _adapter(PublishPlan).validate_python(data)
    return plan


def fingerprint(parts: Iterable[str]) -> str:
    """A short digest of the parts, in their order."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
