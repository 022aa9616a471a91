"""The form of `images`: a recipe of each type."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from phoenix.model import CloudKind, ImageType
from phoenix.spec.form.fields import CommandLine, Duration, Form, Name, Packages, Playbook, Setting, Word
from phoenix.spec.form.repositories import Suite
from phoenix.spec.images import ImageName, Recipe


class BaseForm(Form):
    """What the lowest layer starts from, by the kind of cloud."""

    local: Suite | None = Field(
        default=None, description="Debian suite that is bootstrapped from the mirror: bookworm.", examples=["bookworm"]
    )
    gcp: Word | None = Field(
        default=None, description="Image or family: debian-cloud/debian-12.", examples=["debian-cloud/debian-12"]
    )
    aws: Word | None = Field(
        default=None,
        description="OWNER/NAME-PATTERN of the newest AMI, or ami-ID.",
        examples=["136693071363/debian-12-amd64-*"],
    )

    def read(self) -> dict[CloudKind, str]:
        """The frozen value."""
        given = {CloudKind.LOCAL: self.local, CloudKind.GCP: self.gcp, CloudKind.AWS: self.aws}
        return {kind: base for kind, base in given.items() if base is not None}


class RecipeForm(Form):
    """What an image is baked from."""

    playbook: Playbook | None = Field(
        default=None, description="File in playbooks/ of the project or of phoenix.", examples=["nodejs.yml"]
    )
    variables: dict[Setting, Any] = Field(
        default={}, description="Ansible variables of the playbook.", examples=[{"timezone": "Etc/UTC"}]
    )
    packages: Packages = Field(
        default=[], description="Packages from the repositories of this file.", examples=[["hello"]]
    )
    tests: list[CommandLine] = Field(
        default=[], description="Commands that must end with 0 in the booted image.", examples=[["node --version"]]
    )
    max_age: Duration | None = Field(
        default=None,
        description="An older image is baked again even if nothing changed; no age is too old.",
        examples=["7d"],
    )

    def recipe(
        self, image: ImageName, parent: ImageName | None, base: dict[CloudKind, str], repositories: tuple[str, ...]
    ) -> Recipe:
        """The frozen value of a recipe with this parent and base."""
        return Recipe(
            image=image,
            parent=parent,
            base=base,
            playbook=self.playbook,
            variables=self.variables,
            packages=tuple(package.read(repositories) for package in self.packages),
            tests=tuple(self.tests),
            max_age=self.max_age,
        )


class OsForm(RecipeForm):
    """The lowest layer: a system, hardened, on the vendor's base image or a bootstrap."""

    base: BaseForm = Field(
        description="What it starts from on each kind of cloud.",
        examples=[{"local": "bookworm", "gcp": "debian-cloud/debian-12"}],
    )

    def read(self, name: str, repositories: tuple[str, ...]) -> Recipe:
        """The frozen value."""
        return self.recipe(ImageName(type=ImageType.OS, name=name), None, self.base.read(), repositories)


class FoundationForm(RecipeForm):
    """The middle layer: a stack (node.js, tomcat, ...) on an os image."""

    os: Name = Field(description="Name of the os image below.", examples=["debian-12"])

    def read(self, name: str, repositories: tuple[str, ...]) -> Recipe:
        """The frozen value."""
        parent = ImageName(type=ImageType.OS, name=self.os)
        return self.recipe(ImageName(type=ImageType.FOUNDATION, name=name), parent, {}, repositories)


class ImmutableForm(RecipeForm):
    """The highest layer: everything in it, nothing left to do at boot."""

    foundation: Name | None = Field(
        default=None, description="Name of the foundation image below.", examples=["nodejs"]
    )
    os: Name | None = Field(
        default=None, description="Name of the os image below, where there is no foundation.", examples=["debian-12"]
    )

    def read(self, name: str, repositories: tuple[str, ...]) -> Recipe:
        """The frozen value."""
        kind, below = (ImageType.FOUNDATION, self.foundation) if self.foundation else (ImageType.OS, self.os)
        parent = ImageName(type=kind, name=below or "")
        return self.recipe(ImageName(type=ImageType.IMMUTABLE, name=name), parent, {}, repositories)


class ImagesForm(Form):
    """Recipes by type and name."""

    os: dict[Name, OsForm] = Field(
        default={}, description="Lowest layer.", examples=[{"debian-12": {"base": {"local": "bookworm"}}}]
    )
    foundation: dict[Name, FoundationForm] = Field(
        default={}, description="Middle layer.", examples=[{"nodejs": {"os": "debian-12", "playbook": "nodejs.yml"}}]
    )
    immutable: dict[Name, ImmutableForm] = Field(
        default={}, description="Highest layer.", examples=[{"hello": {"foundation": "nodejs", "packages": ["hello"]}}]
    )

    def read(self, repositories: tuple[str, ...]) -> dict[ImageName, Recipe]:
        """The frozen values, lowest layer first."""
        layers = (self.os, self.foundation, self.immutable)
        recipes = [form.read(name, repositories) for layer in layers for name, form in layer.items()]
        return {recipe.image: recipe for recipe in recipes}
