"""The mounts of a fenced machine, made in a mount namespace that nobody else sees.

A fenced machine runs in a user namespace: its root is the user BASE of the computer, who owns nothing. The files of
its image belong to the computer's root all the same, so each directory is mounted with its owners shifted by BASE
(mount_setattr(2), MOUNT_ATTR_IDMAP), and the overlay is made of the shifted ones. That needs a kernel of 5.19 or
newer. Everything is mounted below a directory that the machine's root may pass through, wherever the project lies.

All of it by system calls: they stand in the way of every machine's start, and a program that makes them would take
15 ms to begin.
"""

from __future__ import annotations

import ctypes
import os
import signal
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FIRST_USER, USERS, RANGES = 0x70000000, 1 << 20, 256
"""Where machines' users begin on the computer, above what systemd gives out (uids.conf in systemd's docs); how many
each machine has; and how many machines have others than their neighbours. Sharing a range costs only quotas of keys."""
STAGES = ("/mnt", "/srv", "/media", "/opt")
"""Directories that every Debian has. One is covered, for nobody but the machine, while its mounts are made."""
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_PRIVATE, MS_REC = 1 << 18, 1 << 14
MS_NODEV, MS_NOSUID = 4, 2
MNT_DETACH = 2
MOVE_MOUNT_F_EMPTY_PATH = 4
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NODEV, MOUNT_ATTR_IDMAP = 1, 4, 0x00100000
OPEN_TREE_CLONE, AT_EMPTY_PATH, AT_RECURSIVE, AT_FDCWD = 1, 0x1000, 0x8000, -100
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442
"""Numbers of system calls that the C library of Debian 12 has no names for; the same on every architecture."""
CAPABILITY_VERSION = 0x20080522

LOWER, LAYERS, ROOT = "lower", "layers", "root"
"""What is mounted below the stage: the image's tree, the directory of `upper` and `work`, and the overlay of both."""
OVERLAY = "lowerdir={stage}/lower,upperdir={stage}/layers/upper,workdir={stage}/layers/work,{more}"

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns_fd")]


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Capabilities(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def first_user(name: str) -> int:
    """The computer's number for the root of the machine that bears this name."""
    return FIRST_USER + zlib.crc32(name.encode()) % RANGES * USERS


def stage(*busy: str) -> str:
    """A directory to make mounts in that covers none of the paths `busy`."""
    there = (place for place in STAGES if Path(place).is_dir())
    return next(place for place in there if not any(Path(path).is_relative_to(place) for path in busy))


def user_namespace(first: int, count: int = USERS) -> int:
    """A descriptor of a new user namespace in which 0 is the user and group `first`, and so on for `count` of them."""
    ready, made = os.pipe()
    child = os.fork()
    if child == 0:
        done = _libc.unshare(CLONE_NEWUSER)
        os.write(made, bytes([done != 0]))
        signal.pause()
    try:
        if os.read(ready, 1) != b"\0":
            raise OSError(f"this kernel gives {os.geteuid()} no user namespace")
        for kind in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{kind}").write_text(f"0 {first} {count}")
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def mount(source: str, target: str, kind: str, options: str = "", flags: int = 0) -> None:
    """mount(2)."""
    words = (source.encode(), target.encode(), kind.encode(), flags, options.encode())
    _checked(_libc.mount(*words), f"mounting {kind} on {target}")


def mount_shifted(source: str, target: str, namespace: int) -> None:
    """Show the directory `source` at `target`, with owners as the user namespace `namespace` sees them."""
    tree = _checked(
        _libc.syscall(OPEN_TREE, AT_FDCWD, source.encode(), OPEN_TREE_CLONE | os.O_CLOEXEC), f"open_tree {source}"
    )
    shifted = _MountAttributes(MOUNT_ATTR_IDMAP, 0, 0, namespace)
    size = ctypes.sizeof(shifted)
    _checked(_libc.syscall(MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH, ctypes.byref(shifted), size), f"shifting {source}")
    moved = _libc.syscall(MOVE_MOUNT, tree, b"", AT_FDCWD, target.encode(), MOVE_MOUNT_F_EMPTY_PATH)
    _checked(moved, f"mounting {source} on {target}")
    os.close(tree)


def set_attributes(path: str, *, add: int = 0, clear: int = 0, below: bool = False) -> None:
    """Change the attributes of the mount at `path`, and with `below` of all in it: mount_setattr(2)."""
    attributes = _MountAttributes(add, clear, 0, 0)
    where = (AT_FDCWD, path.encode(), AT_RECURSIVE if below else 0)
    changed = _libc.syscall(MOUNT_SETATTR, *where, ctypes.byref(attributes), ctypes.sizeof(attributes))
    _checked(changed, f"the attributes of {path}")


def pivot(root: str) -> None:
    """Make the mount at `root` the root of this mount namespace; what was there before is seen no more."""
    os.chdir(root)
    _checked(_libc.pivot_root(b".", b"."), f"moving into {root}")
    unmount(".")
    os.chdir("/")


def unmount(path: str) -> None:
    """Take the mount at `path` off, for everybody who comes later."""
    _checked(_libc.umount2(path.encode(), MNT_DETACH), f"unmounting {path}")


@contextmanager
def unseen() -> Iterator[None]:
    """Be in a new mount namespace: what is mounted meanwhile is seen by this process and what it starts, and is gone
    with the last of them. Needs root.

    setns(2) forgets where a process was, and into what it was moved by chroot; both are put back.
    """
    own = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    root, here = (os.open(path, os.O_PATH | os.O_CLOEXEC) for path in ("/", "."))
    try:
        _checked(_libc.unshare(CLONE_NEWNS), "a new mount namespace")
        try:
            mount("none", "/", "none", flags=MS_REC | MS_PRIVATE)
            yield
        finally:
            _checked(_libc.setns(own, CLONE_NEWNS), "coming back to this computer's mounts")
            os.fchdir(root)
            os.chroot(".")
            os.fchdir(here)
    finally:
        for descriptor in (own, root, here):
            os.close(descriptor)


@contextmanager
def acting_as(user: int) -> Iterator[None]:
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
    header, sets = _Header(CAPABILITY_VERSION, 0), (_Capabilities * 2)()
    _checked(_libc.capget(ctypes.byref(header), sets), "capget")
    for each in sets:
        each.effective = each.permitted
    _checked(_libc.capset(ctypes.byref(header), sets), "capset")


def enter(namespace: int) -> None:
    """Become root of the user namespace, for good."""
    _checked(_libc.setns(namespace, CLONE_NEWUSER), "entering a user namespace")
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def make_root(
    stage: str, first: int, namespace: int, lower: str, layers: str, shared: dict[str, str], more: str
) -> None:
    """Mount the machine's root at `stage`/root, and each directory of `shared` at `stage`/NAME, owners shifted."""
    mount("stage", stage, "tmpfs", "mode=755", MS_NODEV | MS_NOSUID)
    for name, source in {LOWER: lower, LAYERS: layers, **shared}.items():
        target = f"{stage}/{name}"
        Path(target).mkdir()
        mount_shifted(source, target, namespace)
    Path(stage, ROOT).mkdir()
    with acting_as(first):
        mount("overlay", f"{stage}/{ROOT}", "overlay", OVERLAY.format(stage=stage, more=more))
