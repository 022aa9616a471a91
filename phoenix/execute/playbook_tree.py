"""The playbooks of a project: the shipped ones with the project's own over them, as files by name.

A project's own `playbooks/NAME.yml` stands in for the shipped one, and its own `playbooks/roles/NAME` for the
whole shipped role of that name. Nothing is read here but names; `reach` looks into the files.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from phoenix import data
from phoenix.errors import SpecError

Tree = Mapping[str, Path]
"""The files of a playbook tree: where each one really lies, by its path in the tree."""

_NOT_OURS = frozenset({"__pycache__", ".git", ".ansible", ".DS_Store"})
"""What tools leave in a directory; no playbook reads it."""


def merged(project: Path | None) -> Tree:
    """The tree that the playbooks of `project` (the directory of `phoenix.yaml`, or None) are read from."""
    shipped = dict(_files(data.path("playbooks")))
    own = dict(_files(project / "playbooks")) if project else {}
    replaced = {role for path in own if (role := _role(path))}
    kept = {path: file for path, file in shipped.items() if _role(path) not in replaced}
    return dict(sorted({**kept, **own}.items()))


def below(tree: Tree, directory: str) -> frozenset[str]:
    """The paths of the tree that lie in `directory`, at any depth."""
    return frozenset(path for path in tree if path.startswith(f"{directory}/"))


def digests(tree: Tree, paths: Iterable[str]) -> Mapping[str, str]:
    """SHA-256 of each file's contents, and of whether it can be executed. Times do not count."""
    return {path: _digest(tree[path]) for path in sorted(paths)}


def copy(tree: Tree, paths: Iterable[str], target: Path) -> None:
    """Make the files `paths` of the tree below `target`; links become what they lead to, modes 0644 or 0755."""
    for path in sorted(paths):
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(tree[path].read_bytes())
        file.chmod(0o755 if _executable(tree[path]) else 0o644)


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    """Every file below `root`, also through links to directories (a team's shared roles, say)."""
    walked: set[str] = set()
    for directory, names, files in os.walk(root, followlinks=True):
        real = os.path.realpath(directory)
        if real in walked:
            raise SpecError(
                f"the playbooks in {root} hold a directory twice",
                details=f"{directory} is a link to {real}, which is in the tree already",
                resolution="Take the link away.",
            )
        walked.add(real)
        names[:] = sorted(name for name in names if name not in _NOT_OURS)
        for name in files:
            file = Path(directory, name)
            if name not in _NOT_OURS and not name.endswith((".pyc", ".retry")) and file.is_file():
                yield str(PurePosixPath(file.relative_to(root))), file


def _role(path: str) -> str | None:
    """The role that a path of the tree belongs to."""
    parts = path.split("/")
    return parts[1] if parts[0] == "roles" and len(parts) > 2 else None


def _digest(file: Path) -> str:
    mark = b"executable\0" if _executable(file) else b""
    return hashlib.sha256(mark + file.read_bytes()).hexdigest()


def _executable(file: Path) -> bool:
    return bool(file.stat().st_mode & 0o111)
