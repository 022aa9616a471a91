"""Which files of a playbook tree a playbook reaches: what counts for an image's content key, and what is laid out.

A playbook counts with the roles that it can reach, each with all its files; with every file outside `roles/` that
is no other playbook; and with the collections that it names. A role name made up at run time counts all roles.

What counts is laid out and nothing else is, so a file that is missed makes a bake fail, and never an old image pass
for a new one.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from phoenix.errors import SpecError
from phoenix.execute import acts, collection_files, galaxy_lock, mentions, playbook_tree
from phoenix.execute.ansible_cfg import OUTSIDE
from phoenix.execute.collection_files import Contents
from phoenix.execute.galaxy_lock import Lock
from phoenix.execute.mentions import Mentions, Said, Vocabulary
from phoenix.execute.playbook_tree import Files, Tree
from phoenix.tools import ansible_core

_ASIDE = frozenset({"files", "templates"})
"""Below these a directory `roles` holds none, and a playbook is data."""
_NOT_READ = frozenset({ansible_core.CONFIGURATION, "requirements.yml", "requirements.lock"})
"""No play reads them: phoenix's own configuration stands in for one, and what was installed counts by itself."""
_TASKS = ("tasks/", "handlers/")
"""Directories of a role with files of tasks."""
_NO_TASKS = _ASIDE | {"vars", "group_vars", "host_vars", "molecule", "tests"}
"""Directories outside of roles without."""
_IN_NO_ROLE = re.compile(rf"(?:{OUTSIDE}/\d+/)?collections/|{playbook_tree.GALAXY}/(?!roles/)")
"""Places for collections alone, and for what tools have left there."""
_TASKS_OF_COLLECTIONS = ("roles/", "playbooks/")
"""Directories of a collection whose files may name roles of the project."""
_READ_BY_ANSIBLE = frozenset({"tasks", "handlers", "vars", "defaults", "meta", "group_vars", "host_vars"})
"""Directories, of a role or beside a playbook, with YAML for Ansible."""


Kind = Literal["shared", "playbook", "role", "collection"]
"""The kinds of parts that a tree has. Shared is every file outside roles/ and collections/ that is no playbook."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of the tree that counts as a whole, if it counts. `path` is its file or directory; of shared empty."""

    kind: Kind
    path: str = ""


