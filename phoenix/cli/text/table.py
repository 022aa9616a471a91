"""Rows for people: aligned columns, never cut in a pipe; a terminal gets the columns that it has room for."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from phoenix.cli.text.printable import printable

LESS = (
    *("engine", "sha256", "bytes", "size", "architecture", "root", "outputs", "key", "sign", "created", "made", "by"),
    *("parent", "url", "cloud", "requests", "packages", "image", "in use by", "needed by", "kept until"),
)
"""Columns that a narrow terminal does without, the first of these first."""
GAP = "  "
NARROW = 24
"""Columns of a terminal that the last column is given at least, where its words go on in the next line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table; its text is what `str` gives."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        return self.within(shutil.get_terminal_size().columns if sys.stdout.isatty() else None)

    def within(self, room: int | None) -> str:
        """Its text in so many columns; None: in as many as it needs.

        Columns of `LESS` are left out until it fits, and named below it; then the last one goes on in the next line,
        between words.
        """
        shown = self
        for header in LESS:
            if room is not None and sum(shown._widths) + len(GAP) * (len(shown.headers) - 1) > room:
                shown = shown._without(header)
        left_out = [header for header in self.headers if header not in shown.headers]
        more = [f"(left out: {', '.join(left_out)}; a wider terminal or --json shows them)"] if left_out else []
        return "\n".join([*shown._lines(room), *more])

    @property
    def _widths(self) -> list[int]:
        return [max(map(len, column)) for column in zip(self.headers, *self.rows, strict=True)]

    def _without(self, header: str) -> Table:
        """The table without that column; the first one stays, for it says what a row is about."""
        kept = [number for number, each in enumerate(self.headers) if each != header or number == 0]
        return replace(
            self,
            headers=tuple(self.headers[number] for number in kept),
            rows=tuple(tuple(row[number] for number in kept) for row in self.rows),
        )

    def _lines(self, room: int | None) -> Iterator[str]:
        widths = self._widths
        before = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
        last = widths[-1] if room is None else max(min(widths[-1], room - before), NARROW)
        for line in (tuple(header.upper() for header in self.headers), *self.rows):
            head = "".join(cell.ljust(width) + GAP for cell, width in zip(line[:-1], widths, strict=False))
            parts = [line[-1]] if len(line[-1]) <= last else textwrap.wrap(line[-1], last, break_long_words=False)
            yield from (f"{start}{part}".rstrip() for start, part in zip(_starts(head), parts, strict=False))


def _starts(head: str) -> Iterator[str]:
    yield head
    while True:
        yield " " * len(head)


def table(*headers: str, rows: Sequence[Sequence[object]]) -> Table:
    """A table with one cell per header in every row."""
    return Table(
        headers=headers, rows=tuple(tuple(" ".join(printable(str(cell)).split("\n")) for cell in row) for row in rows)
    )
