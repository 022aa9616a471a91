"""Stacks for people: what Terraform would do to each resource, what would be lost marked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from phoenix.cli.text.table import Table, table
from phoenix.stacks import Change, Do, Field

_MARKS = {
    Do.CREATE: "+  ",
    Do.CHANGE: "~  ",
    Do.REPLACE: "-/+",
    Do.DESTROY: "-  ",
    Do.READ: "<= ",
    Do.FORGET: ".  ",
    Do.MOVE: "-> ",
    Do.IMPORT: "<- ",
}
_WORDS = {
    Do.REPLACE: "REPLACE: it is destroyed and made anew",
    Do.DESTROY: "DESTROY",
    Do.FORGET: "forget: it stays, Terraform no longer knows of it",
}


def stacks_text(stacks: list[dict[str, Any]]) -> Table | str:
    """A row for each stack."""
    rows = [
        (each["stack"], each["root"], ", ".join(each["outputs"]) or "-", each["read"] or "never") for each in stacks
    ]
    return table("stack", "root", "outputs", "read", rows=rows) if rows else "phoenix.yaml has no stacks"


def changes_text(why: str, changes: tuple[Change, ...], outputs: tuple[Field, ...]) -> str:
    """The summary first, then each resource; what would be lost stands last, where it is seen."""
    order = sorted(changes, key=lambda each: (each.do.loses, each.do is Do.DESTROY, each.address))
    lines = [line for change in order for line in _change(change)]
    named = [f"  {each.name}: {each.before} -> {each.after}" for each in outputs]
    return "\n".join([why, *lines, *(["outputs:", *named] if named else [])])


def no_drift_text(stack: str, left: tuple[Change, ...]) -> str:
    """That nothing has drifted, and what has moved because others own it."""
    return "\n".join([f"{stack}: no drift", *(f"  {each.address}: moved by whoever owns it" for each in left)])


def outputs_text(outputs: dict[str, Any]) -> str:
    """`NAME = VALUE`, a line for each."""
    return "\n".join(f"{name} = {_value(each)}" for name, each in outputs.items())


def value_text(value: Any) -> str:
    """A value that stands alone: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _value(output: Any) -> str:
    return "(sensitive)" if output.sensitive else json.dumps(output.value)


def _change(change: Change) -> Iterator[str]:
    reason = f" ({change.why})" if change.why else ""
    yield f"  {_MARKS[change.do]} {change.address}: {_WORDS.get(change.do, change.do)}{reason}"
    for each in change.fields:
        forces = "  # forces the replacement" if each.forces else ""
        yield f"        {each.name}: {each.before} -> {each.after}{forces}"
