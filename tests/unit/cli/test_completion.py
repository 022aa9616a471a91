"""Names that a shell completes: quick, read-only, never an error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from phoenix.cli import completion
from tests.support.fakes.desk import Desk


@pytest.fixture
def here(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(desk.directory)
    return desk


def test_services_and_runs(here: Desk) -> None:
    run = here.roll("1.0.0")["run"]
    assert completion.services("") == ["web-tier"]
    assert completion.services("x") == []
    assert completion.services_and_runs("") == ["web-tier", run]
    assert completion.services_and_runs("roll-") == [run]
    assert completion.environments("lo") == ["local"]


def test_groups(here: Desk) -> None:
    (here.directory / ".phoenix/local/groups/web-tier-local-v001").mkdir(parents=True)
    assert completion.groups("web") == ["web-tier-local-v001"]


def test_nothing_is_made_by_asking(here: Desk) -> None:
    assert completion.services_and_runs("") == ["web-tier"]
    assert completion.groups("") == []
    assert not (here.directory / ".phoenix" / "state.db").exists()


@pytest.mark.parametrize("text", [None, "version: [", "version: 1\nproject: Wrong Name\n"])
def test_no_project_or_a_wrong_one_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PHOENIX_PROJECT", raising=False)
    if text is not None:
        (tmp_path / "phoenix.yaml").write_text(text)
    for complete in (completion.services, completion.services_and_runs, completion.groups, completion.environments):
        assert complete("") == []


def test_a_damaged_state_is_no_error(here: Desk) -> None:
    here.roll("1.0.0")
    for file in (here.directory / ".phoenix").glob("state.db*"):
        file.write_bytes(b"x" * 8192)
    assert completion.services_and_runs("") == ["web-tier"]


def test_in_the_shell_by_the_directory_that_is_named(desk: Desk, tmp_path: Path) -> None:
    words = f"phoenix -C {desk.directory} promote w"
    environment = {**os.environ, "_PHOENIX_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "4"}
    done = subprocess.run(
        [sys.executable, "-m", "phoenix"], capture_output=True, text=True, timeout=60, env=environment, check=True
    )
    assert (done.stdout.split(), done.stderr) == (["web-tier"], "")


def test_images_instances_repositories_packages_and_strategies(here: Desk) -> None:
    (here.directory / ".phoenix/local/groups/web-tier-local-v001/instances/web-tier-local-v001-1").mkdir(parents=True)
    assert completion.images("found") == ["foundation/nodejs"]
    assert "nodejs" in completion.image_names("")
    assert completion.instances("web") == ["web-tier-local-v001-1"]
    assert completion.speakers("web-tier-local") == ["web-tier-local-v001", "web-tier-local-v001-1"]
    assert completion.repositories("") == ["main"]
    assert completion.packages("he") == ["hello"]
    assert completion.packages("hello=") == ["hello=3.0.0", "hello=2.0.0", "hello=1.0.0"]
    assert completion.packages("hello=2") == ["hello=2.0.0"]
    assert completion.packages("other=") == []
    assert completion.strategies("") == ["blue-green", "rolling", "canary"]
