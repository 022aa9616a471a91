"""Every role of the corpus by every builder without a virtual machine: what comes of it is what the table says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from phoenix.errors import ToolError
from tests.corpus.habits import HABITS, REFUSED, ROLES, TOLD, Habit, Verdict
from tests.support.real.builds import Build, build

PAGE = Path(__file__).parents[2] / "docs" / "baking.md"


def test_the_page_has_the_table() -> None:
    """Every row, word for word: what a person reads is what is proven here."""
    text = PAGE.read_text()
    for habit in HABITS:
        assert f"| {habit.does} | {habit.light.kind} | {habit.chroot.kind} |" in text, habit.role
    assert {path.name for path in ROLES.iterdir()} == {habit.role for habit in HABITS} | {"site"}


@pytest.fixture
def directory(roomy: Path, tmp_path: Path) -> Path:
    """On the disk of trees, below a directory that only root may enter."""
    made = roomy / "corpus" / tmp_path.name
    made.mkdir(parents=True, mode=0o700)
    return made


def bake(builder: str, below: Path, directory: Path, *habits: Habit) -> Build:
    shutil.copytree(ROLES, directory / "project/playbooks/roles")
    tasks = "".join(f"    - ansible.builtin.include_role: {{name: {habit.role}}}\n" for habit in habits)
    return build(builder, below, directory, tasks, facts=True)


def leaves(tree: Path, habit: Habit) -> None:
    """See that the image has what the role is for, and nothing that is one machine's own."""
    for path, text in habit.leaves.items():
        file = tree / path
        file = tree / str(file.readlink()).lstrip("/") if file.is_symlink() else file  # as the machine would read it
        assert text in file.read_text(), path
    assert [path for path in habit.takes_out if os.path.lexists(tree / path)] == []


def told(said: tuple[str, ...]) -> str:
    return "".join(line for line in said if line.startswith("takes effect at boot"))


def test_four_habits_are_baked_together(base_tree: Path, directory: Path) -> None:
    often = tuple(habit for habit in HABITS if habit.often)
    assert len(often) == 4
    made = bake("light", base_tree, directory, *often)
    for habit in often:
        leaves(made.tree, habit)
        assert habit.light.text in told(made.said)


@pytest.mark.full
@pytest.mark.parametrize("builder", ["light", "chroot"])
@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.role)
def test_what_comes_of_a_habit(base_tree: Path, directory: Path, habit: Habit, builder: str) -> None:
    verdict: Verdict = getattr(habit, builder)
    if verdict.kind == REFUSED:
        with pytest.raises(ToolError) as caught:
            bake(builder, base_tree, directory, habit)
        assert verdict.text in f"{caught.value.brief}\n{caught.value.details}"
        return
    made = bake(builder, base_tree, directory, habit)
    leaves(made.tree, habit)
    assert (verdict.kind == TOLD) is bool(told(made.said))
    assert verdict.text in told(made.said)
    assert os.path.lexists(made.tree / "etc/machine-id")
