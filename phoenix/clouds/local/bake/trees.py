"""Root file systems as directory trees: copied by hard links, overlaid while they are baked, made flat again.

Every image has one whole tree, so that a light machine needs one lower directory and a parent can be deleted
without its children. The copies cost no space: files are shared by hard links, and nobody ever writes into a
file of a finished tree (a bake writes through an overlay, which copies a file before it is changed).
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path

from phoenix.tools.process import Command, run

TIMEOUT = 600.0
"""Seconds that copying or removing a tree may take on a slow disk."""
OVERLAY_ATTRIBUTES = ("trusted.overlay.", "user.overlay.")
"""Notes that overlayfs leaves on what it copied; `user.` is for mounts by ordinary users."""
OPAQUE = tuple(f"{prefix}opaque" for prefix in OVERLAY_ATTRIBUTES)


def copy(source: Path, into: Path) -> None:
    """Make `into` a copy of the tree `source`: by hard links where both are on one file system."""
    same_disk = source.stat().st_dev == into.parent.stat().st_dev
    how = "-al" if same_disk else "-a"
    command = ("cp", how, "--no-target-directory", "--", str(source), str(into))
    run(Command(argv=command, contained=os.geteuid() != 0), timeout=TIMEOUT)


def remove(path: Path) -> None:
    """Remove a tree; one that is not there is removed already. Never leaves its file system.

    An ordinary user's trees belong to that user's subordinate ids, so they are removed from a namespace.
    """
    command = ("rm", "-rf", "--one-file-system", "--", str(path))
    run(Command(argv=command, contained=os.geteuid() != 0), timeout=TIMEOUT)


def flatten(lower: Path, upper: Path, into: Path) -> None:
    """Make `into` the tree that an overlay of `upper` on `lower` showed; `upper` is used up, `lower` stays."""
    copy(lower, into)
    if os.geteuid() == 0:
        apply_upper(upper, into)
    else:
        argv = (sys.executable, "-m", __name__, str(upper), str(into))
        run(Command(argv=argv, contained=True), timeout=TIMEOUT)


def apply_upper(upper: Path, into: Path) -> None:
    """Move what an overlay's upper directory holds onto `into`, a copy of its lower one; `upper` is used up."""
    before = upper.stat()  # moving entries out of it changes its times
    for entry in sorted(os.scandir(upper), key=lambda entry: entry.name):
        target = into / entry.name
        status = entry.stat(follow_symlinks=False)
        if _is_whiteout(status):
            _discard(target)
        elif stat.S_ISDIR(status.st_mode):
            if _is_opaque(entry.path) or not _is_directory(target):
                _discard(target)
                target.mkdir()
            apply_upper(Path(entry.path), target)
        else:
            _forget_overlay(entry.path)
            _discard(target)
            Path(entry.path).rename(target)
    _forget_overlay(str(upper))
    os.chown(into, before.st_uid, before.st_gid)
    shutil.copystat(upper, into)
    os.utime(into, ns=(before.st_atime_ns, before.st_mtime_ns))


def _is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _is_opaque(path: str) -> bool:
    return any(name in OPAQUE for name in os.listxattr(path, follow_symlinks=False))


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _discard(path: Path) -> None:
    if _is_directory(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _forget_overlay(path: str) -> None:
    for name in os.listxattr(path, follow_symlinks=False):
        if name.startswith(OVERLAY_ATTRIBUTES):
            os.removexattr(path, name, follow_symlinks=False)


if __name__ == "__main__":  # an ordinary user's trees are changed from within a namespace, see `flatten`
    apply_upper(Path(sys.argv[1]), Path(sys.argv[2]))
