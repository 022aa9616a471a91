"""The packages and indexes that apt fetched, lent to every chroot bake, so that the next one fetches nothing twice.

Each bake gets hard links in directories of its own, mounted where apt looks, so bakes side by side need no lock
and a half-fetched file is never shared. apt replaces files and never writes into them; nobody else can, as the
directories are the bake's and the files in them are not. What is mounted is no part of the image: none of it is ever
in one.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from phoenix.tools.cache import cache_directory

ARCHIVES = "archives"
LISTS = "lists"
KEEP = 14 * 86400.0
"""Seconds after which a cached package is dropped; who needs it still fetches it again."""


def lend(directory: Path, user: int = 0) -> None:
    """Lay out `directory` for a bake: `archives` and `lists`, with links to every cached package and index.

    The directories are those of `user`, if not 0: who is root in the bake.
    """
    for name in (ARCHIVES, LISTS):
        (directory / name / "partial").mkdir(parents=True)
        if user and name == LISTS:
            _copy_all(_shared(name), directory / name, user)  # apt gives itself what it looks at again
        else:
            _link_all(_shared(name), directory / name)
        for path in (directory / name, directory / name / "partial") if user else ():
            os.chown(path, user, user)


def take_back(directory: Path) -> None:
    """Keep for later bakes what this one fetched; drop the packages that were fetched long ago."""
    known = {file.name for file in _files(_shared(ARCHIVES))}
    for deb in _files(directory / ARCHIVES):
        if deb.name not in known:
            os.utime(deb)  # apt gives it the mirror's date
    for name in (ARCHIVES, LISTS):
        _link_all(directory / name, _shared(name))
    for deb in _files(_shared(ARCHIVES)):
        if time.time() - deb.stat().st_mtime > KEEP:
            deb.unlink(missing_ok=True)


def _shared(name: str) -> Path:
    directory = cache_directory() / "apt" / name
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _copy_all(source: Path, target: Path, user: int) -> None:
    """Give every file of `source` to `user`, as a copy in `target`."""
    for file in _files(source):
        with suppress(FileNotFoundError):  # another bake has just dropped it
            shutil.copy2(file, target / file.name)
            os.chown(target / file.name, user, user)


def _link_all(source: Path, target: Path) -> None:
    """Make every file of `source` one of `target`, too."""
    for file in _files(source):
        with suppress(FileNotFoundError):  # another bake has just dropped it
            _share(file, target)


def _share(file: Path, directory: Path) -> None:
    target = directory / file.name
    if target.exists() and file.samefile(target):
        return  # renaming one link over another of the same file would leave both
    unfinished = directory / f".{file.name}.{os.getpid()}"
    _link(file, unfinished)
    unfinished.replace(target)


def _link(file: Path, target: Path) -> None:
    """A second name for the file, which is then the computer's root's, as all that is shared."""
    try:
        target.hardlink_to(file)
        if os.geteuid() == 0:
            os.chown(target, 0, 0, follow_symlinks=False)
            target.chmod(0o644)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copy2(file, target)


def _files(directory: Path) -> list[Path]:
    """What is to be shared: plain files, not apt's locks, and not what another bake is just linking."""
    with os.scandir(directory) as entries:
        plain = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
    return [directory / name for name in plain if name[0] != "." and name != "lock"]
