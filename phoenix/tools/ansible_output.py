"""What a failed task of Ansible said: its result, which may go over many lines, and of a long output what matters."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

SHOWN_LINES = 15
"""Of what a failed program printed, in an error: so many from its end;"""
SHOWN_OF_CAUSE = 8
"""and so many from its first word of an error on, where that is not among them: dpkg goes on behind it."""
MOST = 2000
"""Characters that are shown of a result that cannot be read."""
LEFT_OUT = "..."

_CAUSE = re.compile(r"(?:^|: )(?:fatal |internal )?error\b|^E: |^Err:|(?:^|: )fatal\b|^Traceback ", re.IGNORECASE)


def result_in(first: str, rest: Iterator[str]) -> str:
    """A result that begins with `first`, with the lines of `rest` that belong to it: some modules' are indented."""
    if first != "{":
        return first
    lines = [first]
    for line in rest:
        lines.append(line.strip())
        if line.rstrip() == "}":
            break
    return "\n".join(lines)


def why(result: str) -> str:
    """A module's message, whole, with what matters of what its program printed."""
    try:
        values: dict[str, Any] = json.loads(result)
    except ValueError:
        return result[:MOST]
    said = [_text(values.get("msg", "it gave no reason"))]
    said += [f"not true: {_text(values['assertion'])}"] if "assertion" in values else []
    for printed in (values.get("stdout"), values.get("stderr") or values.get("module_stderr")):
        said += excerpt(str(printed or "").splitlines())
    return "\n".join(said)


def excerpt(printed: Sequence[str]) -> list[str]:
    """The last lines that are not empty; before them the first that tell of an error, where that was earlier."""
    lines = [line.rstrip() for line in printed if line.strip()]
    end = max(0, len(lines) - SHOWN_LINES)
    cause = next((number for number, line in enumerate(lines[:end]) if _CAUSE.search(line)), end)
    first = lines[cause : min(end, cause + SHOWN_OF_CAUSE)]
    between = [LEFT_OUT] if first and cause + len(first) < end else []
    return [*first, *between, *lines[end:]]


def _text(message: object) -> str:
    """A message as text: a module may give it as a list of lines."""
    if isinstance(message, list):
        return "\n".join(_text(each) for each in message)
    return str(message).rstrip("\n")
