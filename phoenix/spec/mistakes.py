"""Mistakes in `phoenix.yaml`, collected so that all of them are told at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from phoenix.errors import SpecError

Place = tuple[str | int, ...]
"""A place in the file: `("images", "os", "debian-12", "packages", 0)`."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong, and where. `line` counts from 1; `path` is empty where the file is no YAML."""

    line: int
    path: str
    what: str

    def at(self, file: str) -> str:
        """The mistake as a line that editors and people can follow."""
        return ": ".join(part for part in (f"{file}:{self.line}", self.path, self.what) if part)


class MistakesError(SpecError):
    """The mistakes of one file, sorted by line; `mistakes` has them for programs."""

    def __init__(self, file: Path, mistakes: Iterable[Mistake]) -> None:
        self.file = file
        self.mistakes = tuple(sorted(set(mistakes)))
        count = len(self.mistakes)
        super().__init__(
            f"{count} mistakes in {file.name}" if count > 1 else f"a mistake in {file.name}",
            details="\n".join(mistake.at(_shown(file)) for mistake in self.mistakes),
            resolution="Correct what is listed; nothing was done. `phoenix schema` gives editors the accepted keys.",
            facts={
                "mistakes": [
                    {"file": str(file), "line": mistake.line, "path": mistake.path, "what": mistake.what}
                    for mistake in self.mistakes
                ]
            },
        )


def dotted(place: Place) -> str:
    """A place as it is shown: `images.os.debian-12.packages[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def line_of(place: Place, lines: Mapping[Place, int]) -> int:
    """The line of `place`, or of the nearest thing around it that stands in the file."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def nearest(name: str, known: Iterable[str]) -> str:
    """`; nearest: X` or `; known: A, B` for a name that is not among `known`."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; nearest: {close[0]}" if close else f"; known: {', '.join(names) or 'none'}"


def _shown(file: Path) -> str:
    here = Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(file)
