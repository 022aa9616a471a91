"""What a run or a state of a repository was made for, in words: the build of a build server, and the commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SHORT = 12
"""Characters of a commit that tell it in a list."""


def with_origins(
    heads: Sequence[str], rows: Sequence[Sequence[object]], origins: Sequence[Mapping[str, str]]
) -> tuple[list[str], list[list[object]]]:
    """The heads and rows of a table, with one column more where anything has an origin: at home it would be empty."""
    if not any(any(origin.values()) for origin in origins):
        return list(heads), [list(row) for row in rows]
    return [*heads, "for"], [[*row, _words(origin)] for row, origin in zip(rows, origins, strict=True)]


def build_of(origin: Mapping[str, str]) -> str:
    """The build, by its address and its name."""
    return _together(origin["build_url"], origin["build_tag"])


def commit_of(origin: Mapping[str, str], length: int | None = None) -> str:
    """The commit, or so many characters of it, its branch and its author."""
    branch, author = origin["git_branch"], origin["change_author"]
    return _together(origin["git_commit"][:length], branch and f"on {branch}", author and f"by {author}")


def _words(origin: Mapping[str, str]) -> str:
    return _together(origin["build_tag"] or origin["build_url"], commit_of(origin, SHORT))


def _together(*words: str) -> str:
    return " ".join(filter(None, words))
