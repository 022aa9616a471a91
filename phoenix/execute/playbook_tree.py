"""The playbooks of a project: the shipped ones with the project's own over them, as files by name.

A project's own `playbooks/NAME.yml` stands in for the shipped one, and its own `playbooks/roles/NAME` for the
whole shipped role of that name. Nothing is read here but names; `reach` looks into the files. The files of a
collection are not even listed before somebody asks for them (`collection_files`): some have thousands.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from phoenix import data
from phoenix.errors import SpecError
from phoenix.execute import ansible_cfg
from phoenix.execute.ansible_cfg import Searched

COLLECTIONS = "ansible_collections"
"""The directory that Ansible looks for collections in, as `NAMESPACE/NAME`."""
GALAXY = "galaxy"
"""The directory of the tree that `phoenix galaxy install` lays roles and collections into."""
_NOT_OURS = frozenset({"__pycache__", ".git", ".ansible", ".DS_Store"})
"""What tools leave in a directory; no playbook reads it."""

Files = Mapping[str, Path]
"""Where each file of a tree really lies, by its path in the tree, in the order of these paths."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """A collection of the tree, `namespace.name`."""

    name: str
    path: str
    """Of its directory, in the tree."""
    directory: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """All files of the playbooks but those of collections, and the collections."""

    files: Files
    collections: tuple[Collection, ...]
    searched: tuple[Searched, ...] = ()
    """The further directories that the project's ansible.cfg has searched."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Walk:
    """What one directory holds; `walked` are the directories that were seen, as the system knows them."""

    root: str
    files: dict[str, Path] = field(default_factory=dict)
    collections: list[Collection] = field(default_factory=list)
    walked: dict[tuple[int, int], str] = field(default_factory=dict)


def merged(project: Path | None) -> Tree:
    """The tree that the playbooks of `project` (the directory of `phoenix.yaml`, or None) are read from."""
    shipped = _walk(data.path("playbooks"))
    own = _walk(project / "playbooks") if project else _Walk(root="")
    configured = ansible_cfg.read(project) if project else None
    searched = tuple(configured.searched(project)) if configured and project else ()
    for each in searched:
        _mount(own, each)
    replaced = {role for path in own.files if (role := _role(path))}
    kept = {path: file for path, file in shipped.files.items() if _role(path) not in replaced}
    return Tree(
        files=dict(sorted({**kept, **own.files}.items())),
        collections=tuple(sorted((*shipped.collections, *own.collections), key=lambda each: each.path)),
        searched=searched,
    )


def files_below(directory: Path) -> Files:
    """The files of a directory, by their paths in it."""
    return _walk(directory).files


def copy(files: Files, paths: Iterable[str], target: Path) -> None:
    """Make the files `paths` below `target`; links become what they lead to, modes 0644 or 0755."""
    made: set[Path] = set()
    for path in sorted(paths):
        file = target / path
        if file.parent not in made:
            file.parent.mkdir(parents=True, exist_ok=True)
            made.add(file.parent)
        shutil.copyfile(files[path], file)
        file.chmod(0o755 if executable(files[path]) else 0o644)


def digest_of_file(file: Path, content: bytes) -> str:
    """SHA-256 of the contents, and of whether the file can be executed. Times do not count."""
    mark = b"executable\0" if executable(file) else b""
    return hashlib.sha256(mark + content).hexdigest()


def digest_of_all(digests: Mapping[str, str]) -> str:
    """One digest for files by their paths, each with its own digest."""
    return hashlib.sha256("".join(f"{path}\0{digests[path]}\0" for path in sorted(digests)).encode()).hexdigest()


def executable(file: Path) -> bool:
    """Whether anybody may run it as a program."""
    return bool(file.stat().st_mode & 0o111)


def _walk(root: Path) -> _Walk:
    """Everything below `root`, also through links to directories (a team's shared roles, say)."""
    walk = _Walk(root=str(root))
    if root.is_dir():
        _directory(walk, str(root), "", depth=-1)
    return walk


def _mount(own: _Walk, searched: Searched) -> None:
    """Have what lies outside of `playbooks/` in the tree, too."""
    if searched.directory is None:
        return
    outside = _walk(searched.directory)
    own.files.update({f"{searched.path}/{path}": file for path, file in outside.files.items()})
    own.collections.extend(replace(each, path=f"{searched.path}/{each.path}") for each in outside.collections)


def _directory(walk: _Walk, directory: str, below: str, *, depth: int) -> None:
    """Add what `directory` holds. `depth` is how far it is below `ansible_collections`; -1 outside of it."""
    _refuse_again(walk, directory)
    for entry in _entries(directory):
        path = f"{below}{entry.name}"
        if not entry.is_dir():
            if entry.is_file() and not entry.name.endswith((".pyc", ".retry")):
                walk.files[path] = Path(entry.path)
        elif depth == 1:
            name = ".".join(path.split("/")[-2:])
            walk.collections.append(Collection(name=name, path=path, directory=Path(entry.path)))
        else:
            deeper = depth + 1 if depth >= 0 or entry.name == COLLECTIONS else depth
            _directory(walk, entry.path, f"{path}/", depth=deeper)


def _entries(directory: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(directory) as entries:
        yield from (entry for entry in entries if entry.name not in _NOT_OURS)


def _refuse_again(walk: _Walk, directory: str) -> None:
    found = os.stat(directory)  # noqa: PTH116  # a path of its own per directory would take longer than the rest
    first = walk.walked.setdefault((found.st_dev, found.st_ino), directory)
    if first != directory:
        raise SpecError(
            f"the playbooks in {walk.root} hold a directory twice",
            details=f"{directory} and {first} are one directory, by a link",
            resolution="Take the link away.",
        )


def _role(path: str) -> str | None:
    """The role that a path of the tree belongs to, be it the project's own or installed."""
    parts = path.removeprefix(f"{GALAXY}/").split("/", 2)
    return parts[1] if parts[0] == "roles" and len(parts) > 2 else None
