"""What Terraform and OpenTofu print as JSON, read at the edge: a plan, outputs, and the lines they say while they work.

Terraform's masks alone are not enough: a value that was passed on by a provider is often no longer marked. So the
values of variables that are marked sensitive are taken out wherever they stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from phoenix.errors import ToolError
from phoenix.stacks import MASKED, Change, Do, Field, Output, StackChanges
from phoenix.tools import terraform_files
from phoenix.tools.terraform_files import Ignored

UNKNOWN = "(known after apply)"
NONE = "(none)"
LONGEST = 80
"""Characters of a value that are shown."""
LEAST_SECRET = 4
"""Characters of the shortest secret that is looked for in texts: a shorter one stands in every other word."""
SECRET_NAME = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE_?KEY|ACCESS_?KEY|API_?KEY|CREDENTIAL", re.IGNORECASE)
"""A variable or a setting whose value nobody may see, whatever Terraform says of it."""

_DOES = {
    ("create",): Do.CREATE,
    ("read",): Do.READ,
    ("update",): Do.CHANGE,
    ("delete", "create"): Do.REPLACE,
    ("create", "delete"): Do.REPLACE,
    ("create", "forget"): Do.CREATE,
    ("forget", "create"): Do.CREATE,
    ("delete",): Do.DESTROY,
    ("forget",): Do.FORGET,
}
_NOTHING = ("no-op",)
_STAYS = "the one that is there stays, and Terraform no longer knows of it"
_WHY = {
    "replace_because_tainted": "it is tainted: making it had failed",
    "replace_because_cannot_update": "it cannot be changed in place",
    "replace_by_request": "by request",
    "replace_by_triggers": "something that triggers it has changed",
    "delete_because_no_resource_config": "the configuration no longer has it",
    "delete_because_no_module": "the configuration no longer has its module",
    "delete_because_wrong_repetition": "its count or for_each has changed",
    "delete_because_count_index": "its count is smaller now",
    "delete_because_each_key": "for_each no longer has its key",
}
_IDENTITY = ("id", "name", "arn", "self_link")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of what `-json` says while it works. `text` is for people, empty where there is nothing to tell."""

    text: str = ""
    error: str = ""
    """A failure: what, why and where."""
    summary: str = ""
    """The failure's headline alone, by which Terraform's own refusals are told apart."""


def document(text: str) -> str:
    """The JSON in what was printed: OpenTofu says warnings about a file of its own before it, on the same stream."""
    lines = text.splitlines(keepends=True)
    start = next((index for index, each in enumerate(lines) if each.startswith("{")), 0)
    return "".join(lines[start:])


def line(raw: str) -> Line:
    """A line of the stream. What is no JSON (a crash, a warning about a file of its own) is for the log."""
    try:
        data = json.loads(raw)
    except ValueError:
        return Line()
    if not isinstance(data, dict):
        return Line()
    message = str(data.get("@message", ""))
    match data.get("type"):
        case "diagnostic":
            return _diagnostic(data.get("diagnostic") or {})
        case "apply_start" | "apply_progress" | "apply_complete" | "apply_errored" | "change_summary":
            return Line(text=message)
        case "provision_start" | "provision_complete" | "provision_errored":
            return Line(text=message)
        case "log" if data.get("@level") in ("warn", "error"):
            return Line(text=message)
        case _:
            return Line()


def _diagnostic(data: Mapping[str, Any]) -> Line:
    where = data.get("range") or {}
    at = f"{where.get('filename')}:{(where.get('start') or {}).get('line')}" if where else ""
    address = str(data.get("address") or "")
    what = ": ".join(part for part in (at, address, str(data.get("summary", "")), str(data.get("detail", ""))) if part)
    if data.get("severity") != "error":
        return Line(text=f"warning: {what}")
    return Line(text=f"error: {what}", error=what, summary=str(data.get("summary", "")))


