"""The `images` of `phoenix.yaml`: a recipe each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from phoenix.model import CloudKind, ImageType

Variable = str | int | float | bool | None | list["Variable"] | dict[str, "Variable"]
"""An Ansible variable: whatever JSON can say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageName:
    """`TYPE/NAME` of a recipe."""

    type: ImageType
    name: str

    def __str__(self) -> str:
        return f"{self.type}/{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageWish:
    """A package as the spec asks for it: the newest where `version` is None."""

    name: str
    version: str | None
    repository: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What an image is baked from: parent (or base), playbook with variables, packages, tests."""

    image: ImageName
    parent: ImageName | None
    """None for an `os` image, which starts from `base`."""
    base: Mapping[CloudKind, str]
    playbook: str | None
    variables: Mapping[str, Variable]
    packages: tuple[PackageWish, ...]
    tests: tuple[str, ...]
    max_age: float | None
    """Seconds after which the image is baked again even if nothing changed."""
