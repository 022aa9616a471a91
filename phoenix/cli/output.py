"""Everything phoenix says: progress and errors on stderr, one result on stdout. The only `print`."""

from __future__ import annotations

import errno
import json as json_module
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from phoenix.cli.streams import Unfailing
from phoenix.clock import rfc3339
from phoenix.errors import PhoenixError, RefusedError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

Data = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows for people: aligned columns on a terminal and in a pipe alike, never cut."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        lines = [tuple(header.upper() for header in self.headers), *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.headers))]
        padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
        return "\n".join(line.rstrip() for line in padded)


def table(*headers: str, rows: Sequence[Sequence[object]]) -> Table:
    """A table with one cell per header in every row."""
    return Table(headers=headers, rows=tuple(tuple(" ".join(str(cell).split("\n")) for cell in row) for row in rows))


class Output:
    """The one place that writes to stdout and stderr."""

    def __init__(
        self,
        *,
        json: bool = False,
        verbosity: int = 0,
        color: bool = True,
        stdout: IO[str] | None = None,
        stderr: IO[str] | None = None,
    ) -> None:
        """`stdout` and `stderr` are those of the process unless a test gives its own."""
        self._json = json
        self._verbosity = verbosity
        self._stdout = Unfailing(stdout or sys.stdout)
        self._stderr = Unfailing(stderr or sys.stderr)
        self._color = color
        self._terminal = self._stderr.isatty()
        self._can_ask = self._terminal and Unfailing(sys.stdin).isatty()
        self._started = time.monotonic()
        self._console: Console | None = None
        self._status: Status | None = None
        self._evidence: Data = {}
        self._done = False

    def say(self, text: str) -> None:
        """A step of the work, as a line of progress that stays. Silent with `-q`."""
        if self._verbosity < 0:
            return
        if self._terminal:
            self._on_terminal(text)
        else:
            self._line(text)

    def detail(self, text: str) -> None:
        """The last line of a tool: passes by on a terminal, else told only with `-v`."""
        if self._verbosity > 0:
            self.say(text)
        elif self._status is not None and text.strip():
            from rich.text import Text

            self._status.update(Text(text.strip().replace("\n", " ")[:100], style="dim"))

    def warn(self, text: str) -> None:
        """Something that a person should look at, although the work goes on. Told even with `-q`."""
        if self._terminal:
            self._rich().print(f"warning: {text}", style="yellow", markup=False, highlight=False, soft_wrap=True)
        else:
            self._line(f"warning: {text}")

    def result(self, data: Data, human: object) -> None:
        """What the command found or did, once per process: `{"ok": true, **data}` with --json, else `human`."""
        self.quiet_down()
        self._print({"ok": True, **data}, human)

    def evidence(self, data: Data, human: object = "") -> None:
        """What a command shows besides the error it is about to raise.

        With --json `data` joins the one object that tells the failure; else `human` goes to stdout at once.
        """
        self.quiet_down()
        self._evidence = {**self._evidence, **data}
        if not self._json and human:
            self._write(f"{human}\n")

    def error(self, error: PhoenixError) -> None:
        """Tell an error: three sentences on stderr, or the JSON object on stdout."""
        self.quiet_down()
        failure = {
            "code": error.exit_code,
            "brief": error.brief,
            "details": error.details,
            "resolution": error.resolution,
        }
        if self._json:
            self._print({"ok": False, "error": failure, **error.facts, **self._evidence}, "")
            return
        if self._terminal:
            console = self._rich()
            console.print(f"error: {error.brief}", style="bold red", markup=False, highlight=False, soft_wrap=True)
        else:
            self._plain(f"error: {error.brief}")
        for part in (error.details, error.resolution):
            if part:
                self._plain("\n".join(f"  {line}" for line in part.splitlines()))

    def confirm(self, question: str, *, assume_yes: bool) -> None:
        """Ask before something is destroyed. Raises RefusedError on anything but yes.

        Never asks without a terminal: a program that calls phoenix has decided already.
        """
        if assume_yes or not self._can_ask:
            return
        self.quiet_down()
        self._stderr.write(f"{question} [y/N] ")
        self._stderr.flush()
        answer = ""
        with suppress(OSError, ValueError):  # a terminal that is gone says nothing
            answer = sys.stdin.readline().strip().lower()
        if answer not in {"y", "yes"}:
            raise RefusedError("not confirmed", details="nothing was changed", resolution="Answer y, or give --yes.")

    def quiet_down(self) -> None:
        """Take the live line off the terminal; the next `say` brings it back."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _on_terminal(self, text: str) -> None:
        elapsed = time.monotonic() - self._started
        console = self._rich()
        console.print(f"{elapsed:7.1f} s  {text}", markup=False, highlight=False, soft_wrap=True)
        if self._status is None:
            self._status = console.status("")
            self._status.start()

    def _line(self, text: str) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._plain("\n".join(f"{stamp} {line}" for line in text.splitlines() or [""]))

    def _plain(self, text: str) -> None:
        print(text, file=self._stderr, flush=True)

    def _rich(self) -> Console:
        if self._console is None:
            from rich.console import Console

            self._console = Console(file=cast("IO[str]", self._stderr), no_color=not self._color)
        return self._console

    def _print(self, data: Data, human: object) -> None:
        assert not self._done, "a command has one result"
        self._done = True
        self._write(f"{json_module.dumps(data, default=_plain)}\n" if self._json else f"{human}\n" if human else "")

    def _write(self, text: str) -> None:
        """Print a result. A reader that went away (`| head`) has what it wanted; any other failure is told."""
        print(text, file=self._stdout, end="", flush=True)
        if self._stdout.failure not in ("", os.strerror(errno.EPIPE)):
            self.warn(f"the result could not be printed: {self._stdout.failure}")


def _plain(value: object) -> str:
    """What JSON has no form for, as cli.md says: times in RFC 3339, paths as text."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
