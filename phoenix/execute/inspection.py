"""What `phoenix validate` looks at besides phoenix.yaml: the project's own templates and playbooks."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from phoenix.errors import SpecError
from phoenix.spec.project import Project

Say = Callable[[str], None]


def inspect(project: Project, say: Say) -> tuple[str, ...]:
    """Everything that is wrong, one text each: `FILE:LINE: WHAT`. Changes nothing; `say` hears of what takes long."""
    return (*_templates(project), *_playbooks(project, say))


def _templates(project: Project) -> Iterator[str]:
    """Mistakes of the project's own templates, which stand in for shipped ones of the same name."""
    from phoenix.tools.render import Renderer

    folder = project.directory / "templates"
    renderer = Renderer(project.directory)
    for file in sorted(folder.rglob("*.j2")):
        try:
            renderer.digest(str(file.relative_to(folder)))
        except SpecError as error:
            yield error.details or error.brief


def _playbooks(project: Project, say: Say) -> Iterator[str]:
    """Mistakes of the playbooks that recipes name, as Ansible reads them with the recipe's variables."""
    from phoenix.execute.workspace import lay_out_boot
    from phoenix.tools import ansible

    for recipe in project.recipes.values():
        if recipe.playbook is None:
            continue
        say(f"reading {recipe.playbook} for {recipe.image}")
        with tempfile.TemporaryDirectory(prefix="phoenix-validate-") as name:
            workspace = Path(name)
            try:
                lay_out_boot(project.directory, recipe.playbook, recipe.variables, workspace / ansible.PLAYBOOKS)
                ansible.syntax_check(workspace)
            except SpecError as error:
                yield f"images.{recipe.image}: {error.details or error.brief}"
