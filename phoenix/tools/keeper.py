"""A program of its own, `keeper.py PROGRAM ARGUMENT...`: runs PROGRAM, and nothing that it started outlives it.

A process that begins a session of its own is no longer in the group that is ended with its parent. But it stays a
descendant: whoever loses its parent becomes a child of this process (PR_SET_CHILD_SUBREAPER, prctl(2)). So when
PROGRAM has ended, or this process is asked to end (SIGTERM, also by the death of phoenix), all of them are ended.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_ASKS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_GRACE, _LAST = 5.0, 4.0
"""Seconds from SIGTERM to SIGKILL, and from there until it gives up: less than phoenix waits for this process."""
_LOOK = 0.02
NOT_STARTED = 127
"""The exit code where PROGRAM could not be started, as a shell has it."""
SHOWN = 5


class _AskedError(Exception):
    """This process is to end, by the signal of that number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main(argv: list[str]) -> int:
    """Run it to its end; its exit code, 128 + the number of the signal that ended it, or this process."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    for number in _ASKS:
        signal.signal(number, _raise)
    try:
        child = _started(argv)
        code = _waited(child)
    except _AskedError as asked:
        _refuse_asks()
        _end_all(signal.SIGTERM)
        return 128 + asked.number
    _refuse_asks()
    left = [_name(pid) for pid in _below()]
    if left:
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        told = f"phoenix: it has ended and left running: {', '.join(left[:SHOWN])}{more}; ended, too\n"
        with suppress(OSError):
            os.write(2, told.encode())
        _end_all(signal.SIGTERM)
    return code


def _started(argv: list[str]) -> int:
    child = os.fork()
    if child:
        return child
    for number in _ASKS:
        signal.signal(number, signal.SIG_DFL)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
    os._exit(NOT_STARTED)


def _waited(child: int) -> int:
    """How the child ended; whoever else has ended is waited for, too."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _end_all(first: signal.Signals) -> None:
    """End all descendants, and those that these start meanwhile."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    began = time.monotonic()
    asked: set[int] = set()
    while time.monotonic() - began < _GRACE + _LAST:
        _reap()
        below = list(_below())
        if not below:
            return
        hard = time.monotonic() - began >= _GRACE
        for pid in below:
            if hard or pid not in asked:
                asked.add(pid)
                with suppress(OSError):  # gone, or another user's
                    os.kill(pid, signal.SIGKILL if hard else first)
        signal.sigtimedwait({signal.SIGCHLD}, _LOOK)


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _below() -> Iterator[int]:
    """The processes that descend from this one and have not ended."""
    parents = dict(_parents())
    found = {os.getpid()}
    while True:
        new = {pid for pid, parent in parents.items() if parent in found} - found
        if not new:
            break
        found |= new
    yield from sorted(found - {os.getpid()})


def _parents() -> Iterator[tuple[int, int]]:
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with suppress(OSError):
                fields = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
                if fields[0] not in "ZX":
                    yield int(process.name), int(fields[1])


def _name(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        words = ""
    return f"{words[:60] or 'a program'} ({pid})"


def _raise(number: int, _frame: object) -> None:
    raise _AskedError(number)


def _refuse_asks() -> None:
    """It is ending already."""
    for number in _ASKS:
        signal.signal(number, signal.SIG_IGN)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