class Playbooks:
    """A project's playbooks, each file read at most once, however many recipes are asked about.

    A file that changes afterwards is not seen: whoever wants to see it makes another one.
    """

    def __init__(self, tree: Tree, project: Path | None = None) -> None:
        self._tree = tree
        self._project = project
        self._files: dict[str, Path] = dict(tree.files)
        self._known: dict[str, tuple[str, Said]] = {}
        self._broken: dict[str, str] = {}
        self._members: dict[Part, tuple[str, ...]] = {}
        self._led: dict[Part, frozenset[Part]] = {}
        self._owners: dict[str, str] = {}
        self._contents: dict[str, Contents] = {}

    @classmethod
    def of(cls, project: Path | None) -> Playbooks:
        """Those of the project in that directory, with the shipped ones; SpecError for links in a circle."""
        return cls(playbook_tree.merged(project), project)

    @property
    def searched(self) -> Mapping[str, tuple[str, ...]]:
        """The further directories of the tree that Ansible searches, by the key of its configuration."""
        keys = dict.fromkeys(each.key for each in self._tree.searched)
        return {key: tuple(each.path for each in self._tree.searched if each.key == key) for key in keys}

    @property
    def files(self) -> Files:
        """Where each file lies, by its path in the tree; those of collections as far as they were reached."""
        return self._files

    def reached(self, playbooks: Iterable[str], variables: Mapping[str, Any] | None = None) -> frozenset[str]:
        """The paths that count for `playbooks` (paths of the tree), run with these extra `variables`.

        Raises SpecError where a playbook is not there, and where a file that had to be parsed is no YAML.
        """
        asked = [Part(kind="playbook", path=self._existing(playbook)) for playbook in playbooks]
        text = mentions.in_text(repr(dict(variables or {})).encode(), self._words)
        waiting = [Part(kind="shared"), *asked, *self._named(text, "")]
        counted: set[Part] = set()
        for part in waiting:  # grows while it is walked
            if part not in counted:
                counted.add(part)
                waiting += self._leads_to(part)
        return frozenset(path for part in counted for path in self._paths(part))

    def digests(self, paths: Iterable[str]) -> Mapping[str, str]:
        """SHA-256 of each file's contents, and of whether it can be executed; a collection has one, at its directory.

        What the lock says of those that are installed counts, too; times do not. `paths` are some that were reached.
        """
        asked = set(paths)
        collections = {self._owners[path] for path in asked if path in self._owners}
        read = {path: self._file(path)[0] for path in asked - self._owners.keys()}
        read |= {path: self._content(path).digest for path in collections}
        read |= self._lock.counted(self.installed(asked)) if self._lock else {}
        return dict(sorted(read.items()))

    def collections(self, paths: Iterable[str]) -> Mapping[str, Path]:
        """Where the collections really lie that some of these paths belong to, by their directories in the tree."""
        owners = {self._owners[path] for path in paths if path in self._owners}
        return {owner: self._collections[owner].directory for owner in sorted(owners)}

    def installed(self, paths: Iterable[str]) -> Mapping[str, str]:
        """The digests of the installed roles and collections that some of these paths belong to, by directory."""
        found = dict[str, str]()
        for path in paths:
            owner = self._owners.get(path) or _role_of(path)
            if owner and owner.startswith(f"{playbook_tree.GALAXY}/") and owner not in found:
                found[owner] = self._content(owner).digest if path in self._owners else self._digest_of_role(owner)
        return found

    def _digest_of_role(self, role: str) -> str:
        files = self._paths(Part(kind="role", path=role))
        return playbook_tree.digest_of_all({path[len(role) + 1 :]: self._file(path)[0] for path in files})

    def mistakes(self, paths: Iterable[str]) -> Iterator[str]:
        """`playbooks/FILE:LINE: WHY` for each of the files that Ansible reads as YAML, and that is none.

        Those of collections are taken as they are. What is installed and is not what the lock says is told, too.
        """
        yield from (self._lock or Lock(requirements="")).mistakes(self.installed(paths))
        for path in sorted(set(paths) - self._owners.keys()):
            if mentions.must_be_yaml(path) and self._is_for_ansible(path):
                if path not in self._broken:
                    self._broken[path] = mentions.broken(self._files[path].read_bytes())
                if self._broken[path]:
                    yield f"playbooks/{path}{self._broken[path]}"

    def encrypted(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Those of the files that Ansible Vault has encrypted, or that have values which it has; not in collections."""
        return tuple(path for path in sorted(set(paths) - self._owners.keys()) if self._file(path)[1].encrypted)

    def forbidden(self, paths: Iterable[str]) -> Iterator[str]:
        """`playbooks/FILE:LINE: WHAT` for what no recipe may do (see `acts`); collections are taken as they are.

        `validate` names it; a bake goes on, behind its fence.
        """
        for path in sorted(set(paths) - self._owners.keys()):
            home = self._home(path)
            inside = path[len(home) + 1 :] if home else path
            tasks = not _NO_TASKS.intersection(inside.split("/")[:-1]) if not home else inside.startswith(_TASKS)
            if mentions.is_yaml(path) and tasks:
                acts_there = acts.found(self._files[path].read_bytes())
                yield from (f"playbooks/{path}:{act.line}: {act.what}" for act in acts_there)

    def _is_for_ansible(self, path: str) -> bool:
        home = self._home(path)
        inside = path[len(home) + 1 :] if home else path
        return path in self._roots or inside.partition("/")[0] in _READ_BY_ANSIBLE

    @cached_property
    def _lock(self) -> Lock | None:
        return galaxy_lock.read(self._project) if self._project else None

    @cached_property
    def _roots(self) -> frozenset[str]:
        """The playbooks of the tree."""
        shared = (path for path in self._tree.files if _role_of(path) == "")
        may_be = (path for path in shared if path.endswith(mentions.YAML) and not _ASIDE & set(path.split("/")[:-1]))
        return frozenset(path for path in may_be if self._file(path)[1].is_playbook)

    @cached_property
    def _roles(self) -> tuple[str, ...]:
        """The paths of all files of roles, in order."""
        return tuple(sorted(path for path in self._tree.files if _role_of(path)))

    @cached_property
    def _collections(self) -> Mapping[str, playbook_tree.Collection]:
        return {collection.path: collection for collection in self._tree.collections}

    @cached_property
    def _words(self) -> Vocabulary:
        names = frozenset(collection.name for collection in self._tree.collections)
        short = ansible_core.redirects(names) if names else {}
        return Vocabulary(
            collections=tuple(sorted(names)), short={name.encode(): collection for name, collection in short.items()}
        )

    def _existing(self, playbook: str) -> str:
        path = posixpath.normpath(playbook)
        if path not in self._tree.files:
            at_hand = sorted(name for name in self._tree.files if "/" not in name and name.endswith(mentions.YAML))
            raise SpecError(
                f"there is no playbook '{playbook}'",
                details=f"in playbooks/, of the project or shipped, there are: {', '.join(at_hand)}",
                resolution="Name one of these in phoenix.yaml, or put the playbook into the project's playbooks/.",
            )
        return path

    def _paths(self, part: Part) -> tuple[str, ...]:
        """The files of a part."""
        if part not in self._members:
            self._members[part] = self._find(part)
        return self._members[part]

    def _find(self, part: Part) -> tuple[str, ...]:
        if part.kind == "playbook":
            return (part.path,)
        if part.kind == "role":
            first, last = (bisect_left(self._roles, part.path + end) for end in ("/", "0"))  # 0 comes next after /
            return self._roles[first:last]
        if part.kind == "collection":
            files = collection_files.files_of(self._collections[part.path])
            self._files.update(files)
            self._owners.update(dict.fromkeys(files, part.path))
            return tuple(files)
        shared = (path for path in self._tree.files if _role_of(path) == "" and path not in _NOT_READ)
        return tuple(path for path in shared if path not in self._roots)

    def _leads_to(self, part: Part) -> frozenset[Part]:
        """The parts that a part's files name."""
        if part not in self._led:
            named = [self._named(self._says(part, path), path) for path in self._worth_reading(part)]
            self._led[part] = frozenset(other for others in named for other in others)
            if part.kind == "collection":
                needs = Mentions(collections=self._content(part.path).needs)
                self._led[part] |= frozenset(self._named(needs, part.path))
        return self._led[part]

    def _worth_reading(self, part: Part) -> Iterable[str]:
        """The files of a part that may name others. What a collection's plugins need is told by its contents."""
        paths = self._paths(part)
        if part.kind != "collection":
            return paths
        return (path for path in paths if path[len(part.path) + 1 :].startswith(_TASKS_OF_COLLECTIONS))

    def _content(self, collection: str) -> Contents:
        """What the collection in a directory of the tree holds."""
        if collection not in self._contents:
            files = {path: self._files[path] for path in self._paths(Part(kind="collection", path=collection))}
            self._contents[collection] = collection_files.contents_of(self._collections[collection], files)
        return self._contents[collection]

    def _says(self, part: Part, path: str) -> Mentions:
        """What a file of a part names; SpecError where that cannot be known, as it is no YAML."""
        _digest, said = self._file(path)
        if said.mistake and part.kind in ("playbook", "role"):
            raise no_yaml(f"playbooks/{path}{said.mistake}")
        return said.mentions

    def _named(self, said: Mentions, path: str) -> Iterator[Part]:
        """The parts that the file at `path` names by saying this."""
        if said.any_role:
            yield from (Part(kind="role", path=role) for role in self._all_roles)
        for name in said.roles:
            for place in self._role_places:
                directory = posixpath.normpath(posixpath.join(place, name))
                part = Part(kind="role", path=directory)
                if _role_of(f"{directory}/.") and self._paths(part):
                    yield part
        if said.any_playbook:
            yield from (Part(kind="playbook", path=root) for root in self._roots)
        for name in said.playbooks:
            imported = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
            if imported in self._files:
                yield Part(kind="playbook", path=imported)
        for collection in self._tree.collections if said.collections else ():
            if collection.name in said.collections:
                yield Part(kind="collection", path=collection.path)

    @cached_property
    def _all_roles(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(role for path in self._roles if (role := _role_of(path))))

    @cached_property
    def _role_places(self) -> tuple[str, ...]:
        """The directories that a role's name is looked for in: `roles`, and what that is in."""
        homes = {posixpath.dirname(role) for role in self._all_roles}
        return tuple(sorted(homes | {posixpath.dirname(home) for home in homes}))

    def _file(self, path: str) -> tuple[str, Said]:
        """A file's digest, and what it says; read when it is first asked for."""
        if path not in self._known:
            content = self._files[path].read_bytes()
            digest = playbook_tree.digest_of_file(self._files[path], content)
            home = self._home(path)
            inside = path[len(home) + 1 :] if home else path
            plays = not home or inside.startswith("playbooks/")
            said = mentions.said(inside, content, self._words, plays=plays)
            self._known[path] = (digest, said)
        return self._known[path]

    def _home(self, path: str) -> str:
        """The directory of the role or collection that a file is in, else empty."""
        if path in self._tree.files:
            return _role_of(path) or ""
        return self._owners[path]


def no_yaml(details: str) -> SpecError:
    """A file that Ansible could not read."""
    return SpecError("a playbook has a mistake", details=details, resolution="Correct it; nothing was done.")


def _role_of(path: str) -> str | None:
    """The directory of the role that a path belongs to, "" where it is in none.

    None where it counts for nothing: it lies in roles/ or collections/ and is in no role and no collection.
    """
    if _IN_NO_ROLE.match(path):
        return None
    if "roles/" not in path:
        return ""
    parts = path.split("/")
    for number, part in enumerate(parts[:-1]):
        if part in _ASIDE:
            return ""
        if part == "roles":
            return "/".join(parts[: number + 2]) if number + 2 < len(parts) else None
    return ""
