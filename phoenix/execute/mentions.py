"""What one file of a playbook tree says about others: roles, playbooks, collections.

A file is parsed only where its bytes hold a word that makes it worth it. Names of collections are found in the
plain text, and so are roles that are named by a path (`roles/NAME/...`, `../NAME/...`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

YAML = (".yml", ".yaml")
_SILENT = frozenset({"files", "molecule", "tests", "docs", "changelogs"})
"""Directories whose files are data, or are run by those who wrote a role, not by a playbook that uses it."""
VAULT = b"$ANSIBLE_VAULT;"
"""What an encrypted file, or value, begins with."""
_SILENT_ENDS = (".md", ".rst", ".txt")
_WITHOUT_TASKS = frozenset({"meta", "defaults", "vars", "group_vars", "host_vars"})
"""Directories of YAML in which no task stands, so no key of it is the short name of a module."""
_READ = frozenset({"tasks", "handlers", "meta", "vars", "defaults", "group_vars", "host_vars"})
"""Directories in which Ansible reads JSON, and files without an extension, as it reads YAML."""
_NAMED = frozenset({"group_vars", "host_vars"})
"""Directories of files that bear the name of a host or group, which may have dots."""
_ENTRY = "main"
"""What Ansible reads of a role's directory unasked, with one of these extensions or without."""
_META = re.compile(r"(?:^|/)meta/main(?:\.ya?ml|\.json)?$")
_ROLE_WORD = re.compile(rb"(?:include|import)_role")
_PLAYBOOK_WORD = re.compile(rb"\b(?:hosts|import_playbook)\b")
_ROLE_KEYS = frozenset({"include_role", "import_role"})
_ACTION_KEYS = frozenset({"action", "local_action"})
_PLAY_PARTS = frozenset({"tasks", "roles", "pre_tasks", "post_tasks", "handlers"})
_ROLE_BY_PATH = re.compile(rb"(?:\broles|\.\.)/(?=([\w.-]+|\{\{))")
_FILTER = re.compile(rb"""\|\s*(\w+)|\b(?:lookup|query|q)\s*\(\s*['"](\w+)""")
_KEY = re.compile(rb"\b\w++(?=['\"]?\s*:)")
_WORD = re.compile(rb"\w+")
_MADE_UP = "{{"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mentions:
    """What is named. A name that is made up when the playbook runs may be any role, or any playbook."""

    roles: frozenset[str] = frozenset()
    playbooks: frozenset[str] = frozenset()
    collections: frozenset[str] = frozenset()
    any_role: bool = False
    any_playbook: bool = False


