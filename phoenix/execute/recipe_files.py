"""What the content key of a recipe counts of files: playbooks and template. Nothing is written here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from phoenix import data
from phoenix.clouds.api import Template
from phoenix.execute import ansible_cfg
from phoenix.execute.reach import Playbooks
from phoenix.spec.images import Recipe
from phoenix.tools import ansible_core, template_files

APP = "app.yml"
"""The playbook that installs a recipe's packages."""
UNSEAL, SEAL = "unseal.yml", "seal.yml"
"""The playbooks that every bake begins and ends with."""


def playbooks_of(recipe: Recipe) -> tuple[str, ...]:
    """What the recipe runs, in order, between `UNSEAL` and `SEAL`."""
    own = (recipe.playbook,) if recipe.playbook else ()
    return own if APP in own or not recipe.packages else (*own, APP)


def reached(playbooks: Playbooks, recipe: Recipe) -> frozenset[str]:
    """The paths of the playbook files that a bake of `recipe` reaches.

    Raises SpecError where the recipe's playbook is not there or no YAML.
    """
    return playbooks.reached((UNSEAL, *playbooks_of(recipe), SEAL), recipe.variables)


def recipe_files(playbooks: Playbooks, recipe: Recipe) -> Mapping[str, str]:
    """SHA-256 of every file that a bake of `recipe` reaches, by path: what the content key counts.

    Where the project's ansible.cfg names directories, the configuration of the bake is one of them: of two roles of one
    name the order decides. `playbooks` are the project's. Raises SpecError where the recipe's playbook is not there or
    no YAML.
    """
    files = playbooks.digests(reached(playbooks, recipe))
    if not playbooks.searched:  # then it is the same for all, and a part of phoenix
        return files
    written = ansible_cfg.for_a_bake(playbooks.searched)
    return {**files, ansible_core.CONFIGURATION: hashlib.sha256(written.encode()).hexdigest()}


def template_digest(project: Path, template: Template) -> str:
    """SHA-256 of the file of a Packer template, and of what it includes."""
    return template_files.digest(template.file, project)


def with_builder(digest: str, builder: str) -> str:
    """`digest` with what the builder puts into the system that it bakes in, where it does; else as it is."""
    directory = data.path("templates", "builders", builder)
    files = sorted(path for path in directory.rglob("*") if path.is_file()) if directory.is_dir() else []
    if not files:
        return digest
    both = hashlib.sha256(digest.encode())
    for file in files:
        both.update(f"\0{file.relative_to(directory)}\0".encode() + file.read_bytes())
    return both.hexdigest()
