"""The content key of an image: a digest over everything that can change what its bake gives and that we can see.

Two recipes with the same key give the same image, so a key that is there need not be baked again. The chain
is closed by the parent's key: what changes below changes everything above. The tests count, too: they are
what an image was proven by, and a new test must be run before the image is rolled. What does not count: when
files were written, how phoenix.yaml is laid out, where a package was fetched from, the name of the project.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from phoenix.model import Package
from phoenix.spec.images import ImageName, Variable

RECIPE_SCHEMA = 2
"""Raised whenever phoenix itself begins to make something else out of the same recipe."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingredients:
    """All that decides what the bake of one layer gives, except the layer below."""

    image: ImageName
    base: str
    """What the lowest layer starts from: mirror, suite and digest on local, an image id elsewhere; else empty."""
    files: Mapping[str, str]
    """SHA-256 of the contents of every file that counts for the playbook, by path in the workspace."""
    template: str
    """SHA-256 of the Packer template's contents."""
    variables: Mapping[str, Variable]
    packages: tuple[Package, ...]
    tests: tuple[str, ...]
    builder: str
    ansible: str
    """The version of ansible-core."""


def content_key(ingredients: Ingredients, parent_key: str | None) -> str:
    """The key, 64 hexadecimal digits. `parent_key` is None for the lowest layer."""
    counted = {
        "schema": RECIPE_SCHEMA,
        "parent": parent_key,
        "image": str(ingredients.image),
        "base": ingredients.base,
        "files": dict(ingredients.files),
        "template": ingredients.template,
        "variables": dict(ingredients.variables),
        "packages": sorted((package.name, package.version, package.sha256) for package in ingredients.packages),
        "tests": ingredients.tests,
        "builder": ingredients.builder,
        "ansible": ingredients.ansible,
    }
    canonical = json.dumps(counted, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


Digests = tuple[tuple[str, str], ...]
"""What of a recipe is read again when its image is built, by kind, with a short digest each."""


def digests(files: Mapping[str, str], template: str, variables: Mapping[str, Variable], ansible: str) -> Digests:
    """Digests of those ingredients that a build reads from the project's files, as `Ingredients` has them."""
    counted = {"playbooks": dict(files), "template": template, "variables": dict(variables), "ansible-core": ansible}
    texts = {kind: json.dumps(each, sort_keys=True) for kind, each in counted.items()}
    return tuple((kind, hashlib.sha256(text.encode()).hexdigest()[:16]) for kind, text in texts.items())
