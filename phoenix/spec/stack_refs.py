"""`${stack.NAME.OUTPUT}`: what Terraform made, referred to from phoenix.yaml."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phoenix.spec.mistakes import Place, nearest

if TYPE_CHECKING:  # most projects refer to none
    from phoenix.stacks import Output

REFERENCE = re.compile(r"\$\{stack\.([a-z][-a-z0-9]*)\.([A-Za-z_][-A-Za-z0-9_]*)\}")
"""A stack's name and that of an output."""

Outputs = Callable[[str], "tuple[Output, ...] | None"]
"""What a stack of that name gives out, as far as it is written down; None where it was never applied."""


def nothing_known(_stack: str) -> tuple[Output, ...] | None:
    """Of a project without a record."""
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A reference that was resolved, and to what: text as it is, anything else as JSON."""

    stack: str
    output: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """What a reference comes to; `mistake` where it comes to nothing."""

    value: Any = None
    mistake: str = ""


def resolve(stack: str, output: str, known: Iterable[str], outputs: Outputs) -> Resolved:
    """The value of an output. `known`: the stacks of the file."""
    if stack not in known:
        return Resolved(mistake=f"there is no stack {stack!r}{nearest(stack, known)}")
    found = outputs(stack)
    if found is None:
        what = f"stack {stack} has no output {output!r}: it has not been applied, so there are none"
        return Resolved(mistake=f"{what}; first `phoenix stack apply {stack}`")
    there = {each.name: each for each in found}
    if output not in there:
        return Resolved(
            mistake=f"stack {stack} has no output {output!r}; outputs: {', '.join(sorted(there)) or 'none'}"
        )
    if there[output].sensitive:
        what = f"the output {output!r} of stack {stack} is a secret, which may stand in no plan and no record"
        return Resolved(mistake=f"{what}; accepted: a reference in `settings` to where the machines find it")
    return Resolved(value=there[output].value)


def refused_at(place: Place) -> str:
    """Why no reference may stand there; empty where one may."""
    match place:
        case ("state" | "version" | "project" | "state_is_shared", *_):
            why = "what a stack gives out stands in the record, so where that is has to be known first"
            instead = "the value itself, as `phoenix stack output` prints it"
            return f"${{stack...}} is not accepted here: {why}; accepted: {instead}"
        case ("stacks", _, "root" | "program" | "variable_files", *_):
            return "${stack...} is not accepted here: it names what lies on this computer"
        case (
            ("services", _, "hooks", *_)
            | ("services", _, "environments", _, "hooks", *_)
            | (
                "images",
                _,
                _,
                "tests",
                *_,
            )
        ):
            return "${stack...} is not accepted in commands; a command can ask `phoenix stack output` itself"
        case _:
            return ""


def as_text(value: Any) -> str:
    """How a value stands within a text."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
