"""What `--json` prints: the keys of every result, read off the values that the orders give back."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import pairwise
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from docs.reference.table import table
from phoenix.demo.rehearsal import DemoResult
from phoenix.orders import (
    bake,
    doctor,
    down,
    galaxy,
    groups,
    history,
    image_retention,
    images,
    logs,
    project,
    publish,
    render,
    repositories,
    repository_keys,
    repository_states,
    retention,
    roll,
    rollback,
    runs,
    ssh,
    stacks,
    status,
    tend,
    unlock,
)

RESULTS: dict[str, type] = {
    "init": project.InitResult,
    "doctor": doctor.DoctorResult,
    "doctor --policy": doctor.PolicyResult,
    "galaxy install": galaxy.GalaxyResult,
    "galaxy install --plan": galaxy.GalaxyPlan,
    "validate": project.ValidateResult,
    "demo": DemoResult,
    "render": render.RenderResult,
    "bake": bake.BakeResult,
    "image list": images.ImageList,
    "image show": images.ImageShown,
    "image lineage": images.Lineage,
    "image verify": images.VerifyResult,
    "image delete": images.DeletedImage,
    "image prune": image_retention.PruneResult,
    "publish": publish.PublishResult,
    "repository list": repositories.RepositoryList,
    "repository show, serve": repositories.RepositoryShown,
    "repository history": repository_states.RepositoryHistory,
    "repository diff": repository_states.StateDifference,
    "repository rollback": repository_states.RestoreResult,
    "repository prune": retention.PruneResult,
    "repository promote": publish.PublishResult,
    "repository key show": repository_keys.KeysShown,
    "repository key rotate": repository_keys.RotateResult,
    "roll": roll.RollResult,
    "rollback": rollback.RollbackResult,
    "resume, promote, abort": runs.RunResult,
    "status": status.StatusResult,
    "group list": groups.GroupList,
    "group show": groups.GroupShown,
    "group enable, disable, resize, delete": groups.GroupResult,
    "logs": logs.LogsResult,
    "ssh": ssh.WayIn,
    "stack list": stacks.StackList,
    "stack plan": stacks.PlanShown,
    "stack apply, destroy": stacks.StackResult,
    "stack output": stacks.OutputsResult,
    "stack output OUTPUT": stacks.OutputShown,
    "stack drift": stacks.DriftResult,
    "run list": history.RunList,
    "run show": history.RunShown,
    "tend": tend.Tended,
    "unlock": unlock.UnlockResult,
    "down": down.DownResult,
}
"""The result of each command; several that have the same one stand together."""
IN_WORDS = ("schema",)
"""Commands whose result the page tells in words, above what is generated."""
WORDS = {str: "text", int: "number", float: "number", bool: "true or false", NoneType: "null"}


def markdown() -> str:
    """The generated part of the page: what every command prints, then the values in it."""
    parts = ["## What each command prints\n"]
    parts += [f"### phoenix {command}\n\n{_about(kind)}{_keys(kind)}" for command, kind in RESULTS.items()]
    parts.append("## Values in them\n")
    parts += [f"### {kind.__name__}\n\n{_about(kind)}{_keys(kind)}" for kind in _values()]
    return "\n".join(parts)


def commands_of(entry: str) -> tuple[str, ...]:
    """The commands that an entry of RESULTS is about, without its options: `group enable, disable` are two."""
    first, *others = entry.split(", ")
    words = [word for word in first.split() if not word.startswith("-") and not word.isupper()]
    return (" ".join(words), *(" ".join((*words[:-1], other)) for other in others))


def _values() -> tuple[type, ...]:
    """Every value inside of a result, each once, by name."""
    found: dict[str, type] = {}
    waiting = list(RESULTS.values())
    while waiting:
        for below in (each for hint in get_type_hints(waiting.pop()).values() for each in _inside(hint)):
            if below not in RESULTS.values() and found.setdefault(below.__name__, below) is below:
                waiting += [below] if below not in waiting else []
    return tuple(found[name] for name in sorted(found))


def _inside(hint: Any) -> Iterator[type]:
    if inspect.isclass(hint) and is_dataclass(hint):
        yield hint
    for each in get_args(hint):
        yield from _inside(each)


def _about(kind: type) -> str:
    return f"{_text(inspect.getdoc(kind) or '')}\n\n"


def _text(text: str) -> str:
    """A docstring in one line, in the words of JSON."""
    return re.sub(r"\bNone\b", "null", " ".join(text.split()))


def _keys(kind: type) -> str:
    """A table of the keys. A key's meaning is the text below it in the code."""
    hints, meanings = get_type_hints(kind), _meanings(kind)
    rows = [(f"`{each.name}`", _words(hints[each.name]), meanings.get(each.name, "")) for each in fields(kind)]
    return table(("key", "value", "meaning"), rows) if meanings else table(("key", "value"), [row[:2] for row in rows])


def _meanings(kind: type) -> dict[str, str]:
    """The docstrings of attributes, of the value and those that it extends."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        body = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0] if is_dataclass(each) else None
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for before, text in pairwise(statements):
            if (
                isinstance(before, ast.AnnAssign)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
            ):
                found[ast.unparse(before.target)] = _text(str(text.value.value))
    return found


def _words(hint: Any) -> str:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_words(each) for each in args))
    if origin is tuple:
        return f"list of {_words(args[0])}"
    if origin is dict:
        return f"object: {_words(args[1])} by name"
    if inspect.isclass(hint) and is_dataclass(hint):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    return WORDS.get(hint, "anything")