def secrets_of(shown: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts in a plan (`show -json`) that nobody may see: of variables and outputs that are marked sensitive."""
    root = (shown.get("configuration") or {}).get("root_module") or {}
    marked = {name for name, about in (root.get("variables") or {}).items() if about.get("sensitive")}
    values = [each.get("value") for name, each in (shown.get("variables") or {}).items() if name in marked]
    for change in (shown.get("output_changes") or {}).values():
        values += [change.get("before")] * (change.get("before_sensitive") is True)
        values += [change.get("after")] * (change.get("after_sensitive") is True)
    return tuple(dict.fromkeys(text for value in values for text in texts(value)))


def texts(value: Any) -> Iterator[str]:
    """Every text in the value that is long enough to be a secret, and its form in JSON where that is another."""
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str) and len(value) >= LEAST_SECRET:
        yield from dict.fromkeys((value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]))


def changes(shown: Mapping[str, Any], known: tuple[str, ...] = ()) -> StackChanges:
    """What a plan (`show -json`) would do. `known`: texts that are secrets whatever Terraform says of them."""
    secrets = (*known, *secrets_of(shown))
    resources = (_change(each, secrets) for each in shown.get("resource_changes") or [])
    outputs = (
        _output_change(name, each, secrets) for name, each in sorted((shown.get("output_changes") or {}).items())
    )
    return StackChanges(
        resources=tuple(each for each in resources if each is not None),
        outputs=tuple(each for each in outputs if each is not None),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """What a refresh-only plan found to be other in the world than in the state."""

    found: StackChanges
    left: tuple[Change, ...]
    """Only arguments are other that the files leave to others (`ignore_changes`), and what comes with them."""


def drift(shown: Mapping[str, Any], ignored: Ignored, known: tuple[str, ...] = ()) -> Drift:
    """The drift in a refresh-only plan. Whoever owns an ignored argument also moves what the cloud derives from it.

    `known` as in `changes`.
    """
    secrets, set_by_files = (*known, *secrets_of(shown)), terraform_files.configured(shown)
    resources = [_change(each, secrets) for each in shown.get("resource_drift") or []]
    found: list[Change] = []
    left: list[Change] = []
    for each in (resource for resource in resources if resource is not None):
        address = terraform_files.without_indexes(each.address)
        theirs = ignored.get(address, frozenset())
        is_left = each.do is Do.CHANGE and _is_left(each, theirs, set_by_files.get(address, frozenset()))
        (left if is_left else found).append(each)
    return Drift(
        found=StackChanges(resources=tuple(found), outputs=changes(shown, known).outputs),
        left=tuple(left),
    )


def _is_left(change: Change, theirs: frozenset[str], ours: frozenset[str]) -> bool:
    """Whether others own all that is other. Nothing is theirs where nothing of theirs has moved."""
    moved = {each.name for each in change.fields}
    if terraform_files.ALL in theirs:
        return True
    return bool(moved & theirs) and not (moved - theirs) & ours


def outputs(text: str, known: tuple[str, ...] = ()) -> tuple[Output, ...]:
    """The outputs that `output -json` prints, without the values of secrets, and of what holds one that is `known`."""
    found: Mapping[str, Mapping[str, Any]] = json.loads(text or "{}")
    return tuple(_output(name, each, known) for name, each in sorted(found.items()))


def _output(name: str, data: Mapping[str, Any], known: tuple[str, ...]) -> Output:
    value = data.get("value")
    sensitive = bool(data.get("sensitive")) or any(secret in json.dumps(value) for secret in known)
    return Output(name=name, value=None if sensitive else value, sensitive=sensitive)


def _change(data: Mapping[str, Any], secrets: tuple[str, ...]) -> Change | None:
    """What becomes of one resource; None where nothing does. ToolError for what no word of ours says."""
    change: Mapping[str, Any] = data.get("change") or {}
    actions = tuple(map(str, change.get("actions") or ()))
    do = _DOES.get(actions)
    if do is None and actions != _NOTHING:
        raise ToolError(
            "Terraform plans what phoenix cannot show",
            details=f"{data.get('address', '')}: {', '.join(actions) or 'no action is named'}",
            resolution="Plan and apply this stack with Terraform itself, or with a version of docs/terraform.md.",
        )
    if do is None and change.get("importing"):
        do = Do.IMPORT
    if do is None and data.get("previous_address"):
        do = Do.MOVE
    if do is None:
        return None
    moved = f"it was {data['previous_address']}" if data.get("previous_address") else ""
    said = [_WHY.get(str(data.get("action_reason", "")), "") or moved]
    said += [_STAYS] if do is Do.CREATE and "forget" in actions else []
    before: Mapping[str, Any] = change.get("before") or {}
    return Change(
        address=str(data.get("address", "")) + (f" (deposed {data['deposed']})" if data.get("deposed") else ""),
        do=do,
        why="; ".join(filter(None, said)),
        fields=tuple(_fields(change, secrets)) if do in (Do.CHANGE, Do.REPLACE) else (),
        ids=tuple(
            dict.fromkeys(str(before[key]) for key in _IDENTITY if isinstance(before.get(key), str) and before[key])
        ),
    )


def _fields(change: Mapping[str, Any], secrets: tuple[str, ...]) -> Iterator[Field]:
    """The arguments of a resource that will be others, those that force its replacement first."""
    before, after = (change.get(key) or {} for key in ("before", "after"))
    unknown = change.get("after_unknown") or {}
    forcing = {str(path[0]) for path in change.get("replace_paths") or [] if path}
    names = sorted({*before, *after, *(name for name, value in unknown.items() if value)})
    found = []
    for name in names:
        old, new = before.get(name), after.get(name)
        is_unknown = _any(unknown.get(name)) and name not in after
        if old == new and not is_unknown and not _any(unknown.get(name)):
            continue
        was_hidden, is_hidden = (_any(_of(change.get(key), name)) for key in ("before_sensitive", "after_sensitive"))
        found.append(
            Field(
                name=name,
                before=MASKED if was_hidden else _shown(old, secrets),
                after=MASKED if is_hidden else UNKNOWN if is_unknown else _shown(new, secrets),
                forces=name in forcing,
            )
        )
    yield from sorted(found, key=lambda each: not each.forces)


def _output_change(name: str, change: Mapping[str, Any], secrets: tuple[str, ...]) -> Field | None:
    if tuple(change.get("actions") or ("no-op",)) == ("no-op",):
        return None
    return Field(
        name=name,
        before=MASKED if _any(change.get("before_sensitive")) else _shown(change.get("before"), secrets),
        after=MASKED
        if _any(change.get("after_sensitive"))
        else UNKNOWN
        if _any(change.get("after_unknown"))
        else _shown(change.get("after"), secrets),
    )


def _of(marks: Any, name: str) -> Any:
    """The marks of one argument; a mark of the whole is one of each."""
    return marks.get(name) if isinstance(marks, dict) else marks


def _any(marks: Any) -> bool:
    """Whether anything is marked, however deep."""
    if isinstance(marks, dict):
        return any(map(_any, marks.values()))
    if isinstance(marks, list):
        return any(map(_any, marks))
    return bool(marks)


def _shown(value: Any, secrets: tuple[str, ...]) -> str:
    if value is None:
        return NONE
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    if any(secret in text for secret in secrets):
        return MASKED
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
