"""What a saved plan says of its own files: which arguments Terraform was told to leave to others.

Terraform's JSON says nothing of `lifecycle`. But a saved plan is an archive that holds the files it was made of, those
of modules as well. They are read as far as `ignore_changes` needs it, and no farther.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

Ignored = Mapping[str, frozenset[str]]
"""Names of arguments by a resource's address without its indexes: `module.a.aws_lb_listener.web`."""

ALL = "all"
"""Stands for every argument."""

_HEREDOC = re.compile(r"<<[-~]?(\w+)[^\n]*\n.*?\n[ \t]*\1[ \t]*(?=\n|$)", re.DOTALL)
_WORD = re.compile(r"#[^\n]*|//[^\n]*|/\*.*?\*/|[A-Za-z_][\w.-]*|[{}\[\]=,]|\S", re.DOTALL)
_INDEX = re.compile(r"\[[^\]]*\]")


def ignored(plan: Path) -> Ignored:
    """The arguments that the plan's files leave to others, by resource."""
    found: dict[str, frozenset[str]] = {}
    with zipfile.ZipFile(plan) as archive:
        for name in archive.namelist():
            parts = name.split("/")
            if parts[0] == "tfconfig" and len(parts) == 3 and name.endswith((".tf", ".tofu")):
                prefix = "".join(f"module.{each}." for each in parts[1].removeprefix("m-").split(".") if each)
                text = archive.read(name).decode("utf-8", "replace")
                found |= {f"{prefix}{address}": names for address, names in resources(text)}
    return found


def resources(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each resource of a file that leaves arguments to others: its address in its module, and their names."""
    words = list(_words(_HEREDOC.sub('""', text)))
    depth, current, start = 0, "", 0
    for index, word in enumerate(words):
        if word == "{":
            if depth == 0 and words[max(0, index - 3)] == "resource":
                current, start = ".".join(each.strip('"') for each in words[index - 2 : index]), index
            depth += 1
        elif word == "}":
            depth -= 1
            if depth == 0 and current:
                names = frozenset(_names(words[start:index]))
                current, told = "", current
                if names:
                    yield told, names


def _words(text: str) -> Iterator[str]:
    """The words of a file without its comments; a string is one, with whatever is filled into it."""
    position = 0
    while position < len(text):
        if text[position] == '"':
            end = _end_of_string(text, position)
            yield text[position:end]
        elif text[position].isspace():
            end = position + 1
        else:
            found = _WORD.match(text, position)
            end = found.end() if found else position + 1
            if not text[position:end].startswith(("#", "//", "/*")):
                yield text[position:end]
        position = end


def _end_of_string(text: str, start: int) -> int:
    """Where the string that begins there ends."""
    position = start + 1
    while position < len(text) and text[position] != '"':
        if text[position] == "\\":
            position += 2
        elif text.startswith(("$${", "%%{"), position):
            position += 3
        elif text.startswith(("${", "%{"), position):
            position = _end_of_template(text, position + 2)
        else:
            position += 1
    return position + 1


def _end_of_template(text: str, position: int) -> int:
    """Where what is filled in there ends; it may hold strings and braces of its own."""
    depth = 1
    while position < len(text) and depth:
        if text[position] == '"':
            position = _end_of_string(text, position)
            continue
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        position += 1
    return position


def _names(words: list[str]) -> Iterator[str]:
    """The arguments that `ignore_changes` names in a resource's words. A part of one (`a[0].b`) is not all of it."""
    if "ignore_changes" not in words:
        return
    rest = words[words.index("ignore_changes") + 2 :]
    if rest[:1] == [ALL]:
        yield ALL
        return
    depth, item = 0, ""
    for word in rest:
        if depth == 1 and word in (",", "]"):
            if re.fullmatch(r"[A-Za-z_]\w*", item):
                yield item
            item = ""
        elif depth:
            item += word
        depth += {"[": 1, "]": -1}.get(word, 0)
        if not depth:
            return


def without_indexes(address: str) -> str:
    """An address as the files have it: `module.a[0].b.c["x"]` is `module.a.b.c`."""
    return _INDEX.sub("", address)


def configured(shown: Mapping[str, object]) -> Ignored:
    """The arguments that the files set, by resource, out of a plan's JSON."""
    root = _mapping(_mapping(shown.get("configuration")).get("root_module"))
    return dict(_configured(root, ""))


def _configured(module: Mapping[str, object], prefix: str) -> Iterator[tuple[str, frozenset[str]]]:
    found = module.get("resources")
    for each in found if isinstance(found, list) else []:
        yield f"{prefix}{each.get('address')}", frozenset(_mapping(each.get("expressions")))
    for name, call in _mapping(module.get("module_calls")).items():
        yield from _configured(_mapping(_mapping(call).get("module")), f"{prefix}module.{name}.")


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
