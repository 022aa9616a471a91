"""Why a bake in a light machine failed: what went wrong beside the playbook is not told as the playbook's fault."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from phoenix.clouds.local.bake import light_builder, light_program
from phoenix.clouds.local.bake.builders import Work
from phoenix.errors import ToolError

PLAYBOOK = ToolError(
    "the playbook failed at the task 'Rescued'", details="fatal: ...", resolution="Correct the recipe."
)


def work(tmp_path: Path) -> Work:
    return cast("Work", SimpleNamespace(scratch=tmp_path, log=tmp_path / "log"))


def test_what_failed_beside_the_playbook_is_the_cause(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="does not stop: it runs"):
        light_program.fail(str(tmp_path), "the machine that was baked does not stop", "it runs")
    cause = light_builder.cause(work(tmp_path), PLAYBOOK)
    assert cause.brief == "the machine that was baked does not stop"
    assert cause.details.splitlines() == ["it runs", f"the last that is known of the playbook: {PLAYBOOK.brief}"]
    assert str(tmp_path / "log") in cause.resolution


def test_where_nothing_did_it_is_the_playbook(tmp_path: Path) -> None:
    assert light_builder.cause(work(tmp_path), PLAYBOOK) is PLAYBOOK
