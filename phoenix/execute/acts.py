"""What a playbook or a file of tasks does that no recipe may: ask a person, wait for time, act on this computer.

A bake has nobody to ask, and acts on its image only. What it is told beside the tasks, where they run, is read off the
files as they are written: a host that is made up when the playbook runs (`delegate_to: "{{ x }}"`) is not seen here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from phoenix.execute.mentions import Loader

_WORTH_IT = re.compile(rb"vars_prompt|\bpause\b|\blocal\b|delegate_to|local_action|localhost|127\.0\.0\.1|::1")
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_LOCAL = frozenset({"local", "ansible.builtin.local"})
_PAUSE = frozenset({"pause", "ansible.builtin.pause", "ansible.legacy.pause"})
_ACTIONS = frozenset({"action", "ansible.builtin.action"})
_TASKS = ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always")

_ON_THE_IMAGE = "a recipe acts on its image only"
ASKS = "nobody is asked while an image is baked: put the value into the image's `variables` in phoenix.yaml"
WAITS = f"nobody is there to go on: wait for what is needed, with `until` or `wait_for`; {_ON_THE_IMAGE}"
BESIDE = (
    f"{_ON_THE_IMAGE}: take it out, so that the task runs on the image, or do it before the bake and put the result "
    "into playbooks/files"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """Something that may not be: the line it stands in, and what it is and what to do, in a sentence."""

    line: int
    what: str


def found(content: bytes) -> Iterator[Act]:
    """What may not be in a playbook or a file of tasks, in order; nothing where it is no YAML."""
    if not _WORTH_IT.search(content):
        return
    try:
        documents = list(yaml.compose_all(content, Loader=Loader))
    except (yaml.YAMLError, ValueError):
        return
    for document in documents:
        yield from _of_list(document, set())


def _of_list(node: yaml.Node, above: set[int]) -> Iterator[Act]:
    """Of plays or tasks; `above` are the lists that this one stands in, for an alias may be one of them."""
    if isinstance(node, yaml.SequenceNode) and id(node) not in above:
        for each in node.value:
            if isinstance(each, yaml.MappingNode):
                yield from _of_entry(each, {*above, id(node)})


def _of_entry(node: yaml.MappingNode, above: set[int]) -> Iterator[Act]:
    """Of a play, a task or a block."""
    entries = {str(key.value): (key.start_mark.line + 1, value) for key, value in node.value}
    name = _text(entries.get("name", (0, None))[1])
    kind = "play" if "hosts" in entries else "task"
    who = f"the {kind} '{name}'" if name else f"a {kind}"
    for key, (line, value) in entries.items():
        why = _why(key, value)
        if why:
            yield Act(line=line, what=f"{who} {why}")
        if key in _TASKS:
            yield from _of_list(value, above)


def _why(key: str, value: yaml.Node) -> str:
    """What is wrong about one key of a play or task; empty where nothing is."""
    text = _text(value)
    if key == "vars_prompt":
        return f"has `vars_prompt`: {ASKS}"
    if key in _PAUSE or (key in _ACTIONS and _module(value) in _PAUSE):
        return f"has `pause`: {WAITS}"
    if key in ("local_action", "ansible.builtin.local_action"):
        return f"has `local_action`, which runs on this computer: {BESIDE}"
    if key in ("delegate_to", "hosts") and text in _HERE:
        return f"has `{key}: {text}`, which runs on this computer: {BESIDE}"
    if key == "connection" and text in _LOCAL:
        return f"has `connection: {text}`, which runs on this computer: {BESIDE}"
    if key == "vars" and isinstance(value, yaml.MappingNode):
        inner = {str(name.value): _text(each) for name, each in value.value}
        if inner.get("ansible_connection") in _LOCAL:
            return f"has `ansible_connection: local`, which runs on this computer: {BESIDE}"
    return ""


def _module(value: yaml.Node) -> str:
    """The module of `action: MODULE ARGUMENTS` or `action: {module: MODULE}`."""
    if isinstance(value, yaml.MappingNode):
        return next((_text(each).partition(" ")[0] for key, each in value.value if key.value == "module"), "")
    return _text(value).partition(" ")[0]


def _text(node: yaml.Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""