NOTHING = Mentions()


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a file turned out to be, besides what it names."""

    mentions: Mentions = NOTHING
    is_playbook: bool = False
    encrypted: bool = False
    """By Ansible Vault: the file, or values in it."""
    mistake: str = ""
    """`:LINE: WHY` where it was parsed and is no YAML."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """The names of the collections that there are, and what Ansible finds in them without their names."""

    collections: tuple[str, ...] = ()
    short: Mapping[bytes, str] = field(default_factory=dict)
    """The collection of a module, filter or lookup, by its short name (`ufw`)."""


def said(path: str, content: bytes, words: Vocabulary, *, plays: bool) -> Said:
    """What the file says. `path` is the one in its role or collection, or in the tree for what is in neither.

    `plays` says whether it may be a playbook. What is encrypted as a whole may name any role, where tasks stand.
    """
    if content.startswith(VAULT):
        may_name = is_yaml(path) and not {*_WITHOUT_TASKS, "files", "templates"} & set(path.split("/")[:-1])
        return Said(mentions=Mentions(any_role=True) if may_name else NOTHING, encrypted=True)
    found = _said(path, content, words, plays=plays)
    return replace(found, encrypted=True) if holds_values(path) and VAULT in content else found


def is_yaml(path: str) -> bool:
    """Whether Ansible reads the file as YAML: by its extension, or by the directory that it stands in."""
    *directories, name = path.split("/")
    if name.endswith(YAML):
        return True
    if name.startswith("."):
        return False
    extension = posixpath.splitext(name)[1]
    plain = extension in ("", ".json") and not _READ.isdisjoint(directories)
    return plain or not _NAMED.isdisjoint(directories[-1:])


def must_be_yaml(path: str) -> bool:
    """Whether it is a mistake if it is none: a file without an extension may be a note that nobody includes."""
    name = path.rpartition("/")[2]
    return name.endswith(YAML) or (is_yaml(path) and posixpath.splitext(name)[0] == _ENTRY)


def holds_values(path: str) -> bool:
    """Whether Ansible may read the file as YAML, by its name: then values in it may be encrypted, each by itself."""
    return is_yaml(path) or path.endswith(".json")


def _said(path: str, content: bytes, words: Vocabulary, *, plays: bool) -> Said:
    *directories, name = path.split("/")
    if _SILENT.intersection(directories) or any(d.startswith(".") for d in directories) or name.endswith(_SILENT_ENDS):
        return Said()
    plain = in_text(content, words)
    if not is_yaml(path) or "templates" in directories:
        return Said(mentions=plain)
    short = set() if _WITHOUT_TASKS.intersection(directories) else _short(content, words)
    meta = bool(_META.search(path)) and b"dependencies" in content
    plays = plays and bool(_PLAYBOOK_WORD.search(content))
    if not (short or meta or plays or _ROLE_WORD.search(content)):
        return Said(mentions=plain)
    try:
        documents = list(yaml.load_all(content, Loader=Loader))
    except (yaml.YAMLError, ValueError) as error:
        return Said(mentions=plain, mistake=_told(error) if must_be_yaml(path) else "")
    parts = [plain, *_walk(documents, {key.decode(): words.short[key] for key in short})]
    if meta:
        parts += (_of_role(each) for document in documents for each in _list(_get(document, "dependencies")))
    entries = documents[0] if plays and len(documents) == 1 and isinstance(documents[0], list) else []
    parts += (_of_play(entry) for entry in entries if isinstance(entry, dict))
    return Said(mentions=together(parts), is_playbook=_are_plays(entries))


def broken(content: bytes) -> str:
    """`:LINE: WHY` where this is no YAML, else empty. Nothing is made of it."""
    try:
        for _event in yaml.parse(content, Loader=Loader):
            pass
    except (yaml.YAMLError, ValueError) as error:
        return _told(error)
    return ""


def in_text(content: bytes, words: Vocabulary) -> Mentions:
    """What is named in plain text: collections, and roles by a path."""
    named = {name for name in words.collections if name.encode() in content and _is_word(name, content)}
    if words.short and (b"|" in content or b"(" in content):
        found = (filter_ or lookup for filter_, lookup in _FILTER.findall(content))
        named |= {words.short[name] for name in found if name in words.short}
    by_path = {role.decode() for role in _ROLE_BY_PATH.findall(content)} if b"/" in content else set()
    if not named and not by_path:
        return NOTHING
    return Mentions(
        roles=frozenset(by_path - {_MADE_UP, ".", ".."}),
        collections=frozenset(named),
        any_role=_MADE_UP in by_path,
    )


def together(parts: Iterable[Mentions]) -> Mentions:
    """All that any of them names."""
    told = [part for part in parts if part is not NOTHING]
    return Mentions(
        roles=frozenset().union(*(part.roles for part in told)),
        playbooks=frozenset().union(*(part.playbooks for part in told)),
        collections=frozenset().union(*(part.collections for part in told)),
        any_role=any(part.any_role for part in told),
        any_playbook=any(part.any_playbook for part in told),
    )


def _short(content: bytes, words: Vocabulary) -> set[bytes]:
    """The short names in `content` that stand where a module's name may stand."""
    if not words.short:
        return set()
    return words.short.keys() & set((_WORD if b"action:" in content else _KEY).findall(content))


def _is_word(name: str, content: bytes) -> bool:
    return bool(re.search(rb"(?<![\w.])(?:ansible_collections\.)?" + re.escape(name.encode()) + rb"(?!\w)", content))


