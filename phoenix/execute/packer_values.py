"""The values of a Packer template: what phoenix.yaml knows of a recipe on a cloud, and what it leaves open.

What is known becomes a variable's default. What is not becomes a variable without one, and gets a stand-in in
the file of values, so that `packer validate` passes and whoever builds sees what to fill in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phoenix import names
from phoenix.clouds.api import Template
from phoenix.spec.images import Recipe
from phoenix.spec.project import Project
from phoenix.tools import packer

KEY_DIGITS = 63
"""Of a content key in a label: a GCE label's value has at most 63 characters, a whole key has 64."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What an image is called: its id, its content key, and the id of the image it is baked on (empty: none)."""

    image_id: str
    key: str
    parent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Values:
    """`template`: what the template is rendered with. `stand_ins`: values for the variables that are left open."""

    template: Mapping[str, Any]
    stand_ins: Mapping[str, str]


def of(project: Project, recipe: Recipe, template: Template, identity: Identity | None) -> Values:
    """The values for `recipe` in a cloud's template. Raises SpecError for a value that Packer would read as code."""
    told = identity or Identity(
        image_id=names.image(project.name, recipe.image.type, recipe.image.name, "by-hand"), key="", parent=""
    )
    values = {
        "ref": f"{recipe.image} of {project.name}",
        "project": project.name,
        "type": str(recipe.image.type),
        "name": recipe.image.name,
        "vendor": recipe.parent is None,
        "plugin": template.plugin,
        "image_id": told.image_id,
        "key": told.key[:KEY_DIGITS],
        "parent": told.parent,
        **template.variables,
    }
    packer.refuse_code(values)
    unknown = (name for name, value in template.variables.items() if value is None)
    return Values(template=values, stand_ins={name: template.stand_ins[name] for name in unknown})
