"""A service whose rolls take seconds: one for all files of a worker that leave it as another can take it up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import NewProject
from tests.support.real import quick
from tests.support.real.quick import Quick
from tests.support.real.shell import Shell


@pytest.fixture(scope="session")
def service(
    project_with_images: Shell, new_project: NewProject, steered: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Quick]:
    """Take it up with `steady` or `serve`: the test before may have left it with another group, size or strategy."""
    assert project_with_images.directory.is_dir(), "it has the images that this one shares"
    made = quick.prepare(new_project(tmp_path_factory.mktemp("quick") / "hello"), steered)
    yield made
    made.shell.run("down", "--yes", "--force")
