"""A file in memory that programs of the same user can read as long as it is open here, and that no disk ever has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def holding(content: bytes) -> Iterator[str]:
    """The path of a file with `content`, for reading by programs of this user; empty where there is none to hold."""
    if not content:
        yield ""
        return
    descriptor = os.memfd_create("phoenix")
    try:
        os.fchmod(descriptor, 0o400)  # a file that could be executed would be run by Ansible
        os.write(descriptor, content)
        yield f"/proc/{os.getpid()}/fd/{descriptor}"
    finally:
        os.close(descriptor)
