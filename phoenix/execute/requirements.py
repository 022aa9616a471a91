"""`playbooks/requirements.yml`: the roles and collections of others that a project's playbooks use.

It is the file that `ansible-galaxy` reads. What it leaves open is fixed (`pinned`) before anything is fetched, and
written down in the lock; what ansible-galaxy is given (`placed`) is that, as this computer reaches it.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from phoenix.errors import SpecError
from phoenix.tools import git

FILE = "playbooks/requirements.yml"
Kind = Literal["role", "collection"]
KINDS: tuple[Kind, ...] = ("role", "collection")
_KEYS: Mapping[Kind, frozenset[str]] = {
    "role": frozenset({"src", "name", "role", "version", "scm", "include"}),
    "collection": frozenset({"name", "version", "source", "type", "signatures"}),
}
_GIT = "git+"
_GIT_NAMES = (_GIT, "git@")
"""What the name of a collection begins with that ansible-galaxy takes for a git repository unasked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirements:
    """What the file asks for, entry by entry as it stands there."""

    directory: Path
    """Where relative paths in it begin: that of the file."""
    roles: tuple[Mapping[str, Any], ...]
    collections: tuple[Mapping[str, Any], ...]

    def of(self, kind: Kind) -> tuple[Mapping[str, Any], ...]:
        """The entries of one kind."""
        return self.roles if kind == "role" else self.collections


def read(project: Path) -> Requirements | None:
    """What the project's file asks for; None where it has none. SpecError where it is no such file."""
    file = project / FILE
    if not file.is_file():
        return None
    try:
        said = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, ValueError) as error:
        raise _wrong(f"it is no YAML: {error}") from error
    if isinstance(said, list):  # the form of old, of roles alone
        said = {"roles": said}
    if not isinstance(said, dict) or set(said) - {"roles", "collections"}:
        raise _wrong("it has `roles` and `collections`, each a list, and nothing else")
    roles, collections = (tuple(_entries(kind, said.get(f"{kind}s"))) for kind in KINDS)
    return Requirements(directory=file.parent, roles=roles, collections=collections)


def _entries(kind: Kind, said: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(said, list | None):
        raise _wrong(f"`{kind}s` is a list")
    for number, each in enumerate(said or (), 1):
        entry = ({"src": each} if kind == "role" else _collection(each)) if isinstance(each, str) else each
        if not isinstance(entry, dict) or not set(entry) <= _KEYS[kind] or not set(entry) & {"src", "name", "role"}:
            raise _wrong(f"{kind} {number} is a name, or has the keys {', '.join(sorted(_KEYS[kind]))}: {each!r}")
        if "include" in entry:
            raise _wrong(f"role {number} includes another file; write its entries here")
        yield entry


def _collection(text: str) -> Mapping[str, Any]:
    """`NAME`, `NAME:VERSION`, or an address, as a list may have it."""
    if "/" in text:
        return {"name": text}
    name, _, version = text.partition(":")
    return {"name": name, **({"version": version} if version else {})}


def pinned(requirements: Requirements, kind: Kind) -> list[dict[str, Any]]:
    """The entries of a kind with what they leave open fixed: branches and tags of git repositories become commits.

    Raises ToolError where a git repository cannot be asked.
    """
    fix = _pinned_role if kind == "role" else _pinned_collection
    return [fix(dict(entry), requirements.directory) for entry in requirements.of(kind)]


def placed(pins: Iterable[Mapping[str, Any]], kind: Kind, directory: Path, scratch: Path) -> list[dict[str, Any]]:
    """What was pinned, as ansible-galaxy is given it on this computer; relative paths begin at `directory`.

    Paths are absolute, and a role in a directory is an archive, made in `scratch`: ansible-galaxy knows no other.
    """
    place = _placed_role if kind == "role" else _placed_collection
    return [place(dict(entry), directory, scratch) for entry in pins]


def _pinned_role(entry: dict[str, Any], directory: Path) -> dict[str, Any]:
    source = str(entry.pop("src", None) or entry.pop("role", None) or entry.get("name"))
    if "," in source:  # `SOURCE,VERSION,NAME`
        source, version, *name = source.split(",")
        entry |= {"version": version, **({"name": name[0]} if name else {})}
    scm = "git" if source.startswith(_GIT) or _is_of_github(source) else entry.get("scm")
    source = source.removeprefix(_GIT)
    if scm == "git":
        wanted = str(entry.get("version") or "HEAD")
        entry |= {"scm": scm, "version": git.commit_at(_reached(source, directory), wanted) or wanted}
    if scm or "/" in source:
        entry.setdefault("name", source.rstrip("/").rpartition("/")[2].removesuffix(".git").removesuffix(".tar.gz"))
    return {**entry, "src": source}


def _is_of_github(source: str) -> bool:
    """Whether ansible-galaxy takes a role's source for a git repository, whatever the entry says."""
    return "github.com" in source and "http" in source and "+" not in source and not source.endswith(".tar.gz")


def _pinned_collection(entry: dict[str, Any], directory: Path) -> dict[str, Any]:
    if not entry.get("type") and str(entry["name"]).startswith(_GIT_NAMES):
        entry = {**entry, "type": "git", "source": None}  # so ansible-galaxy takes it, too, whatever `source` says
    if entry.get("type") == "git":
        key = "source" if entry.get("source") else "name"
        source, _, version = str(entry[key]).removeprefix(_GIT).partition(",")  # `SOURCE,VERSION`
        wanted = version or str(entry.get("version") or "HEAD")
        asked = _reached(source.partition("#")[0], directory)
        commit = git.commit_at(asked, "HEAD" if wanted == "*" else wanted)
        entry |= {key: source, "version": commit or wanted}
    return {key: value for key, value in entry.items() if value is not None}


def _placed_role(entry: dict[str, Any], directory: Path, scratch: Path) -> dict[str, Any]:
    local = directory / str(entry["src"])
    if _is_here(str(entry["src"])) and local.is_dir() and not entry.get("scm"):
        return {**entry, "src": str(_archive(local, scratch / f"{entry['name']}.tar.gz"))}
    return {**entry, "src": _reached(str(entry["src"]), directory)}


def _placed_collection(entry: dict[str, Any], directory: Path, _scratch: Path) -> dict[str, Any]:
    key = "source" if entry.get("source") and entry.get("type") not in (None, "galaxy") else "name"
    return {**entry, key: _reached(str(entry[key]), directory)}


def _is_here(source: str) -> bool:
    return "/" in source and "://" not in source


def _reached(source: str, directory: Path) -> str:
    """A source as it is reached from anywhere on this computer: a relative path that is there becomes absolute."""
    path, mark, rest = source.partition("#")
    return f"{(directory / path).resolve()}{mark}{rest}" if _is_here(path) and (directory / path).exists() else source


def _archive(directory: Path, archive: Path) -> Path:
    with tarfile.open(archive, "w:gz", dereference=True) as tar:
        for path in sorted(directory.iterdir()):
            if path.name != ".git":
                tar.add(path, arcname=f"{directory.name}/{path.name}")
    return archive


def _wrong(why: str) -> SpecError:
    return SpecError(
        f"{FILE} has a mistake",
        details=f"{FILE}: {why}",
        resolution="Write it as ansible-galaxy reads it: `roles: [{src: ...}]`, `collections: [{name: ...}]`.",
    )
