"""The ends of log files, as far as they tell what an error does not."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

TAILS, TAIL_LINES, TAIL_BYTES = 3, 8, 8192
"""Of how many log files the end is shown, how many lines of it, and how much is read for that."""


def ends_of(files: Sequence[Path], told: str) -> str:
    """The end of the newest of the files that are logs; of none whose last line is in `told` already."""
    with suppress(OSError):  # what cannot be read is at least named among the files
        logs = sorted((f for f in files if f.suffix == ".log"), key=lambda f: (f.stat().st_mtime, f.name))
        ends = [(file, _tail(file)) for file in reversed(logs[-TAILS:])]
        return "\n\n".join(_quoted(file, lines) for file, lines in ends if lines and lines[-1] not in told)
    return ""


def _quoted(file: Path, lines: list[str]) -> str:
    return "\n".join([f"the end of {file.name}", *(f"  {line}" for line in lines)])


def _tail(file: Path) -> list[str]:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - TAIL_BYTES))
        text = opened.read().decode(errors="replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()][-TAIL_LINES:]
