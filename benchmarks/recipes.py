"""What recipes cost to read, in a project of the size that people have (see `galaxy`)."""

from __future__ import annotations

from pathlib import Path

from benchmarks import galaxy
from benchmarks.figures import BIN
from benchmarks.measure import FailedError, run, take_turns
from benchmarks.report import IMPORTS, Figure, Limit, imports
from phoenix.execute.reach import Playbooks
from phoenix.execute.recipe_files import recipe_files
from phoenix.spec.images import Recipe
from phoenix.spec.load import load

VALIDATIONS, KEYS = 5, 15
"""Rounds of each figure."""
SIZE = f"{galaxy.IMAGES} images, {galaxy.ROLES} roles, {galaxy.FILES:,} files"


def figures(scratch: Path) -> list[Figure]:
    """The three figures, measured on projects that are made in the directory `scratch`."""
    plain = galaxy.project(scratch / "plain")
    crowded = galaxy.project(scratch / "crowded")
    galaxy.collection(crowded)
    return [_validate(plain), _key(plain), _unused(plain, crowded)]


def limits(scratch: Path) -> list[Limit]:
    """What a large collection adds to a validation, measured on projects that are made in the directory `scratch`."""
    alone, beside = galaxy.pair(scratch / "alone", named=False), galaxy.pair(scratch / "beside", named=True)
    phoenix = str(BIN / "phoenix")
    _quiet(phoenix, "validate", "-C", str(beside), "--json")  # what is read once and kept is read now
    sides = take_turns(
        VALIDATIONS,
        {
            "beside": lambda: _quiet(phoenix, "validate", "-C", str(beside), "--json"),
            "alone": lambda: _quiet(phoenix, "validate", "-C", str(alone), "--json"),
        },
    )
    pairs = zip(sides["beside"].seconds, sides["alone"].seconds, strict=True)
    return [
        Limit(
            name=f"`phoenix validate`, 2 images that name a collection of {galaxy.LARGE:,} modules: more than without",
            seen=tuple(more - less for more, less in pairs),
            unit="s",
            must=1.0,
            aim=0.5,
            note="the first time takes longer: every file is read, and what it says is kept.",
        )
    ]


def _validate(project: Path) -> Figure:
    """`phoenix validate` beside the part of it that is Ansible's: one process that reads the same playbooks."""
    playbooks = [f"site-{number}.yml" for number in range(galaxy.IMAGES)]
    check = (str(BIN / "ansible-playbook"), "--syntax-check", "--inventory=builder,", *playbooks)
    sides = take_turns(
        VALIDATIONS,
        {
            "phoenix validate": lambda: _quiet(str(BIN / "phoenix"), "validate", "-C", str(project), "--json"),
            "ansible-playbook --syntax-check": lambda: _quiet(*check, cwd=project / "playbooks"),
        },
    )
    ours, other = sides.values()
    return Figure(
        name=f"`phoenix validate`, {SIZE}",
        phoenix=ours,
        beside="one `ansible-playbook --syntax-check` of the same playbooks",
        other=other,
        must=2.0,
        aim=1.5,
        note="validate runs that check, too; what it takes beside is the difference of the two.",
    )


def _key(project: Path) -> Figure:
    """The files of one image's content key, in a process that has its imports: the tree listed, read and hashed."""
    recipe = _recipe(project)
    sides = take_turns(KEYS, {"key": lambda: _files(project, recipe), "import typer, rich": imports})
    return Figure(
        name=f"the key of one image, {SIZE}",
        phoenix=sides["key"],
        beside=IMPORTS,
        other=sides["import typer, rich"],
        must=3.0,
        aim=1.0,
    )


def _unused(plain: Path, crowded: Path) -> Figure:
    """The same key where a collection of 300 files lies beside, which no playbook names."""
    recipe = _recipe(plain)
    if _files(plain, recipe) != _files(crowded, recipe):
        raise FailedError("a collection that no playbook names changed a key")
    sides = take_turns(KEYS, {"crowded": lambda: _files(crowded, recipe), "plain": lambda: _files(plain, recipe)})
    return Figure(
        name="the same key beside an unused collection of 300 files",
        phoenix=sides["crowded"],
        beside="without the collection",
        other=sides["plain"],
        must=1.3,
        aim=1.1,
        note="what it takes more is a look whether any file names the collection, also by a short name.",
    )


def _recipe(project: Path) -> Recipe:
    recipes = load(project / "phoenix.yaml", {}).recipes.values()
    return next(recipe for recipe in recipes if recipe.image.name == "image-5")


def _files(project: Path, recipe: Recipe) -> dict[str, str]:
    return dict(recipe_files(Playbooks.of(project), recipe))


def _quiet(*argv: str, cwd: Path | None = None) -> None:
    run(*argv, cwd=cwd)