def _walk(node: Any, short: Mapping[str, str]) -> Iterator[Mentions]:
    """The roles that tasks include, at any depth, and the collections of modules that are named without them."""
    waiting = [node]
    seen: set[int] = set()  # an alias is the thing itself once more, and may stand in itself
    for each in waiting:  # grows while it is walked
        if id(each) not in seen and isinstance(each, list | dict):
            seen.add(id(each))
            waiting += each.values() if isinstance(each, dict) else each
            if isinstance(each, dict):
                yield from _of_mapping(each, short)


def _of_mapping(node: Mapping[Any, Any], short: Mapping[str, str]) -> Iterator[Mentions]:
    """What a mapping names if it is a task."""
    for name, value in node.items():
        key = _builtin(name)
        if key in _ROLE_KEYS:
            yield _of_include(value, node)
        elif key in _ACTION_KEYS:
            yield _of_action(value, node, short)
        elif key in short:
            yield Mentions(collections=frozenset({short[key]}))


def _of_include(value: Any, task: Mapping[Any, Any]) -> Mentions:
    """`include_role: {name: web}`, `include_role: name=web`, or its name in `args`; else it may be any role."""
    if isinstance(value, str):
        words = dict(word.partition("=")[::2] for word in value.split())
        name = words.get("name") or words.get("role") if _MADE_UP not in value else None
    else:
        name = _role_name(value)
    return _role(name or _role_name(task.get("args")))


def _of_action(value: Any, task: Mapping[Any, Any], short: Mapping[str, str]) -> Mentions:
    """`action: include_role name=web`, `action: {module: include_role, name: web}`."""
    if isinstance(value, str):
        module, _, rest = value.partition(" ")
    else:
        module, rest = str(_get(value, "module") or "").partition(" ")[0], value
    if _builtin(module) in _ROLE_KEYS:
        return _of_include(rest, task)
    return Mentions(collections=frozenset({short[module]})) if module in short else NOTHING


def _of_play(play: Mapping[Any, Any]) -> Mentions:
    """The roles of a play, or the playbook that stands in its place."""
    parts = [_of_role(each) for each in _list(play.get("roles"))]
    for key, value in play.items():
        if _builtin(key) == "import_playbook":
            made_up = not isinstance(value, str) or _MADE_UP in value
            parts.append(Mentions(any_playbook=True) if made_up else Mentions(playbooks=frozenset({value})))
    return together(parts)


def _of_role(value: Any) -> Mentions:
    """A role as `roles` and `dependencies` name it; of `src` what ansible-galaxy makes a name of."""
    if isinstance(value, dict) and not _role_name(value) and value.get("src"):
        value = str(value["src"]).partition(",")[0].rpartition("/")[2].removesuffix(".git").removesuffix(".tar.gz")
    return _role(value if isinstance(value, str) else _role_name(value))


def _role_name(value: Any) -> str | None:
    name = _get(value, "role") or _get(value, "name")
    return str(name) if name else None


def _role(name: str | None) -> Mentions:
    return Mentions(any_role=True) if not name or _MADE_UP in name else Mentions(roles=frozenset({name}))


def _are_plays(entries: list[Any]) -> bool:
    """Whether a list is a playbook: of plays and imports only, and one of them does something."""
    kinds = [{_builtin(key) for key in entry} if isinstance(entry, dict) else set() for entry in entries]
    does = any("import_playbook" in keys or keys & _PLAY_PARTS for keys in kinds)
    return does and all(keys & {"hosts", "import_playbook"} for keys in kinds)


def _builtin(key: Any) -> str:
    return str(key).removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _told(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f":{error.problem_mark.line + 1}: {error.problem}"
    return f": {error}"


_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader where PyYAML was built with it: every command that needs a content key reads the playbooks."""


class Loader(_Fast):  # type: ignore[misc]  # which of the two is known at run time only
    """YAML with Ansible's own tags (`!vault`, `!unsafe`), whose values name nothing."""


def _nothing(_loader: Any, _suffix: str, _node: yaml.Node) -> None:
    return None


Loader.add_multi_constructor("!", _nothing)
