"""Mounts by system calls: a mount program for each would cost every machine's start a thousandth or two."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from phoenix.tools.namespaces import checked

NO_SETUID, NO_DEVICES, NO_PROGRAMS = 2, 4, 8
BIND, RECURSIVE, PRIVATE = 1 << 12, 1 << 14, 1 << 18
"""Flags of mount(2): MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE."""
READ_ONLY, DEVICELESS, SHIFTED = 1, 4, 0x00100000
"""Attributes of mount_setattr(2): MOUNT_ATTR_RDONLY, MOUNT_ATTR_NODEV, MOUNT_ATTR_IDMAP. Linux 5.12 has the first two,
5.19 the third under an overlay."""
SCAFFOLDS = ("/mnt", "/srv", "/media", "/opt")
"""Directories that every Debian has. One is covered, for nobody but a machine or a bake, while its mounts are made."""

_MNT_DETACH, _CLONE, _EMPTY_PATH, _ALL_BELOW, _HERE, _MOVE_EMPTY_PATH = 2, 1, 0x1000, 0x8000, -100, 4
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
"""Numbers of system calls that the C library of Debian 12 has no names for; the same on every architecture."""
_libc = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns_fd")]


def scaffold(*busy: Path) -> Path:
    """A directory to make mounts in that covers none of the paths `busy`, nor what this process runs from."""
    used = (*busy, Path(sys.prefix), Path(sys.base_prefix), Path(__file__))
    for place in map(Path, SCAFFOLDS):
        if place.is_dir() and not any(path.is_relative_to(place) for path in used):
            return place
    raise OSError(f"each of {', '.join(SCAFFOLDS)} is in use or not there: one of them has to be free to be covered")


def mount(source: str, target: str, kind: str, options: str = "", flags: int = 0) -> None:
    """mount(2)."""
    words = (source.encode(), target.encode(), kind.encode(), flags, options.encode())
    checked(_libc.mount(*words), f"mounting {kind} on {target}")


def bind(source: Path, target: Path) -> None:
    """Show a file, or a directory without what is mounted in it, at a second place, which is there."""
    mount(str(source), str(target), "none", flags=BIND)


def unmount(path: str) -> None:
    """Take the mount at `path` off, for everybody who comes later."""
    checked(_libc.umount2(path.encode(), _MNT_DETACH), f"unmounting {path}")


def set_attributes(path: Path, *, add: int = 0, clear: int = 0, below: bool = False) -> None:
    """Change the attributes of the mount at `path`, and with `below` of all in it."""
    attributes = _Attributes(add, clear, 0, 0)
    where = (_HERE, str(path).encode(), _ALL_BELOW if below else 0)
    changed = _libc.syscall(_MOUNT_SETATTR, *where, ctypes.byref(attributes), ctypes.sizeof(attributes))
    checked(changed, f"the attributes of {path}")


def mount_shifted(source: Path, target: Path, users: int) -> None:
    """Show the directory `source` at `target`, with owners as the user namespace `users` sees them."""
    tree = checked(_libc.syscall(_OPEN_TREE, _HERE, str(source).encode(), _CLONE | os.O_CLOEXEC), f"opening {source}")
    try:
        shifted = _Attributes(SHIFTED, 0, 0, users)
        size = ctypes.sizeof(shifted)
        done = _libc.syscall(_MOUNT_SETATTR, tree, b"", _EMPTY_PATH, ctypes.byref(shifted), size)
        checked(done, f"shifting the owners of {source}")
        moved = _libc.syscall(_MOVE_MOUNT, tree, b"", _HERE, str(target).encode(), _MOVE_EMPTY_PATH)
        checked(moved, f"mounting {source} on {target}")
    finally:
        os.close(tree)


def move_root(root: Path) -> None:
    """Make the mount at `root` the root of this mount namespace; what was there before is seen no more."""
    os.chdir(root)
    checked(_libc.pivot_root(b".", b"."), f"moving into {root}")
    unmount(".")
    os.chdir("/")
