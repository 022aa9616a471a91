"""The pipes between this process and a program that it waits for."""

from __future__ import annotations

import os
import select
import selectors
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO


@dataclass(frozen=True, kw_only=True, slots=True)
class Streams:
    """A program's stdout and stderr: the ends that it writes to, and those that are read here."""

    writes: tuple[int, int]
    reads: tuple[int, int]

    def files(self) -> tuple[IO[bytes], IO[bytes]]:
        """The ends that are read here, as files; whoever takes them closes them."""
        first, second = (os.fdopen(each, "rb", buffering=0) for each in self.reads)
        return first, second


@contextmanager
def streams() -> Iterator[Streams]:
    """Two pipes of which the program is to inherit all ends, those for reading as well.

    So there is a reader as long as it lives: it may say its last words when this process has died, and is not ended for
    saying them (SIGPIPE). The ends that it writes to are closed here afterwards; where it is not started, all are.
    """
    (first_read, first_write), (second_read, second_write) = os.pipe(), os.pipe()
    made = Streams(writes=(first_write, second_write), reads=(first_read, second_read))
    try:
        yield made
    except BaseException:
        for each in made.reads:
            os.close(each)
        raise
    finally:
        for each in made.writes:
            os.close(each)


class Input:
    """What a program is still to read. It is written bit by bit: a program may answer before it has read all."""

    def __init__(self, stdin: IO[bytes] | None, rest: bytes) -> None:
        self._stdin = stdin
        self._rest = memoryview(rest)

    def register(self, selector: selectors.BaseSelector) -> None:
        """Have `write` called whenever there is room."""
        if self._stdin is not None:
            selector.register(self._stdin, selectors.EVENT_WRITE, self)

    def write(self, selector: selectors.BaseSelector) -> None:
        """Write as much as surely fits, and close after the last byte; whoever does not read it needs none."""
        assert self._stdin is not None
        try:
            self._rest = self._rest[os.write(self._stdin.fileno(), self._rest[: select.PIPE_BUF]) :]
        except BrokenPipeError:
            self._rest = self._rest[:0]
        if not self._rest:
            selector.unregister(self._stdin)
            self._stdin.close()
