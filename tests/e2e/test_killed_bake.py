"""A bake that is cut off at any moment: nothing of it is seen, and the next one takes away what it left."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from phoenix.clouds.local.machines import remains
from tests.conftest import NewProject
from tests.support.real import marked
from tests.support.real.shell import Shell

MOMENTS = (
    ("light", "build: playbook"),
    ("light", "build: disk"),
    ("light", "verify: boot running"),
    ("qemu", "verify: boot running"),
)
MORE_MOMENTS = (
    ("light", "build ..."),
    ("light", "build: unseal"),
    ("light", "build: Write the mark"),
    ("light", "build: seal"),
    ("light", "build: tree"),
    ("light", "verify ..."),
    ("light", "verify: ok"),
    ("qemu", "verify: ok"),
)
"""How the image is verified, and the moment of its bake."""


@pytest.fixture
def project(project_with_images: Shell, new_project: NewProject, tmp_path: Path) -> Shell:
    return marked.add(new_project(tmp_path / "killed"))


def bake_until(shell: Shell, moment: str, verify: str = "light") -> subprocess.Popen[str]:
    return marked.start_until(shell, moment, "bake", "foundation", "marked", "--verify", verify)


def names(images: Path) -> list[str]:
    return sorted(path.name for path in images.iterdir() if path.name != ".locks")


def kill_and_bake_again(shell: Shell, verify: str, moment: str) -> None:
    """A light machine on trial lives on, as all light machines do, until the next bake; all else ends at once."""
    images = marked.images_of(shell)
    before = names(images)
    process = bake_until(shell, moment, verify)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    if verify == "qemu" or not moment.startswith("verify"):
        marked.wait_until_quiet(images)
    assert str(images) not in Path("/proc/self/mounts").read_text()
    assert [i for i in shell.run("image", "list", "--name", "marked")["images"] if i["verified"]] == []

    baked = shell.run("bake", "foundation", "marked", "--verify", "light")["layers"][1]
    assert baked["hit"] is False
    assert remains.marked(images) == {}
    marked.wait_until_quiet(images)
    assert names(images) == sorted([*before, baked["id"]]), "what the dead bake left is gone"
    states = [run["state"] for run in shell.run("run", "list")["runs"] if run["kind"] == "bake"]
    assert states == ["done", "undone"]
    shell.run("image", "delete", baked["id"], "--yes")


@pytest.mark.parametrize(("verify", "moment"), MOMENTS)
def test_killed_at_a_moment_and_baked_again(project: Shell, verify: str, moment: str) -> None:
    kill_and_bake_again(project, verify, moment)


@pytest.mark.full
@pytest.mark.parametrize(("verify", "moment"), MORE_MOMENTS)
def test_killed_at_any_other_moment_and_baked_again(project: Shell, verify: str, moment: str) -> None:
    kill_and_bake_again(project, verify, moment)


@pytest.mark.parametrize(
    ("number", "code", "moment"),
    [
        (signal.SIGINT, 130, "build: playbook"),
        (signal.SIGTERM, 143, "verify: boot running"),
        pytest.param(signal.SIGTERM, 143, "build: Write the mark", marks=pytest.mark.full),
        pytest.param(signal.SIGINT, 130, "verify ...", marks=pytest.mark.full),
    ],
)
def test_interrupted_and_undone(project: Shell, number: signal.Signals, code: int, moment: str) -> None:
    images = marked.images_of(project)
    before = names(images)
    process = bake_until(project, moment)
    os.kill(process.pid, number)
    stdout, _stderr = process.communicate(timeout=60)
    assert process.returncode == code, stdout
    assert names(images) == before
    marked.wait_until_quiet(images)  # killed is not gone at once, on a busy computer
    assert remains.marked(images) == {}
    assert project.run("run", "list")["runs"][0]["state"] == "undone"


def test_interrupted_while_waiting_for_another_projects_bake(
    project: Shell, new_project: NewProject, tmp_path: Path
) -> None:
    """The way back of the one that waits must not touch what the other is just making."""
    other = marked.add(new_project(tmp_path / "elsewhere" / "killed"))
    baking = bake_until(project, "build: playbook")
    waiting = bake_until(other, "waiting for process")
    os.kill(waiting.pid, signal.SIGINT)
    waiting.communicate(timeout=60)
    stdout, _stderr = baking.communicate(timeout=120)
    assert (waiting.returncode, baking.returncode) == (130, 0), stdout
    assert other.run("run", "list")["runs"][0]["state"] == "undone"
    (image,) = project.run("image", "list", "--name", "marked")["images"]
    assert image["verified"] is True
    project.run("image", "delete", image["id"], "--yes")


def test_tend_takes_away_what_a_killed_bake_left(project: Shell) -> None:
    images = marked.images_of(project)
    before = names(images)
    process = bake_until(project, "build: disk")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    marked.wait_until_quiet(images)
    assert names(images) != before
    assert project.run("tend")["did"] != []
    assert names(images) == before
    assert project.run("tend")["did"] == []
