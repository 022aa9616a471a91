"""What is told while work goes on, on stderr: lines with the time, on a terminal a live line below them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, cast

from phoenix.cli.streams import Unfailing
from phoenix.cli.text.printable import printable
from phoenix.cli.text.times import lasted
from phoenix.tell import Level, Told

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.status import Status
    from rich.text import Text


class LiveLine:
    """The line below what was said last: for how many seconds that goes on, and the item under way.

    A step counts from its beginning, whatever is said within it, beside how long it took last time.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._step = ""
        self.begin()

    def begin(self, step: str = "", last: str = "") -> None:
        """Something else goes on from now, or further of the same step. `last`: how long it took last time."""
        self.item = ""
        if step and step == self._step:
            return
        self._step, self._last, self._since = step, last, self._now()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """One line, as wide as there is room: asked for at every tick of the terminal."""
        from rich.text import Text

        text = Text(f"{self._now() - self._since:.0f} s{self._last}  {self.item}".rstrip(), style="dim")
        text.truncate(options.max_width, overflow="ellipsis")
        yield text


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
        self._live: LiveLine | None = None

    def tell(self, told: Told) -> None:
        """Say what somebody tells who does not know of terminals."""
        match told.level:
            case Level.SAY:
                self.say(told.text, step=told.step, last_time=told.last_time)
            case Level.DETAIL:
                self.detail(told.text)
            case Level.WARN:
                self.warn(told.text)

    def say(self, text: str, *, step: str = "", last_time: int | None = None) -> None:
        """A step of the work, as a line of progress that stays. Silent with `-q`.

        `step`: what it belongs to. `last_time`: the seconds that it took in the last such run, if it took one at least.
        """
        text, last = printable(text), f"; last time {lasted(last_time)}" if last_time else ""
        if self._verbosity < 0:
            return
        if self._terminal:
            self._on_terminal(text)
            if self._live is not None:
                self._live.begin(step, last)
        else:
            self._line(f"{text}{last}")

    def detail(self, text: str) -> None:
        """The last line of a tool: passes by on a terminal, else told only with `-v`."""
        if self._verbosity > 0 and self._terminal:
            self._on_terminal(printable(text))
        elif self._verbosity > 0:
            self._line(printable(text))
        elif self._live is not None and text.strip():
            self._live.item = printable(text).strip().replace("\n", " ")

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
            self._status = self._live = None

    def _on_terminal(self, text: str) -> None:
        elapsed = time.monotonic() - self._started
        console = self._rich()
        console.print(f"{elapsed:7.1f} s  {text}", markup=False, highlight=False, soft_wrap=True)
        if self._status is None:
            self._live = LiveLine()
            self._status = console.status(self._live)
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
