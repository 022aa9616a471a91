"""Which files of a playbook tree a playbook reaches: what counts for an image's content key, and what is laid out.

Found by reading, not by running: a file counts where a reached file names it in plain text, a role counts with
all its files, and what Ansible loads unasked (variables of groups, plugins, collections) always counts. Where a
name is made up only when the playbook runs (`include_role: name={{ ... }}`), the whole tree counts: a file too
many costs a bake, a file too few would serve an old image.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from phoenix.errors import SpecError
from phoenix.execute.playbook_tree import Tree, below

UNASKED = frozenset({"group_vars", "host_vars", "library", "module_utils", "collections"})
"""Directories of the tree that Ansible loads from without being told; those named `..._plugins` as well."""
_ROLE_LISTS = frozenset({"roles", "dependencies"})
_ROLE_INCLUDES = frozenset({"include_role", "import_role"})
_FILE_NAMES = frozenset(
    {"assemble", "copy", "dir", "file", "import_playbook", "import_tasks", "include", "include_tasks", "include_vars"}
    | {"script", "src", "tasks_from", "template", "unarchive", "vars_files", "vars_from"}
    | {"with_file", "with_fileglob", "with_first_found"}
)
"""Keys whose text names a file of the tree."""
_SEARCHED = ("", "files", "templates", "vars", "tasks", "handlers")
"""Where Ansible looks for a file that is named without a directory."""
_LOOKUP = re.compile(r"\b(?:lookup|query|q)\s*\(")
_PLAIN_LOOKUP = re.compile(r"""\s*(['"])(?P<plugin>[\w.]+)\1\s*(?:,\s*(['"])(?P<file>[^'"{}]*)\3\s*(?P<end>[,)])|\))""")
_LOOKUPS_WITHOUT_FILES = frozenset({"config", "dict", "env", "items", "nested", "sequence", "together", "vars"})
_MADE_UP = re.compile(r"\b(?:playbook_dir|inventory_dir)\b")
_INCLUDE_IN_TEMPLATE = re.compile(r"""\{%[-+]?\s*(?:include|import|extends|from)\s+(?:(['"])(?P<file>[^'"]+)\1|)""")
_LONGEST_NAME = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Mentions:
    """What one file says about others: roles, texts that may be names of files, and whether a name is made up."""

    roles: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    made_up: bool = False


def reached(tree: Tree, playbooks: Iterable[str]) -> frozenset[str]:
    """The paths that `playbooks` (paths of the tree) reach, themselves among them.

    Raises SpecError where a playbook is not there, and where a file that is reached is no YAML.
    """
    found = {path for path in tree if _unasked(path)}
    waiting = [_existing(tree, playbook) for playbook in playbooks]
    found.update(waiting)
    waiting = sorted(found)
    for path in waiting:  # grows while it is walked
        mentions = _mentions(tree, path)
        if mentions.made_up:
            return frozenset(tree)
        news = _named(tree, path, mentions) - found
        found |= news
        waiting += sorted(news)
    return frozenset(found)


def _existing(tree: Tree, playbook: str) -> str:
    path = posixpath.normpath(playbook)
    if path not in tree:
        at_hand = sorted(name for name in tree if "/" not in name and name.endswith((".yml", ".yaml")))
        raise SpecError(
            f"there is no playbook '{playbook}'",
            details=f"in playbooks/, of the project or shipped, there are: {', '.join(at_hand)}",
            resolution="Name one of these in phoenix.yaml, or put the playbook into the project's playbooks/.",
        )
    return path


def _unasked(path: str) -> bool:
    first, _, rest = path.partition("/")
    return bool(rest) and (first in UNASKED or first.endswith("_plugins"))


def _named(tree: Tree, path: str, mentions: Mentions) -> set[str]:
    """The paths that a file's mentions lead to, looked for in every directory around the file."""
    found: set[str] = set()
    for base in _around(path):
        for role in mentions.roles:
            for place in (posixpath.join(base, "roles", role), posixpath.join(base, role)):
                found |= below(tree, posixpath.normpath(place))
        for directory in _SEARCHED:
            for text in mentions.texts:
                found.update(_at(tree, posixpath.normpath(posixpath.join(base, directory, text))))
    return found


def _around(path: str) -> Iterator[str]:
    """The directories around a file, up to the tree's own; what is beside a role is no business of the role's."""
    while path:
        path = posixpath.dirname(path)
        if posixpath.basename(path) != "roles":
            yield path


def _at(tree: Tree, place: str) -> Iterable[str]:
    """The file at `place`, all files below it, or those that fit where it is a pattern."""
    if place == ".":
        return ()
    if set(place) & set("*?["):
        return (path for path in tree if fnmatch.fnmatchcase(path, place))
    return ({place} & tree.keys()) | below(tree, place)


def _mentions(tree: Tree, path: str) -> Mentions:
    """What the file says about others: YAML by its structure, templates by their includes, the rest says nothing."""
    if path.endswith(".j2"):
        return _of_template(tree[path].read_text("utf-8", "replace"))
    if not path.endswith((".yml", ".yaml")) or {"files", "templates"} & set(path.split("/")[:-1]):
        return Mentions()
    return _of_yaml(path, tree[path].read_bytes())


def _of_template(text: str) -> Mentions:
    includes = [include["file"] for include in _INCLUDE_IN_TEMPLATE.finditer(text)]
    lookups = list(_lookups(text))
    texts = {name for name in (*includes, *lookups) if name is not None}
    return Mentions(texts=frozenset(texts), made_up=None in includes or None in lookups)


def _of_yaml(path: str, content: bytes) -> Mentions:
    try:
        documents = list(yaml.load_all(content, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        place = f"{path}:{error.problem_mark.line + 1}" if error.problem_mark else path
        raise _no_yaml(place, str(error.problem)) from error
    except (yaml.YAMLError, ValueError) as error:
        raise _no_yaml(path, str(error)) from error
    return _walk(documents, "")


def _no_yaml(place: str, why: str) -> SpecError:
    return SpecError(
        "a playbook has a mistake",
        details=f"playbooks/{place}: {why}",
        resolution="Correct it; nothing was done.",
    )


def _walk(node: Any, key: str) -> Mentions:
    """The mentions in a part of a YAML file. `key` is the nearest key above it, without its collection."""
    if isinstance(node, dict):
        parts = [_of_entry(str(name), value) for name, value in node.items()]
    elif isinstance(node, list):
        parts = [_of_role(item) if key in _ROLE_LISTS else _walk(item, key) for item in node]
    elif isinstance(node, str):
        parts = [_of_text(node, key)]
    else:
        parts = []
    return _sum(parts)


def _of_entry(name: str, value: Any) -> Mentions:
    key = name.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
    if key in _ROLE_INCLUDES:
        return _sum([_of_role(value), _walk(value, key)])
    return _walk(value, key)


def _of_role(value: Any) -> Mentions:
    """A role as `roles`, `dependencies` and `include_role` name it, with the variables that it is given."""
    if isinstance(value, dict):
        name = value.get("role") or value.get("name") or ""
        return _sum([_of_role(str(name)), _walk(value, "")])
    name = str(value).removeprefix("name=")
    return Mentions(made_up=True) if "{{" in name else Mentions(roles=frozenset({name}))


def _of_text(text: str, key: str) -> Mentions:
    """A text, which may be the name of a file, or an expression that reads one."""
    lookups = list(_lookups(text))
    # an absolute path is one of the machine, not of the tree
    made_up = key in _FILE_NAMES and "{{" in text and not text.startswith("/")
    # `script: FILE ARGUMENTS`, `copy: src=FILE dest=...`
    words = [word.rpartition("=")[2] for word in text.split()] if key in (*_FILE_NAMES, "cmd") else []
    names = {name for name in (text, *words, *lookups) if name and len(name) <= _LONGEST_NAME and "\n" not in name}
    return Mentions(
        texts=frozenset(names), made_up=made_up or None in lookups or bool("{{" in text and _MADE_UP.search(text))
    )


def _lookups(text: str) -> Iterator[str | None]:
    """The files that lookups in `text` read; None for one whose name is made up."""
    for lookup in _LOOKUP.finditer(text):
        plain = _PLAIN_LOOKUP.match(text, lookup.end())
        if plain is None:
            yield None
        elif plain["plugin"].rpartition(".")[2] not in _LOOKUPS_WITHOUT_FILES:
            yield plain["file"] if plain["end"] == ")" else None


def _sum(parts: list[Mentions]) -> Mentions:
    return Mentions(
        roles=frozenset().union(*(part.roles for part in parts)),
        texts=frozenset().union(*(part.texts for part in parts)),
        made_up=any(part.made_up for part in parts),
    )


_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader where PyYAML was built with it: every command that needs a content key reads the playbooks."""


class _Loader(_Fast):  # type: ignore[misc]  # which of the two is known at run time only
    """YAML with Ansible's own tags (`!vault`, `!unsafe`), whose values name no file."""


def _nothing(_loader: Any, _suffix: str, _node: yaml.Node) -> None:
    return None


_Loader.add_multi_constructor("!", _nothing)
