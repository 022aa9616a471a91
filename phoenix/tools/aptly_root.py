"""The directory that one aptly lives in: where what lies, and the lock that lets one process write at a time."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from phoenix.clock import Clock
from phoenix.errors import RefusedError
from phoenix.tools import tickets
from phoenix.tools.process import ProcessId
from phoenix.wait import DeadlineError, Look, Verdict, wait_for

IDENTITY = "repository-id"
"""What the file is called that says which repository it is."""
_RUN_PREFIX = "phoenix-aptly-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Root:
    """The root directory of an aptly, and the places in it."""

    path: Path

    @property
    def public(self) -> Path:
        """What a web server serves: aptly's `dists` and `pool`, and our key and identity beside them."""
        return self.path / "public"

    @property
    def key(self) -> Path:
        """The armoured public key that machines verify with; not there where the publication is unsigned."""
        return self.public / "key.asc"

    @property
    def identity(self) -> Path:
        """A word that no other repository has: whoever serves it, serves this root."""
        return self.public / IDENTITY

    @property
    def gnupg(self) -> Path:
        """The GnuPG home of the key that phoenix made for this root."""
        return self.path / "gnupg"

    @property
    def signers(self) -> Path:
        """The fingerprints of the keys that sign, a line each, oldest first; not there: all that there are."""
        return self.path / "signers"

    @property
    def database(self) -> Path:
        """aptly's own database; not there before aptly ran."""
        return self.path / "db"

    @property
    def indexes(self) -> Path:
        """Links to the indexes that machines may still ask for by their hash."""
        return self.path / "indexes"

    @property
    def reserve(self) -> Path:
        """A file that takes room for the way back: removed first where a change failed, perhaps of a full disk."""
        return self.path / "reserve"

    @property
    def retired(self) -> Path:
        """What is remembered of states whose packages were given up."""
        return self.path / "retired.json"

    @property
    def superseded(self) -> Path:
        """Since when the bucket has what nothing names any more."""
        return self.path / "superseded.json"

    @property
    def log(self) -> Path:
        """What aptly said since it was last started."""
        return self.path / "aptly.log"

    @property
    def server(self) -> Path:
        """Which process serves the root, if phoenix does."""
        return self.path / "serve.json"

    def prepare(self) -> None:
        """Make what is missing. RefusedError where the directory cannot be used."""
        try:
            self.public.mkdir(parents=True, exist_ok=True)
            if not self.identity.exists():
                fresh = self.path / "repository-id.new"
                fresh.write_text(f"{uuid4().hex}\n")
                fresh.replace(self.identity)
        except OSError as error:
            raise self.unusable(error) from error

    def unusable(self, error: OSError) -> RefusedError:
        """The error that says that files in the root cannot be read or written."""
        return RefusedError(
            "the repository's directory cannot be used",
            details=f"{self.path}: {error.strerror or error}",
            resolution="Give this user a directory it may write, or set another `root` for it in phoenix.yaml.",
        )


RESERVE = 4_000_000
"""Bytes that a way back needs at most: aptly's database, and the former indexes signed once more."""


FULL = 1_000_000
"""Bytes that aptly needs to open its database; with less free a disk is full."""
_EDGE = 65_536
"""Bytes that a file system may need for itself to give away the last that are free."""


MAKE_ROOM = "Give it room: `phoenix repository prune --plan` says which versions could go."
"""What is to be done on a full disk, as long as there is a reserve: opening aptly takes it."""


def is_full(root: Root) -> bool:
    """Whether the disk has so little room that aptly cannot even be asked."""
    return free(root) < FULL


def free(root: Root) -> int:
    """Bytes that may still be written on the disk of the root."""
    disk = os.statvfs(root.path)
    return disk.f_bavail * disk.f_frsize


def keep_reserve(root: Root) -> None:
    """Take the room that a way back needs, unless it is taken. OSError where that would fill the disk."""
    missing = RESERVE - (root.reserve.stat().st_size if root.reserve.exists() else 0)
    if missing <= 0:
        return
    if free(root) < missing + FULL:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    _reserve(root, RESERVE)


