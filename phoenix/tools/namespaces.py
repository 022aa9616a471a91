"""Namespaces from within this process: of users, of mounts, of networks; made, entered, and left again.

setns(2) and unshare(2) by ctypes, as Python has them from 3.12 on. phoenix has one thread, so nothing else of it is
moved meanwhile. What is made here ends with the last process, socket or descriptor in it.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MOUNTS, CONTROL_GROUPS, HOST_NAME, IPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
USERS, PROCESSES, NETWORK = 0x10000000, 0x20000000, 0x40000000
"""The flags of clone(2), in sched.h: CLONE_NEWNS, -CGROUP, -UTS, -IPC, -USER, -PID, -NET."""

_PR_SET_DUMPABLE = 4
_KEYCTL = {"x86_64": 250, "aarch64": 219}
_libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> int:
    """The result of a system call; OSError saying `what` failed, and why."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(kinds: int) -> None:
    """Give this process new namespaces of these kinds, for good."""
    checked(_libc.unshare(kinds), "new namespaces")


def enter_network(network: int) -> None:
    """Be in a network namespace from now on."""
    checked(_libc.setns(network, NETWORK), "entering a network namespace")


def enter_users(users: int) -> None:
    """Become root of a user namespace, for good."""
    checked(_libc.setns(users, USERS), "entering a user namespace")
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    # else its files in /proc are not its own any more, and it could give no users to a namespace below (proc(5))
    checked(_libc.prctl(_PR_SET_DUMPABLE, 1), "prctl")


@contextmanager
def network_of(pid: int) -> Iterator[int]:
    """A descriptor of the network namespace of a process. OSError where the process is gone."""
    with _opened(f"/proc/{pid}/ns/net") as network:
        yield network


@contextmanager
def new_network() -> Iterator[int]:
    """A descriptor of a new network namespace."""
    with _child(NETWORK) as child, network_of(child) as network:
        yield network


@contextmanager
def in_network(network: int) -> Iterator[None]:
    """Be in a network namespace: what is bound or started meanwhile is there, too. Needs root, to come back."""
    with _opened("/proc/thread-self/ns/net") as own:
        try:
            enter_network(network)
            yield
        finally:
            enter_network(own)


@contextmanager
def own_mounts() -> Iterator[None]:
    """Be in a new mount namespace: what is mounted meanwhile is seen by this process and what it starts. Needs root.

    setns(2) forgets where a process was, and into what it was moved by chroot; both are put back.
    """
    from phoenix.tools.mounts import PRIVATE, RECURSIVE, mount

    with _opened("/proc/thread-self/ns/mnt") as own, _opened("/", os.O_PATH) as root, _opened(".", os.O_PATH) as here:
        unshare(MOUNTS)
        try:
            mount("none", "/", "none", flags=RECURSIVE | PRIVATE)
            yield
        finally:
            checked(_libc.setns(own, MOUNTS), "leaving a mount namespace")
            os.fchdir(root)
            os.chroot(".")
            os.fchdir(here)


@contextmanager
def new_users(extents: tuple[str, ...], groups: tuple[str, ...] = ()) -> Iterator[int]:
    """A descriptor of a new user namespace; each extent is `INSIDE OUTSIDE COUNT`, of groups as of users if not given.

    Whoever calls this owns it: root may do everything in it, even without any right outside (user_namespaces(7)).
    """
    with _child(USERS) as child:
        for kind, lines in (("uid_map", extents), ("gid_map", groups or extents)):
            Path(f"/proc/{child}/{kind}").write_text("\n".join(lines))
        with _opened(f"/proc/{child}/ns/user") as users:
            yield users


@contextmanager
def _child(kinds: int) -> Iterator[int]:
    """A process in new namespaces, that waits: ordinary users cannot come back from one, nobody from new users."""
    ready, made = os.pipe()
    ended, alive = os.pipe()
    # a signal that phoenix takes for its own must not run its handlers in the child
    former = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    child = os.fork()
    if child == 0:
        try:
            os.close(alive)
            os.write(made, bytes([_libc.unshare(kinds) != 0]))
            os.read(ended, 1)  # never written to: its end is this process's end, whatever that dies of
        finally:
            os._exit(1)
    signal.pthread_sigmask(signal.SIG_SETMASK, former)
    os.close(made)
    os.close(ended)
    try:
        if os.read(ready, 1) != b"\0":
            raise OSError(f"this kernel gives user {os.geteuid()} no such namespace ({kinds:#x})")
        yield child
    finally:
        os.close(ready)
        os.close(alive)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def in_child(work: Callable[[], None]) -> None:
    """Do work in a child process. OSError with what it failed of."""
    said, telling = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except OSError as error:
            os.write(telling, str(error).encode())
        finally:
            os._exit(1)
    os.close(telling)
    with os.fdopen(said) as opened:
        why = opened.read()
    if os.waitpid(child, 0)[1] != 0:
        raise OSError(why or "a child process ended without a word")


def new_session_keyring() -> None:
    """Leave the keys of whoever started this process: keyctl(2), KEYCTL_JOIN_SESSION_KEYRING."""
    if os.uname().machine in _KEYCTL:
        _libc.syscall(_KEYCTL[os.uname().machine], 1, None)


def own_extents(kind: str) -> tuple[str, ...]:
    """What `uid_map` or `gid_map` of this process's own user namespace has, each as itself."""
    lines = (line.split() for line in Path("/proc/self", kind).read_text().splitlines())
    return tuple(f"{inside} {inside} {count}" for inside, _outside, count in lines)


@contextmanager
def _opened(path: str, flags: int = os.O_RDONLY) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
