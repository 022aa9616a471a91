"""Several commands of phoenix at once, each in a process of its own: what they tell is heard as they tell it.

There are no threads. The children write into files, which are read again and again; they end with this process, however
that ends. Where it is to stop, all of them are asked to stop first, and get the time to undo what they had begun.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from phoenix.clock import Clock
from phoenix.tell import Level, Told
from phoenix.tools.process import Command, Running, running
from phoenix.wait import DeadlineError, Look, Verdict, wait_for

PROGRAM = (sys.executable, "-P", "-m", "phoenix")
"""Without -P a directory `phoenix` of the project would stand for it."""
DEADLINE = 24 * 3600.0
"""Seconds after which whoever has not ended is ended."""
GRACE = 300.0
"""Seconds to undo what was begun: a builder of a cloud takes minutes to end."""
BETWEEN = 0.2
"""Seconds between two looks."""
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ")
"""What a line of progress begins with where there is no terminal."""
_WARNING, _RESULT = "warning: ", '{"ok":'

Hear = Callable[[str, Told], None]
"""Hears what the child of that name tells."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a child ended: its exit code (negative: the signal that killed it) and its one JSON object, as text."""

    code: int
    result: str


class Apart(Protocol):
    """Runs commands of phoenix side by side; a test hands in its own."""

    def __call__(
        self, commands: Mapping[str, tuple[str, ...]], *, environment: Mapping[str, str], clock: Clock, hear: Hear
    ) -> Mapping[str, Ended]:
        """How each ended, by its name."""
        ...


def run(
    commands: Mapping[str, tuple[str, ...]], *, environment: Mapping[str, str], clock: Clock, hear: Hear
) -> Mapping[str, Ended]:
    """Run `phoenix WORDS` for each, side by side, to the last one's end; how each ended, by the name it has here."""
    with tempfile.TemporaryDirectory(prefix="phoenix-children-") as directory, ExitStack() as stack:
        children = {
            name: _Child(stack.enter_context(_begun(words, environment, log)), log)
            for name, words, log in ((name, words, Path(directory) / name) for name, words in commands.items())
        }

        def look() -> Look:
            for name, child in children.items():
                for told in child.news():
                    hear(name, told)
            left = [name for name, child in children.items() if not child.ended]
            return Look(verdict=Verdict.UNKNOWN if left else Verdict.PASS, seen=f"at work: {', '.join(left)}")

        try:
            wait_for("the end of every process", look, clock=clock, deadline=DEADLINE, interval=BETWEEN)
        except BaseException:
            for child in children.values():
                child.process.ask_to_end()
            with suppress(DeadlineError):
                wait_for("the end of every process", look, clock=clock, deadline=GRACE, interval=BETWEEN)
            raise
        return {name: Ended(code=child.process.code() or 0, result=child.result) for name, child in children.items()}


def _begun(words: tuple[str, ...], environment: Mapping[str, str], log: Path) -> AbstractContextManager[Running]:
    return running(Command(argv=(*PROGRAM, *words), environment=environment), log=log, grace=GRACE)


class _Child:
    """A process and what it has written so far."""

    def __init__(self, process: Running, log: Path) -> None:
        self.process = process
        self.result = ""
        self.ended = False
        self._log = log
        self._read = 0
        self._rest = b""

    def news(self) -> list[Told]:
        """What it has told since it was last looked at. Nothing more comes once it has `ended`."""
        ended = self.process.code() is not None  # looked at first: what it wrote last is there by then
        with self._log.open("rb") as file:
            file.seek(self._read)
            chunk = file.read()
        self._read += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if ended and self._rest:
            lines.append(self._rest)
            self._rest = b""
        self.ended = ended
        return [told for line in lines if (told := self._heard(line.decode("utf-8", "replace")))]

    def _heard(self, line: str) -> Told | None:
        if line.startswith(_RESULT):
            self.result = line
            return None
        text = _STAMP.sub("", line)
        if text.startswith(_WARNING):
            return Told(level=Level.WARN, text=text.removeprefix(_WARNING))
        return Told(level=Level.SAY, text=text) if text.strip() else None