def take_back_reserve(root: Root) -> None:
    """Take of that room what there is, after it was given away: aptly has written some to its logs meanwhile."""
    there = min(RESERVE, free(root) - _EDGE)
    if there > 0:
        with suppress(OSError):  # others are filling the disk
            _reserve(root, there)


def _reserve(root: Root, size: int) -> None:
    with root.reserve.open("ab") as file:
        os.posix_fallocate(file.fileno(), 0, size)


@contextmanager
def locked(
    root: Root, name: str, *, holder: str, clock: Clock, deadline: float, say: Callable[[str], None]
) -> Iterator[None]:
    """Hold the lock `name` of the root. `holder` says, to whoever waits for us, who holds it and since when.

    Who came first is served first. Waits at most `deadline` seconds, telling for whom; then RefusedError.
    """
    root.prepare()
    lock, note = FileLock(root.path / f"{name}.lock"), root.path / f"{name}.holder"
    queue = root.path / f"{name}.queue"
    try:
        ticket = tickets.take(queue)
    except OSError as error:
        raise root.unusable(error) from error

    def look() -> Look:
        before = tickets.before(queue, ticket)
        try:
            if not before:
                lock.acquire(blocking=False)
                return Look(verdict=Verdict.PASS, seen="")
        except Timeout:
            pass
        except OSError as error:
            raise root.unusable(error) from error
        held = note.read_text() if note.exists() else "another"
        others = f", and {before - 1} before us" if before > 1 else ""
        return Look(verdict=Verdict.UNKNOWN, seen=f"waiting for {held}{others}")

    try:
        _wait(root, look, clock=clock, deadline=deadline, say=say)
        note.write_text(holder)
        yield
    finally:
        lock.release()
        tickets.give_back(ticket)


def _wait(root: Root, look: Callable[[], Look], *, clock: Clock, deadline: float, say: Callable[[str], None]) -> None:
    try:
        wait_for(f"the lock of {root.path}", look, clock=clock, deadline=deadline, interval=0.05, on_change=_told(say))
    except DeadlineError as error:
        raise RefusedError(
            "the repository is busy",
            details=f"after {deadline:g} s: {error.details.removeprefix('last seen: ')}",
            resolution="Try again when that has ended; a process that hangs can be ended by its number.",
        ) from error


def _told(say: Callable[[str], None]) -> Callable[[str], None]:
    return lambda seen: say(seen) if seen else None


@contextmanager
def short_path(root: Root) -> Iterator[Path]:
    """A directory with a short path for sockets (a socket's path has at most 107 bytes), gone at the end.

    `gnupg` in it leads to the root's GnuPG home. Needs the write lock: what a killed process left is removed.
    """
    mark = root.path / "run"
    _remove_run(mark)
    directory = Path(tempfile.mkdtemp(prefix=_RUN_PREFIX, dir="/tmp"))
    mark.symlink_to(directory)
    (directory / "gnupg").symlink_to(root.gnupg.absolute())
    try:
        yield directory
    finally:
        _remove_run(mark)


def _remove_run(mark: Path) -> None:
    if mark.is_symlink():
        directory = mark.readlink()
        if directory.parent == Path("/tmp") and directory.name.startswith(_RUN_PREFIX):
            shutil.rmtree(directory, ignore_errors=True)
        mark.unlink()


def note_process(root: Root, pid: int) -> None:
    """Write down which process is this root's aptly, for the case that we are killed and it lives on."""
    identity = ProcessId.of(pid)
    if identity is not None:
        facts = {"pid": identity.pid, "started": identity.started, "boot": identity.boot}
        (root.path / "aptly.process").write_text(json.dumps(facts))


def end_left_over(root: Root) -> None:
    """End the aptly of a process that was killed, if it still runs. Needs the write lock."""
    try:
        facts = json.loads((root.path / "aptly.process").read_text())
        ProcessId(pid=facts["pid"], started=facts["started"], boot=facts["boot"]).end()
    except (FileNotFoundError, ValueError, KeyError):
        return
