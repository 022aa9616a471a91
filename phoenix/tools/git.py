"""git: which commit a directory is at, and whether it was changed since."""

from __future__ import annotations

import shutil
from pathlib import Path

from phoenix.errors import PhoenixError
from phoenix.model import Source
from phoenix.tools.process import Command, run

TIMEOUT = 30.0
"""Seconds for one question."""


def source_of(directory: Path) -> Source:
    """The commit `directory` is at. Without git, outside of a repository or before its first commit: no commit."""
    if shutil.which("git") is None:
        return Source()
    commit = _ask(directory, "rev-parse", "--verify", "--quiet", "HEAD")
    if not commit:
        return Source()
    return Source(commit=commit, dirty=bool(_ask(directory, "status", "--porcelain", "--", ".")))


def _ask(directory: Path, *question: str) -> str:
    """What git answers; empty where it knows nothing."""
    command = Command(argv=("git", "-C", str(directory), *question), environment={"GIT_OPTIONAL_LOCKS": "0"})
    try:
        done = run(command, timeout=TIMEOUT, check=False)
    except PhoenixError:
        return ""
    return done.stdout.strip() if done.code == 0 else ""


def commit_at(repository: str, version: str) -> str:
    """The commit that a branch or tag of a repository (an address, or a path) stands at now; a tag goes first.

    Empty where it has none of that name: then it may be a commit itself. ToolError where it cannot be asked.
    """
    names = _refs(version)
    command = Command(argv=("git", "ls-remote", "--", repository, *names), environment={"GIT_TERMINAL_PROMPT": "0"})
    lines = (line.partition("\t") for line in run(command, timeout=TIMEOUT).stdout.splitlines())
    found = {name: commit for commit, _, name in lines}
    # git answers with all that end like a name, too: refs/heads/feature/main, where main was asked for
    return next((found[name] for name in names if name in found), "")


def _refs(version: str) -> tuple[str, ...]:
    """The full names that a version may have, the one that is meant first.

    Of an annotated tag the commit that it is of stands under its name with `^{}`.
    """
    if version == "HEAD" or version.startswith("refs/"):
        return (f"{version}^{{}}", version)
    return (f"refs/tags/{version}^{{}}", f"refs/tags/{version}", f"refs/heads/{version}")
