"""The package that brings a foundation's playbook to machines of type os, which run it themselves at boot.

A playbook tree does not fit into a cloud's user-data (AWS takes 16 KiB), so it travels as `phoenix-boot-KEY`
through the repository that the machine installs its app from. KEY is a digest of the tree.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from phoenix.errors import SpecError
from phoenix.execute import workspace
from phoenix.execute.boot_work import BOOT_DIRECTORY
from phoenix.spec.images import Recipe
from phoenix.spec.project import Project
from phoenix.tools import deb
from phoenix.tools.deb import Control

VERSION = "1"
"""Always the same: another content is another name."""


def build(project: Project, foundation: Recipe, directory: Path) -> Path:
    """Build the package for the playbook of `foundation` in the empty `directory`; the `.deb` file."""
    if foundation.playbook is None:
        raise SpecError(
            f"{foundation.image} has no playbook to run at boot",
            details="a service on an os image gets its stack by its foundation's playbook",
            resolution="Give the recipe a `playbook`, or take `foundation` out of the service.",
        )
    tree = directory / "tree"
    files = workspace.lay_out_boot(project.directory, foundation.playbook, foundation.variables, tree)
    digest = hashlib.sha256()
    for name in files:
        digest.update(f"{name}\0{hashlib.sha256((tree / name).read_bytes()).hexdigest()}\0".encode())
    name = f"phoenix-boot-{digest.hexdigest()[:12]}"
    control = Control(
        name=name,
        version=VERSION,
        description=f"the playbook of {foundation.image}, run by machines at their first boot",
        depends=("ansible-core",),
    )
    return deb.build(tree, f"{BOOT_DIRECTORY}/{name}", control, directory)
