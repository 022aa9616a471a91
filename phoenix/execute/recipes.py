"""Recipes as they are today: the exact ingredients of every layer of an image, with its content key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from phoenix.errors import RefusedError, SpecError
from phoenix.execute import recipe_files
from phoenix.execute.reach import Playbooks
from phoenix.model import Package
from phoenix.plan.bake import Layer
from phoenix.plan.content_key import Digests, Ingredients, content_key, digests
from phoenix.spec.images import ImageName, PackageWish, Recipe
from phoenix.spec.project import Project
from phoenix.tools import ansible_core

if TYPE_CHECKING:
    from phoenix.clouds.api import Cloud

Resolve = Callable[[tuple[PackageWish, ...]], tuple[Package, ...]]
"""Makes wishes exact by reading the repositories; RefusedError where a package is not there."""


@dataclass(frozen=True, kw_only=True)
class Kitchen:
    """Where recipes are read for one cloud and builder: every file once, when it is first needed."""

    project: Project
    cloud: Cloud
    builder: str
    resolve: Resolve

    @cached_property
    def playbooks(self) -> Playbooks:
        """The project's playbooks, as they were when they were first asked for."""
        return Playbooks.of(self.project.directory)

    @cached_property
    def _template(self) -> str:
        template = recipe_files.template_digest(self.project.directory, self.cloud.template(base=None, parent=None))
        return recipe_files.with_builder(template, self.builder)

    def lineage(self, image: ImageName) -> tuple[Layer, ...]:
        """The layers from the lowest up to `image`, each with its key. Reads files and repositories; changes nothing.

        SpecError where a playbook or the base is not there or is no YAML, RefusedError where a package is not there.
        """
        layers: tuple[Layer, ...] = ()
        for recipe in self.project.lineage(image):
            layers = (*layers, self._layer(recipe, layers[-1].key if layers else None))
        return layers

    def _layer(self, recipe: Recipe, parent_key: str | None) -> Layer:
        packages = self.resolve(recipe.packages) if recipe.packages else ()
        base = "" if recipe.parent else self.cloud.images.base(self._base(recipe))
        ingredients = Ingredients(
            image=recipe.image,
            base=base,
            files=recipe_files.recipe_files(self.playbooks, recipe),
            template=self._template,
            variables=recipe.variables,
            packages=packages,
            tests=recipe.tests,
            builder=self.builder,
            ansible=ansible_core.version(),
        )
        read = digests(ingredients.files, ingredients.template, ingredients.variables, ingredients.ansible)
        key = content_key(ingredients, parent_key)
        return Layer(recipe=recipe, key=key, base=base, packages=packages, digests=read)

    def refuse_changed(self, recipe: Recipe, planned: Digests) -> None:
        """RefusedError where the recipe's files are no longer those that were planned.

        Said by a kitchen that is made after they were laid out: what was copied is then what was planned, whenever
        somebody edited it.
        """
        files = recipe_files.recipe_files(self.playbooks, recipe)
        today = digests(files, self._template, recipe.variables, ansible_core.version())
        other = [kind for kind, digest in planned if dict(today).get(kind) != digest]
        if other:
            raise RefusedError(
                f"the recipe of {recipe.image} has changed since its bake was planned",
                details=f"other now: {', '.join(other)}; the image would bear the key of other contents",
                resolution="Nothing was baked of it. Bake again: today's recipe gets a key of its own.",
            )

    def _base(self, recipe: Recipe) -> str:
        kind = self.project.cloud(self.cloud.name).kind
        base = recipe.base.get(kind)
        if base is None:
            raise SpecError(
                f"{recipe.image} has no base for a cloud of kind {kind}",
                details=f"{self.project.file}: images.{recipe.image.type}.{recipe.image.name}.base.{kind}",
                resolution="Say what it starts from there, such as `base: {local: bookworm}`.",
            )
        return base
