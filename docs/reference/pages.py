"""The pages with a generated part: what a person wrote stays, what stands below the mark is written anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from docs.reference import commands, keys, results

DOCS = Path(__file__).resolve().parents[1]
MARK = "<!-- `make docs` writes what follows, from the code. -->\n"
GENERATED: dict[str, Callable[[], str]] = {
    "phoenix-yaml.md": keys.markdown,
    "commands.md": commands.markdown,
    "json.md": results.markdown,
}
"""What writes the generated part of each page."""


def path_of(name: str) -> Path:
    """Where the page lies."""
    return DOCS / name


def written(name: str) -> str:
    """The whole page as it should be. ValueError where its mark is missing: somebody removed it."""
    text = path_of(name).read_text()
    head, mark, _old = text.partition(MARK)
    if not mark:
        raise ValueError(f"docs/{name} has no line {MARK.strip()}")
    return f"{head}{MARK}\n{GENERATED[name]()}"
