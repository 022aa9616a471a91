"""What is said on the command line, read without pydantic where it need not be."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any


def as_it_is(parameter: Any) -> None:
    """Let the parameter take a text or a number as it is."""
    if hasattr(parameter, "get_runtime_param") and "get_runtime_param" not in vars(parameter):
        parameter.get_runtime_param = partial(_itself, _AsItIs(parameter))


class _AsItIs:
    """Takes a value that is of its parameter's type already: typer would make a pydantic adapter per parameter first.

    A typer that asks its parameters in another way never meets it, and takes its own.
    """

    def __init__(self, parameter: Any) -> None:
        self._usual = parameter.get_runtime_param
        self._kind = parameter.type_descriptor

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value for the command; typer's own way where it has to be read or checked."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if type(value) is self._kind.annotation and type(value) in (str, int) and not self._kind.is_ranged:
            return value
        if self._kind.annotation == list[Path] and not self._is_checked():
            return [Path(each) for each in value]  # typer would make an adapter for each of them
        return self._usual().coerce(value, param=param, ctx=ctx)

    def _is_checked(self) -> bool:
        """Whether typer is asked to look at the file of a path, or to make another path of it."""
        wanted = self._kind.parameter_info
        flags = (wanted.exists, wanted.writable, wanted.resolve_path, wanted.allow_dash, wanted.path_type)
        return any(flags) or not (wanted.file_okay and wanted.dir_okay and wanted.readable)


def _itself(value: _AsItIs) -> _AsItIs:
    return value
