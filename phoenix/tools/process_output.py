"""What a program prints while this process waits for it: kept, logged and told line by line, secrets replaced."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

KEPT = 50_000_000
"""Characters that are kept, and that a log takes, of a program that never stops talking."""
LAST = 200
"""Lines that are kept of its end all the same: an error is most often there."""


def scrub(text: str, secrets: tuple[str, ...]) -> str:
    """`text` with every secret replaced by `***`."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return text


class Output:
    """Both streams of one program: 0 is stdout, 1 is stderr. To be closed."""

    def __init__(self, secrets: tuple[str, ...], log: Path | None, on_line: Callable[[str], None] | None) -> None:
        self._secrets = secrets
        self._on_line = on_line
        self._sink = log.open("a", encoding="utf-8") if log else None
        self._room = KEPT
        self._unfinished = [b"", b""]
        self._first: tuple[list[str], list[str]] = ([], [])
        self._last = (deque[str](maxlen=LAST), deque[str](maxlen=LAST))
        self._over = [0, 0]

    def take(self, stream: int, chunk: bytes) -> None:
        """Take what it has printed; an empty `chunk` is the end of the stream."""
        *lines, self._unfinished[stream] = (self._unfinished[stream] + chunk).split(b"\n")
        if not chunk and self._unfinished[stream]:
            lines, self._unfinished[stream] = [*lines, self._unfinished[stream]], b""
        for line in lines:
            self._line(stream, scrub(line.decode("utf-8", "replace").rstrip("\r\n"), self._secrets))

    def text(self, stream: int) -> str:
        """What it has printed there; of more than is kept the beginning and the end."""
        return "\n".join([*self._first[stream], *self._end(stream)])

    @property
    def last_line(self) -> str:
        """The last that it said, for who gives it up."""
        said = (self.text(1) or self.text(0)).splitlines()
        return said[-1] if said else "nothing"

    def close(self) -> None:
        """Close the log; what it had no room for is told there by its number, and its end is there."""
        if self._sink is None:
            return
        for line in (*self._end(0), *self._end(1)):
            self._sink.write(f"{line}\n")
        self._sink.close()

    def _line(self, stream: int, text: str) -> None:
        self._room -= len(text) + 1
        if self._room >= 0:
            self._first[stream].append(text)
            if self._sink:
                self._sink.write(f"{text}\n")
                self._sink.flush()
        else:
            self._last[stream].append(text)
            self._over[stream] += 1
        if self._on_line:
            self._on_line(text)

    def _end(self, stream: int) -> list[str]:
        """The last lines of those that there was no room for, and how many they follow."""
        lines = self._over[stream] - len(self._last[stream])
        gap = [f"({lines} lines left out: it has printed more than {KEPT:,} characters)"] if lines else []
        return [*gap, *self._last[stream]]
