"""The mistakes in the playbooks of all recipes, found in as few processes of Ansible as possible: mostly one.

One process reads the playbooks of all recipes, each given its variables as a playbook gives them to what it imports.
It ends at the first mistake that it meets. Then the recipes that reach the file with that mistake are read one by one,
their variables as a bake gives them, which decides; the others go on together.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from phoenix.errors import SpecError
from phoenix.execute import vault, workspace
from phoenix.execute.reach import Playbooks
from phoenix.spec.images import ImageName
from phoenix.spec.project import Project
from phoenix.tools import ansible

Reached = dict[ImageName, frozenset[str]]
"""The paths that each recipe's playbook reaches."""


def mistakes(project: Project, say: Callable[[str], None]) -> tuple[str, ...]:
    """One text for each mistake: the images that it concerns, then `FILE:LINE: WHY`. `say` hears of what takes long."""
    try:
        playbooks = Playbooks.of(project.directory)
    except SpecError as error:
        return (error.details,)
    check = _Check(project, playbooks, say)
    check.files()
    check.ansible()
    return tuple(f"{', '.join(f'images.{image}' for image in images)}: {what}" for what, images in check.told.items())


class _Check:
    """A check under way. `told` are the mistakes so far, each with its images."""

    def __init__(self, project: Project, playbooks: Playbooks, say: Callable[[str], None]) -> None:
        self.told: dict[str, list[ImageName]] = {}
        self._project = project
        self._playbooks = playbooks
        self._say = say
        self._sound: Reached = {}

    def files(self) -> None:
        """Find the playbooks that are not there, the files that are no YAML, and what no recipe may do."""
        for recipe in self._project.recipes.values():
            if recipe.playbook is None:
                continue
            try:
                paths = self._playbooks.reached((recipe.playbook,), recipe.variables)
            except SpecError as error:
                self._tell(error.details, recipe.image)
                continue
            broken = tuple(self._playbooks.mistakes(paths))
            locked = vault.missing(self._project.directory, self._playbooks.encrypted(paths))
            for what in (*broken, *self._playbooks.forbidden(paths), *locked):
                self._tell(what, recipe.image)
            if not broken:
                self._sound[recipe.image] = paths

    def ansible(self) -> None:
        """Let Ansible read what is sound so far."""
        if not self._sound:
            return
        numbers = {image: number for number, image in enumerate(self._sound)}
        with tempfile.TemporaryDirectory(prefix="phoenix-validate-") as name:
            place = Path(name)
            recipes = [(self._project.recipe(image), paths) for image, paths in self._sound.items()]
            try:
                workspace.lay_out_checks(self._playbooks, recipes, place / ansible.PLAYBOOKS)
            except SpecError as error:
                for image in self._sound:
                    self._tell(f"{error.brief}: {error.details}", image)
                return
            self._walk(place, numbers)

    def _walk(self, place: Path, numbers: dict[ImageName, int]) -> None:
        waiting = dict(self._sound)
        while waiting:
            self._say(f"reading the playbooks of {len(waiting)} images" if len(waiting) > 1 else _reading(*waiting))
            entries = [workspace.check_entry(numbers[image]) for image in waiting]
            failure = ansible.syntax_mistake(place, entries)
            if failure is None:
                return
            file = failure.place.partition(":")[0]
            concerned = [image for image, paths in waiting.items() if file in paths] or list(waiting)
            for image in concerned:
                self._alone(place, image, numbers[image])
                del waiting[image]

    def _alone(self, place: Path, image: ImageName, number: int) -> None:
        self._say(_reading(image))
        entry, variables = workspace.check_entry(number), workspace.check_variables(number)
        failure = ansible.syntax_mistake(place, (entry,), variables)
        if failure:
            self._tell(failure.told, image)

    def _tell(self, what: str, image: ImageName) -> None:
        self.told.setdefault(what, []).append(image)


def _reading(image: ImageName) -> str:
    return f"reading the playbook of {image}"
