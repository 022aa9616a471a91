"""What a bake does: one plan per layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from phoenix.model import ImageType, Package, Proof
from phoenix.plan.actions import Plan, plans_of


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
    """Start the lowest layer from what the distribution's mirror has now: it is asked whether the cached is that."""
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


def bake_plan(data: object) -> Plan[BakeAction]:
    """The bake's plan that `to_json` wrote."""
    plan: Plan[BakeAction] = plans_of(BakeAction).validate_python(data)
    return plan
