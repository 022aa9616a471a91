"""The way into a light machine, and the marks that somebody is inside of it, or was.

A machine that somebody was inside of may be another than its siblings: a snowflake. So it bears who that was, last,
and until when. While somebody is inside a lock is held, which goes with whoever holds it, however that ends.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from phoenix import names
from phoenix.clouds.local.machines import engines
from phoenix.clouds.local.machines.machine_files import MachineFiles, read_record
from phoenix.errors import RefusedError, SpecError
from phoenix.tools import attended, runc

MARK = "touched"
LOCK = "inside"
SHELL = ("/bin/bash", "-l")


def command(root: Path, instance: str, words: tuple[str, ...], *, terminal: bool) -> tuple[str, ...]:
    """The program that runs `words` (else a shell) inside of the machine, with this process's own input and output.

    It runs as the machine's own root does, in its limits, and with `terminal` on a terminal of its own: who is root
    there can reach nothing of the person's.

    SpecError where there is no such machine, RefusedError where nobody can get into it.
    """
    files = files_of(root, instance)
    started = read_record(files)
    if started is None:
        raise SpecError(
            f"there is no machine {instance}", details=f"looked below {root}", resolution="See `phoenix status`."
        )
    if started.engine not in (engines.LIGHT, engines.OPEN):
        raise RefusedError(
            f"{instance} is a virtual machine, which has no way in",
            details=f"it runs on {started.engine}; no key of yours is in its image",
            resolution=f"See what it says: `phoenix logs {instance} --console`.",
        )
    if not all(process.alive for process in started.processes.values()):
        raise RefusedError(
            f"{instance} is dead",
            details="one of its processes has ended",
            resolution=f"See what it said: `phoenix logs {instance}`.",
        )
    environment = {"HOME": "/root", "TERM": "xterm" if terminal else "dumb"}
    way = runc.exec_argv(files.directory, files.container, words or SHELL, environment, terminal=terminal)
    return runc.from_outside(files.directory, way)


def go_in(root: Path, instance: str, way: tuple[str, ...], who: Callable[[], str]) -> int:
    """Run the way in until whoever is inside comes back; its exit code.

    `who` says who that is, and the time: written down at the beginning, and again at the end.
    """
    files = files_of(root, instance)
    with _held(files):
        mark(files, who())
        try:
            return attended.run(way)
        finally:
            with suppress(OSError):  # the machine was ended meanwhile, or the disk is full: the first mark has to do
                mark(files, who())


def mark(files: MachineFiles, who: str) -> None:
    """Write down who is inside, or was until now: all of it, or what stood there stays (a full disk)."""
    new = files.directory / f".{MARK}.{os.getpid()}"
    new.write_text(f"{who}\n", encoding="utf-8")
    new.replace(files.directory / MARK)


def touched(files: MachineFiles) -> str:
    """Who was inside last, and when; empty: nobody."""
    try:
        return (files.directory / MARK).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def inside(files: MachineFiles) -> bool:
    """Whether somebody is inside now. Takes no lock itself: two that look do not see each other."""
    try:
        file = os.open(files.directory / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        found = fcntl.fcntl(file, fcntl.F_OFD_GETLK, _whole(fcntl.F_WRLCK))
    finally:
        os.close(file)
    return found[:2] != _whole(fcntl.F_UNLCK)[:2]


@contextmanager
def _held(files: MachineFiles) -> Iterator[None]:
    """While this holds somebody is inside; several may be."""
    file = os.open(files.directory / LOCK, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, _whole(fcntl.F_RDLCK))
        yield
    finally:
        os.close(file)


def _whole(kind: int) -> bytes:
    """A lock of that kind over a whole file, as the kernel has it (struct flock)."""
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 0, 0)


def files_of(root: Path, instance: str) -> MachineFiles:
    """The files of the machine of that name."""
    return MachineFiles(root=root, group=names.group_of_instance(instance) or "", name=instance)
