"""Network namespaces from within this process: make one, and open sockets or start programs in one.

setns(2) and unshare(2) by ctypes, as Python has them from 3.12 on. phoenix has one thread, so nothing else of it is
moved meanwhile.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
OWN = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def opened(pid: int) -> Iterator[int]:
    """A descriptor of the network namespace of process `pid`. OSError where the process is gone."""
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield namespace
    finally:
        os.close(namespace)


@contextmanager
def fresh() -> Iterator[int]:
    """A descriptor of a new network namespace; it lives as long as a process, a socket or a descriptor in it."""
    with _left():
        unshare(CLONE_NEWNET)
        namespace = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield namespace
    finally:
        os.close(namespace)


@contextmanager
def inside(namespace: int) -> Iterator[None]:
    """Be in a network namespace: what is bound or started meanwhile is there, too."""
    with _left():
        enter(namespace)
        yield


def unshare(namespaces: int) -> None:
    """Give this process new namespaces (CLONE_NEW... of sched.h), for good."""
    _checked(_libc.unshare(namespaces), "new namespaces")


def enter(namespace: int) -> None:
    """Be in a network namespace from now on."""
    _checked(_libc.setns(namespace, CLONE_NEWNET), "entering a network namespace")


@contextmanager
def _left() -> Iterator[None]:
    """Whatever namespace is entered meanwhile, come back to the one that this process was in."""
    own = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield
    finally:
        enter(own)
        os.close(own)


def _checked(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
