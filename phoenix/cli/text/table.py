"""Rows for people: aligned columns on a terminal and in a pipe alike, never cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from phoenix.cli.text.printable import printable


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table; its text is what `str` gives."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        lines = [tuple(header.upper() for header in self.headers), *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.headers))]
        padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
        return "\n".join(line.rstrip() for line in padded)


def table(*headers: str, rows: Sequence[Sequence[object]]) -> Table:
    """A table with one cell per header in every row."""
    return Table(
        headers=headers, rows=tuple(tuple(" ".join(printable(str(cell)).split("\n")) for cell in row) for row in rows)
    )
