"""What is told while work goes on, on stderr: lines with the time, on a terminal a live line below them."""

from __future__ import annotations

import sys
import time
from typing import IO, TYPE_CHECKING, cast

from phoenix.cli.streams import Unfailing
from phoenix.cli.text.printable import printable
from phoenix.tell import Level, Told

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status


class Progress:
    """The one place that writes progress and warnings."""

    def __init__(self, *, verbosity: int = 0, color: bool = True, stderr: IO[str] | None = None) -> None:
        """`stderr` is that of the process unless a test gives its own."""
        self._verbosity = verbosity
        self._stderr = Unfailing(stderr or sys.stderr)
        self._color = color
        self._terminal = self._stderr.isatty()
        self._started = time.monotonic()
        self._console: Console | None = None
        self._status: Status | None = None

    def tell(self, told: Told) -> None:
        """Say what somebody tells who does not know of terminals."""
        match told.level:
            case Level.SAY:
                self.say(told.text)
            case Level.DETAIL:
                self.detail(told.text)
            case Level.WARN:
                self.warn(told.text)

    def say(self, text: str) -> None:
        """A step of the work, as a line of progress that stays. Silent with `-q`."""
        text = printable(text)
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

            self._status.update(Text(printable(text).strip().replace("\n", " ")[:100], style="dim"))

    def warn(self, text: str) -> None:
        """Something that a person should look at, although the work goes on. Told even with `-q`."""
        text = printable(text)
        if self._terminal:
            self._rich().print(f"warning: {text}", style="yellow", markup=False, highlight=False, soft_wrap=True)
        else:
            self._line(f"warning: {text}")

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
        self._stderr.write(f"{text}\n")
        self._stderr.flush()

    def _rich(self) -> Console:
        if self._console is None:
            from rich.console import Console

            self._console = Console(file=cast("IO[str]", self._stderr), no_color=not self._color)
        return self._console
