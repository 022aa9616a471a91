"""What the files of a command load: what its own way needs, and nothing of another verb's."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

OF_PUBLICATIONS = ("phoenix.plan.publish_actions", "phoenix.plan.publish", "phoenix.debs")
OF_STACKS = ("phoenix.plan.stack_actions", "phoenix.stacks")
OF_RUNS = ("phoenix.record.journal", "phoenix.execute.engine", "phoenix.plan.roll_actions", "sqlite3")
OF_BAKES = ("phoenix.orders.bake", "phoenix.plan.bake", "phoenix.plan.bake_actions", "phoenix.plan.content_key")
OF_WHO_LOOKS = ("phoenix.orders.group_facts", "phoenix.orders.image_facts", "rich.table")
OF_ROLLS = ("phoenix.orders.roll", "phoenix.execute.probe")
NOT_LOADED = {
    "rollback": (
        *OF_PUBLICATIONS,
        *OF_STACKS,
        *OF_BAKES,
        *OF_WHO_LOOKS,
        *OF_ROLLS,
    ),
    "bake": (*OF_PUBLICATIONS, *OF_STACKS, *OF_RUNS, "phoenix.orders.group_facts"),
    "roll": (*OF_PUBLICATIONS, *OF_STACKS, *OF_WHO_LOOKS[:1], "phoenix.execute.probe"),
    "status": (*OF_PUBLICATIONS, *OF_STACKS, *OF_BAKES),
}


def loaded(command: str) -> set[str]:
    program = f"import sys; from phoenix.cli.app import load_command; load_command({command!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_each_of_them_is_there_to_be_loaded() -> None:
    names = {name for names in NOT_LOADED.values() for name in names}
    assert [name for name in sorted(names) if find_spec(name) is None] == []


@pytest.mark.parametrize("command", NOT_LOADED)
def test_a_command_loads_nothing_of_other_verbs(command: str) -> None:
    there = loaded(command)
    assert f"phoenix.cli.{command}" in there
    assert [name for name in NOT_LOADED[command] if name in there] == []
