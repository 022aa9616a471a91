"""The whole of `phoenix.yaml` as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from phoenix.errors import SpecError
from phoenix.model import Proof
from phoenix.spec.clouds import CloudSpec
from phoenix.spec.images import ImageName, Recipe
from phoenix.spec.repositories import RepositorySpec
from phoenix.spec.services import EnvironmentSpec, ServiceSpec
from phoenix.spec.stacks import StackSpec

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """One `phoenix.yaml`. All paths are absolute."""

    name: str
    directory: Path
    """Where `phoenix.yaml` lies."""
    file: Path
    state: str
    """A directory, or `s3://...`, `gs://...`."""
    state_is_shared: bool
    clouds: Mapping[str, CloudSpec]
    repositories: Mapping[str, RepositorySpec]
    recipes: Mapping[ImageName, Recipe]
    services: Mapping[str, ServiceSpec]
    stacks: Mapping[str, StackSpec]
    clouds_stand_on: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """What each cloud refers to of stacks, by name: `stack.NAME.OUTPUT`, and what it came to."""

    @property
    def state_directory(self) -> Path:
        """Where this machine keeps logs, and the state itself unless it stands in a bucket."""
        local = self.directory / ".phoenix" if "://" in self.state else Path(self.state)
        return self.directory / local

    def service(self, name: str) -> ServiceSpec:
        """The service of that name; SpecError naming those there are."""
        return _pick("service", name, self.services)

    def recipe(self, image: ImageName) -> Recipe:
        """The recipe of `TYPE/NAME`; SpecError naming those there are."""
        if image not in self.recipes:
            raise _unknown("image", str(image), [str(i) for i in self.recipes])
        return self.recipes[image]

    def cloud(self, name: str) -> CloudSpec:
        """The cloud of that name; SpecError naming those there are."""
        return _pick("cloud", name, self.clouds)

    def repository(self, name: str) -> RepositorySpec:
        """The repository of that name; SpecError naming those there are."""
        return _pick("repository", name, self.repositories)

    def stack(self, name: str) -> StackSpec:
        """The stack of that name; SpecError naming those there are."""
        return _pick("stack", name, self.stacks)

    def environment(self, service: ServiceSpec, name: str | None) -> EnvironmentSpec:
        """The service's environment `name`; without a name its only one; SpecError naming those there are."""
        if name is None and len(service.environments) == 1:
            return next(iter(service.environments.values()))
        if name is None:
            raise SpecError(
                f"{service.name} has several environments",
                details="environments: " + ", ".join(sorted(service.environments)),
                resolution="Say which one with -e.",
            )
        return _pick(f"environment of {service.name}", name, service.environments)

    def lineage(self, image: ImageName) -> tuple[Recipe, ...]:
        """The recipes from the lowest layer up to `image`."""
        recipe = self.recipe(image)
        below = self.lineage(recipe.parent) if recipe.parent else ()
        return (*below, recipe)

    def clouds_using(self, image: ImageName) -> tuple[str, ...]:
        """The clouds with an environment whose service uses `image`, itself or through a descendant."""
        users = [s for s in self.services.values() if any(r.image == image for r in self.lineage(s.image))]
        return tuple(sorted({e.cloud for s in users for e in s.environments.values()}))

    def verifications(self, image: ImageName, cloud: str) -> frozenset[Proof | None]:
        """How the environments on `cloud` want the image verified that use it, themselves or through a descendant."""
        users = [s for s in self.services.values() if any(r.image == image for r in self.lineage(s.image))]
        return frozenset(e.verify for s in users for e in s.environments.values() if e.cloud == cloud)


def _unknown(noun: str, name: str, known: list[str]) -> SpecError:
    return SpecError(
        f"there is no {noun} '{name}'",
        details=f"phoenix.yaml has: {', '.join(sorted(known)) or 'none'}",
        resolution=f"Name one of these, or add the {noun} to phoenix.yaml.",
    )


def _pick(noun: str, name: str, known: Mapping[str, T]) -> T:
    if name not in known:
        raise _unknown(noun, name, list(known))
    return known[name]
