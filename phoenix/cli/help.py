"""The pages of `--help`: sections of two columns in plain text, their headings bold on a terminal.

typer would draw boxes, for which it loads more of rich than all of phoenix's root takes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

EVERYWHERE = "Everywhere"
"""The heading of the options that every command takes; it comes last."""
WIDTH = 100
"""Columns of a page where the terminal has them."""


def write(command: Any, ctx: Any, formatter: Any) -> None:
    """Write the page of a typer command into its formatter: usage, what it does, options, commands below, examples."""
    command.format_usage(ctx, formatter)
    command.format_help_text(ctx, formatter)
    for heading, rows in sections(command, ctx).items():
        with formatter.section(_bold(heading)):
            formatter.write_dl(rows)
    if command.epilog:
        formatter.write(f"\n{command.epilog}\n")


def sections(command: Any, ctx: Any) -> dict[str, list[tuple[str, str]]]:
    """Rows by their heading: arguments and options, commands, what every command takes."""
    found: dict[str, list[tuple[str, str]]] = {}
    for heading, row in sorted(
        (*_parameters(command, ctx), *_commands(command)), key=lambda each: each[0] == EVERYWHERE
    ):
        found.setdefault(heading, []).append(row)
    return found


def _parameters(command: Any, ctx: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    for parameter in command.get_params(ctx):
        row = parameter.get_help_record(ctx)
        if row:
            kind = "Arguments" if parameter.param_type_name == "argument" else "Options"
            yield parameter.rich_help_panel or kind, row


def _commands(command: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    for name, below in getattr(command, "commands", {}).items():
        yield below.rich_help_panel or "Commands", (name, below.get_short_help_str(WIDTH))


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else text
