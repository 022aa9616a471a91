"""Which commit a name of a repository stands at, asked of real repositories of this computer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from phoenix.errors import ToolError
from phoenix.tools import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose branch is `main`, with one commit."""
    ask(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path)
    return tmp_path


def ask(directory: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(directory), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(directory: Path) -> str:
    ask(directory, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "--allow-empty", "-m", "x")
    return ask(directory, "rev-parse", "HEAD")


def elsewhere(directory: Path, kind: str, name: str) -> None:
    """Make a ref of that name, at a commit that no other one has."""
    ask(directory, "checkout", "-q", "--detach")
    ask(directory, "update-ref", f"refs/{kind}/{name}", commit(directory))
    ask(directory, "checkout", "-q", "main")


@pytest.mark.parametrize(
    ("kind", "name"),
    [("heads", "feature/main"), ("heads", "a/refs/heads/main"), ("tags", "old/main"), ("remotes", "a/main")],
)
def test_a_name_that_only_ends_like_it_is_another(repository: Path, kind: str, name: str) -> None:
    main = ask(repository, "rev-parse", "main")
    elsewhere(repository, kind, name)
    assert git.commit_at(str(repository), "main") == main


def test_where_nothing_is_of_that_name_nothing_is_taken(repository: Path) -> None:
    elsewhere(repository, "heads", "feature/next")
    assert git.commit_at(str(repository), "next") == ""
    assert git.commit_at(str(repository), "m*") == "", "a name is no pattern"
    assert git.commit_at(str(repository), ask(repository, "rev-parse", "main")) == ""


def test_of_a_tag_the_commit_that_it_is_of(repository: Path) -> None:
    first = ask(repository, "rev-parse", "main")
    ask(repository, "tag", "plain")
    ask(repository, "-c", "user.name=a", "-c", "user.email=a@example.org", "tag", "-a", "-m", "x", "v1")
    ask(repository, "branch", "v1", commit(repository))
    assert git.commit_at(str(repository), "plain") == first
    assert git.commit_at(str(repository), "v1") == first, "a tag goes before a branch of its name"


def test_head_is_what_the_repository_itself_stands_at(repository: Path) -> None:
    main = ask(repository, "rev-parse", "main")
    elsewhere(repository, "heads", "HEAD")
    elsewhere(repository, "remotes", "a/HEAD")
    assert git.commit_at(str(repository), "HEAD") == main
    assert git.commit_at(str(repository), "refs/heads/main") == main


def test_a_repository_that_cannot_be_asked_is_told(tmp_path: Path) -> None:
    with pytest.raises(ToolError):
        git.commit_at(str(tmp_path / "gone"), "main")
