"""A queue of processes in a directory: whoever takes a ticket first is served first, and the dead wait for nobody.

A ticket is a file with a number, locked by the process that waits with it: the kernel unlocks it when that process
ends, however it ends. So nobody has to be asked whether he lives, and no process number means anything.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

_DOOR = "door"
"""Locked, for microseconds, by whoever takes a ticket or looks at those of others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """A place in a queue, held by this process. `handle`: of its open and locked file."""

    file: Path
    number: int
    handle: int


def take(queue: Path) -> Ticket:
    """Take the next ticket. OSError where the directory cannot be used."""
    queue.mkdir(parents=True, exist_ok=True)
    with _Door(queue):
        number = max(_numbers(queue), default=0) + 1
        file = queue / str(number)
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(handle, fcntl.LOCK_EX)
    return Ticket(file=file, number=number, handle=handle)


def before(queue: Path, ticket: Ticket) -> int:
    """How many come before; 0 where no living process does. What dead ones left in front is removed."""
    with _Door(queue):
        earlier = sorted(number for number in _numbers(queue) if number < ticket.number)
        first = next((place for place, number in enumerate(earlier) if _is_held(queue / str(number))), len(earlier))
    return len(earlier) - first


def give_back(ticket: Ticket) -> None:
    """Leave the queue."""
    ticket.file.unlink(missing_ok=True)
    os.close(ticket.handle)


class _Door:
    """The queue's own lock, as a context."""

    def __init__(self, queue: Path) -> None:
        self._file = queue / _DOOR
        self._handle = -1

    def __enter__(self) -> None:
        self._handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def __exit__(self, *_error: object) -> None:
        os.close(self._handle)


def _numbers(queue: Path) -> list[int]:
    return [int(file.name) for file in queue.iterdir() if file.name.isdigit()]


def _is_held(file: Path) -> bool:
    """Whether a living process holds the ticket; one that is not is removed."""
    try:
        handle = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False  # given back just now
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        file.unlink(missing_ok=True)
        return False
    finally:
        os.close(handle)
