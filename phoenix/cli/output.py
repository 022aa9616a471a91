"""What a command came to: one result on stdout, an error on stderr, a question at a terminal. The only `print`."""

from __future__ import annotations

import errno
import json as json_module
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from phoenix.cli.progress import Progress
from phoenix.cli.streams import Unfailing
from phoenix.cli.text.printable import printable
from phoenix.clock import rfc3339
from phoenix.errors import PhoenixError, RefusedError

Data = Mapping[str, Any]


class Output(Progress):
    """The one place that writes to stdout, and what is told beside it."""

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
        super().__init__(verbosity=verbosity, color=color, stderr=stderr)
        self._json = json
        self._stdout = Unfailing(stdout or sys.stdout)
        self._can_ask = self._terminal and Unfailing(sys.stdin).isatty()
        self._done = False

    def result(self, data: Data, human: object) -> None:
        """What the command found or did, once per process: `{"ok": true, **data}` with --json, else `human`."""
        self.quiet_down()
        self._print({"ok": True, **data}, human)

    def page(self, text: str) -> int:
        """A page that was kept for --json (`streams.Pages`): the one object then; empty where it was printed."""
        if text:
            self.result({"text": text}, "")
        return 0

    def show(self, human: object) -> None:
        """What people see besides the error that follows; with --json its facts are in the one object."""
        self.quiet_down()
        if not self._json and human:
            self._write(printable(f"{human}\n"))

    def error(self, error: PhoenixError) -> int:
        """Tell an error: three sentences on stderr, or the JSON object on stdout. Gives its exit code."""
        self.quiet_down()
        failure = {
            "code": error.exit_code,
            "brief": error.brief,
            "details": error.details,
            "resolution": error.resolution,
        }
        if self._json:
            self._print({"ok": False, "error": failure, **error.facts}, "")
            return error.exit_code
        if self._terminal:
            console = self._rich()
            console.print(
                printable(f"error: {error.brief}"), style="bold red", markup=False, highlight=False, soft_wrap=True
            )
        else:
            self._plain(printable(f"error: {error.brief}"))
        for part in (error.details, error.resolution):
            if part:
                self._plain("\n".join(f"  {line}" for line in printable(part).splitlines()))
        return error.exit_code

    def confirm(self, question: str, *, assume_yes: bool, insist: bool = False) -> None:
        """Ask before something is destroyed. Raises RefusedError on anything but yes.

        Never asks without a terminal: a program that calls phoenix has decided already. `insist`: not where a slip of
        the hand costs too much; there the answer has to be in the command.
        """
        if assume_yes:
            return
        if not self._can_ask:
            if insist:
                raise RefusedError(
                    "not confirmed",
                    details=f"{question} There is no terminal to ask at; nothing was changed",
                    resolution="Say it again with --yes.",
                )
            return
        self.quiet_down()
        self._stderr.write(printable(f"{question} [y/N] "))
        self._stderr.flush()
        answer = ""
        with suppress(OSError, ValueError):  # a terminal that is gone says nothing
            answer = sys.stdin.readline().strip().lower()
        if answer not in {"y", "yes"}:
            raise RefusedError("not confirmed", details="nothing was changed", resolution="Answer y, or give --yes.")

    def _print(self, data: Data, human: object) -> None:
        assert not self._done, "a command has one result"
        self._done = True
        text = json_module.dumps(data, default=_as_text) if self._json else printable(f"{human}") if human else ""
        self._write(f"{text}\n" if text else "")

    def _write(self, text: str) -> None:
        """Print a result. A reader that went away (`| head`) has what it wanted; any other failure is told."""
        print(text, file=self._stdout, end="", flush=True)
        if self._stdout.failure not in ("", os.strerror(errno.EPIPE)):
            self.warn(f"the result could not be printed: {self._stdout.failure}")


def _as_text(value: object) -> str:
    """What JSON has no form for, as cli.md says: times in RFC 3339, paths as text."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
