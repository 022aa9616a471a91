"""The root of a fenced machine: an overlay of directories whose owners are shifted, so that its root is nobody here.

A fenced machine runs in a user namespace: its root is a user of the computer that owns nothing. The files of its image
belong to the computer's root all the same, so each directory is mounted with its owners shifted (mount_setattr(2),
MOUNT_ATTR_IDMAP), and the overlay is made of the shifted ones. That needs Linux 5.19, and file systems that can be
shifted (ext4, xfs and btrfs can). All is mounted below a directory that the machine's root may pass through, wherever
the project lies.
"""

from __future__ import annotations

import ctypes
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from phoenix.tools import overlay
from phoenix.tools.mounts import NO_DEVICES, NO_SETUID, mount, mount_shifted
from phoenix.tools.namespaces import checked

FIRST_USER, USERS, RANGES = 0x70000000, 1 << 20, 256
"""Where machines' users begin on the computer, above what systemd gives out (uids.conf in systemd's docs); how many
each machine has; and how many ranges there are. Machines of one range share quotas of keys, and nothing else."""
ROOT = "root"
"""Where the overlay is mounted, below the scaffold."""
_CAPABILITY_VERSION = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Capabilities(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


def first_user(name: str) -> int:
    """The computer's number for the root of the machine that bears this name."""
    return FIRST_USER + zlib.crc32(name.encode()) % RANGES * USERS


def extents(first: int) -> tuple[str, ...]:
    """The users of a machine whose root is the user `first` of the computer."""
    return (f"0 {first} {USERS}",)


def make_root(scaffold: Path, users: int, first: int, lower: Path, layers: Path, shared: Mapping[str, Path]) -> None:
    """Mount at `scaffold`/root the overlay of the tree `lower` and of `upper` and `work` in the directory `layers`.

    Each directory of `shared` is mounted at `scaffold`/NAME. `users` is the machine's user namespace, in which 0 is the
    user `first` of the computer.
    """
    mount("scaffold", str(scaffold), "tmpfs", "mode=755", NO_DEVICES | NO_SETUID)
    for name, source in {"lower": lower, "layers": layers, **shared}.items():
        (scaffold / name).mkdir()
        mount_shifted(source, scaffold / name, users)
    (scaffold / ROOT).mkdir()
    upper, work = scaffold / "layers/upper", scaffold / "layers/work"
    with _acting_as(first):
        mount("overlay", str(scaffold / ROOT), "overlay", overlay.options(scaffold / "lower", upper, work, root=True))


@contextmanager
def _acting_as(user: int) -> Iterator[None]:
    """Be `user` towards file systems. An overlay acts as who mounted it: its root on disk is the computer's root,
    and through a shifted layer that is `user`. Without this it comes up read-only.
    """
    _libc.setfsgid(user)
    _libc.setfsuid(user)
    _keep_capabilities()
    try:
        yield
    finally:
        _libc.setfsuid(0)
        _libc.setfsgid(0)
        _keep_capabilities()


def _keep_capabilities() -> None:
    """Take back what setfsuid(2) has just dropped."""
    header, sets = _Header(_CAPABILITY_VERSION, 0), (_Capabilities * 2)()
    checked(_libc.capget(ctypes.byref(header), sets), "capget")
    for each in sets:
        each.effective = each.permitted
    checked(_libc.capset(ctypes.byref(header), sets), "capset")
