"""The three standard files, however broken: what cannot be told changes nothing else, not even the exit code."""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, redirect_stdout, suppress
from typing import IO, Any

LAST_STANDARD = 2
"""The number of the last of stdin, stdout and stderr."""


class Unfailing:
    """A text file that may fail without anybody noticing: its disk is full, its terminal or descriptor is closed.

    What the file still holds in its buffer it tries again with the next text, so a disk that has room again is
    written to.
    """

    def __init__(self, file: IO[str] | None) -> None:
        self._file = file
        self.failure = ""
        """Why the last text did not get through; empty where it did."""

    def write(self, text: str) -> int:
        """Write what can be written; the number of characters, as if all were."""
        self._try(lambda file: file.write(text))
        return len(text)

    def flush(self) -> None:
        """Pass on what was written, as far as that goes."""
        self._try(lambda file: file.flush())

    def isatty(self) -> bool:
        """Whether it is a terminal; a closed one is none."""
        try:
            return self._file is not None and self._file.isatty()
        except (OSError, ValueError):
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def _try(self, act: Callable[[IO[str]], object]) -> None:
        try:
            if self._file is not None:
                act(self._file)
        except (OSError, ValueError) as error:
            self.failure = getattr(error, "strerror", None) or str(error)
        else:
            self.failure = ""


class Pages:
    """While this holds, what typer prints by itself (help, a shell's functions) is kept, where it is wanted."""

    def __init__(self, *, wanted: bool) -> None:
        self._kept = io.StringIO()
        self._around: AbstractContextManager[Any] = redirect_stdout(self._kept) if wanted else nullcontext()

    def __enter__(self) -> None:
        self._around.__enter__()

    def __exit__(self, *ending: Any) -> None:
        self._around.__exit__(*ending)

    @property
    def text(self) -> str:
        """What was printed."""
        return self._kept.getvalue()


def occupy() -> None:
    """Lead closed standard descriptors nowhere.

    Else the next file that is opened, the state for one, would take their place and be printed into.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= LAST_STANDARD:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - as long as the process


def settle() -> None:
    """Let what could not be written go nowhere: the interpreter tries once more at its end, and must not fail at it."""
    for file in (sys.stdout, sys.stderr):
        try:
            file.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())


def reader_is_gone() -> bool:
    """Whether what reads our stdout has ended (`phoenix --help | head`); if so, stdout leads nowhere from now on."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    if not any(event & select.POLLERR for _file, event in poll.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True
