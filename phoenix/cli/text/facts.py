"""Facts as people read them: a line each, their names in one column; no value looks as a program would print it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phoenix.cli.text.times import age

UNITS = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))
AGES = ("age", "keep_left")
"""Names of facts that are seconds."""


def fact_lines(data: Mapping[str, Any], *, sizes: tuple[str, ...] = ()) -> str:
    """A line per fact, in their order. `sizes`: the names of those that are bytes. What is not known is left out."""
    shown = {name: _words(name, value, sizes) for name, value in data.items() if value not in (None, "", (), [], {})}
    width = max((len(_label(name)) for name in shown), default=0)
    return "\n".join(f"{_label(name):<{width}}  {text}" for name, text in shown.items())


def size(count: int) -> str:
    """Bytes in the largest unit that fits: `1.5 GiB`, `300 bytes`."""
    for unit, length in UNITS:
        if count >= length:
            return f"{count / length:.1f} {unit}"
    return f"{count} bytes"


def _label(name: str) -> str:
    return name.replace("_", " ")


def _words(name: str, value: Any, sizes: tuple[str, ...]) -> str:
    if name in sizes and isinstance(value, int):
        return size(value)
    if name in AGES and isinstance(value, int):
        return age(value)
    match value:
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return ", ".join(f"{key}={_words('', each, ())}" for key, each in value.items())
        case list() | tuple():
            return ", ".join(_words("", each, ()) for each in value)
        case _:
            return str(value)
