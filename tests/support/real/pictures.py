"""Trees compared: every path with what it is."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path


def picture(tree: Path) -> dict[str, str]:
    """Every path of the tree with its kind, mode, owner and contents. Times are the baker's own."""
    seen = {}
    for path in tree.rglob("*"):
        status = path.lstat()
        facts = f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"
        if stat.S_ISLNK(status.st_mode):
            facts += f" -> {path.readlink()}"
        elif stat.S_ISREG(status.st_mode):
            facts += f" {hashlib.sha256(path.read_bytes()).hexdigest()}"
        if extended := sorted(os.listxattr(path, follow_symlinks=False)):
            facts += f" {extended}"
        seen[str(path.relative_to(tree))] = facts
    return seen


def differences(first: Path, second: Path) -> list[str]:
    """The paths that are not the same in both."""
    one, two = picture(first), picture(second)
    return sorted(path for path in one.keys() | two.keys() if one.get(path) != two.get(path))
