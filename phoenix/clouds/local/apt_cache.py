"""The packages and indexes that apt fetched, lent to every chroot bake, so that the next one fetches nothing twice.

Each bake gets hard links in directories of its own, mounted where apt looks, so bakes side by side need no lock
and a half-fetched file is never shared. apt replaces files and never writes into them. What is mounted is no part
of the image: none of it is ever in one.
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


def lend(directory: Path) -> None:
    """Lay out `directory` for a bake: `archives` and `lists`, with links to every cached package and index."""
    for name in (ARCHIVES, LISTS):
        (directory / name / "partial").mkdir(parents=True)
        _link_all(_shared(name), directory / name)


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
    try:
        target.hardlink_to(file)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copy2(file, target)


def _files(directory: Path) -> list[Path]:
    """What is to be shared: not apt's locks, and not what another bake is just linking."""
    return [path for path in directory.iterdir() if path.is_file() and path.name[0] != "." and path.name != "lock"]
