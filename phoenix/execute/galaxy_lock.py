"""`playbooks/requirements.lock`: what `phoenix galaxy install` has laid into `playbooks/galaxy/`, to the byte.

Of what is installed a role counts, and a collection, as any other does: by its contents, where a playbook reaches it.
The lock is part of the key of what it reaches, and so of no other: name, version and digest of each. What lies
there and is not what the lock says is a mistake, so that two computers bake the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from phoenix.errors import SpecError
from phoenix.execute.requirements import FILE, Kind

LOCK = "playbooks/requirements.lock"
INSTALL = "phoenix galaxy install"
FORM = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A role or collection that was installed."""

    kind: Kind
    name: str
    version: str
    """As its source calls it; of a git repository the commit; empty where it has none."""
    sha256: str
    """Of all of its files (see `reach.Playbooks.installed`)."""

    @property
    def path(self) -> str:
        """Its directory in the playbook tree."""
        if self.kind == "role":
            return f"galaxy/roles/{self.name}"
        return f"galaxy/collections/ansible_collections/{self.name.replace('.', '/')}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """All that was installed, and what it was installed for."""

    requirements: str
    """SHA-256 of the file of requirements."""
    entries: tuple[Entry, ...] = ()
    pinned: Mapping[Kind, Any] | None = None
    """What ansible-galaxy was given, by kind: it is given the same again."""

    def counted(self, paths: Iterable[str]) -> dict[str, str]:
        """What of the lock counts for a playbook that reaches these directories, as a content key counts files."""
        reached = set(paths)
        return {
            f"{LOCK}: {each.path}": hashlib.sha256(f"{each.version}\0{each.sha256}".encode()).hexdigest()
            for each in self.entries
            if each.path in reached
        }

    def mistakes(self, digests: Mapping[str, str]) -> Iterator[str]:
        """A sentence for each of the directories in galaxy/ that is not what the lock says, given their digests."""
        known = {each.path: each for each in self.entries}
        for path, digest in sorted(digests.items()):
            if path not in known:
                yield f"playbooks/{path} is in no {LOCK}: run `{INSTALL}`, or move what is yours out of galaxy/"
            elif known[path].sha256 != digest:
                yield (
                    f"playbooks/{path} is not what {LOCK} says ({known[path].version or 'no version'}): run `{INSTALL}`"
                    ", or move it into playbooks/roles or playbooks/collections if it is yours now"
                )


def read(project: Path) -> Lock | None:
    """The project's lock; None where it has none. SpecError where it cannot be read."""
    file = project / LOCK
    if not file.is_file():
        return None
    try:
        said = json.loads(file.read_text("utf-8"))
        if said["form"] != FORM:
            raise ValueError(f"it has the form {said['form']}")
        entries = tuple(Entry(**each) for each in said["installed"])
        return Lock(requirements=said["requirements"], entries=entries, pinned=said["pinned"])
    except (ValueError, KeyError, TypeError) as error:
        raise SpecError(
            f"{LOCK} cannot be read",
            details=f"{file}: {error}",
            resolution=f"Remove it and run `{INSTALL}`: it is made anew from {FILE}.",
        ) from error


def write(project: Path, lock: Lock) -> None:
    """Write the lock, whole or not at all."""
    said = {
        "form": FORM,
        "about": f"made by `{INSTALL}` from {FILE}; keep it beside it in git",
        "requirements": lock.requirements,
        "installed": [asdict(each) for each in lock.entries],
        "pinned": lock.pinned,
    }
    fresh = (project / LOCK).with_suffix(".lock.new")
    fresh.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    fresh.replace(project / LOCK)


def digest_of_requirements(project: Path) -> str:
    """SHA-256 of the file of requirements; empty where there is none."""
    file = project / FILE
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
