"""Every command: what it does, its arguments and options, its examples. Read off the table of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from docs.reference.table import table
from phoenix.cli import everywhere
from phoenix.cli import help as page
from phoenix.cli.app import load_command
from phoenix.cli.contents import TABLE


def markdown() -> str:
    """The generated part of the page."""
    parts, panel = [], ""
    for entry in TABLE:
        if entry.panel != panel:
            panel = entry.panel
            parts.append(f"## {panel}\n")
        parts += [_command(path, each) for path, each in below(f"phoenix {entry.name}", load_command(entry.name))]
    return "\n".join([*parts, _everywhere()])


def below(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """The command, or all that are below the group, by what is typed to call it."""
    commands = getattr(command, "commands", None)
    if commands is None:
        yield path, command
    for name, each in (commands or {}).items():
        yield from below(f"{path} {name}", each)


def _command(path: str, command: Any) -> str:
    context = command.context_class(command, info_name=path)
    usage = re.sub(r"[{}]|(?<=\[)\[|\](?=\])", "", " ".join([path, *command.collect_usage_pieces(context)]))
    rows = [
        row for heading, found in page.sections(command, context).items() if heading != page.EVERYWHERE for row in found
    ]
    rows = [row for row in rows if "--help" not in row[0]]
    options = f"\n{table(('argument or option', 'meaning'), map(_row, rows))}" if rows else ""
    examples = "\n".join(f"    {line.strip()}" for line in command.epilog.splitlines()[1:])
    return f"### {path}\n\n    {usage}\n\n{_text(command.help)}\n{options}\n{examples}\n"


def _row(row: tuple[str, str]) -> tuple[str, str]:
    names = re.sub(" <(str|path)>", " TEXT" if row[0].startswith("-") else "", row[0])
    return f"`{names.replace('<int>', 'N')}`", " ".join(row[1].split())


def _text(text: str) -> str:
    """A docstring as Markdown: paragraphs, without the marks that only terminals read."""
    return "\n".join(line.strip() for line in text.replace("\b", "").strip().splitlines())


def _everywhere() -> str:
    context = load_command("schema").make_context("schema", [], resilient_parsing=True)
    rows = [row for each in everywhere.tidy(everywhere.parameters()) if (row := each.get_help_record(context))]
    return f"## What every command takes\n\n{table(('option', 'meaning'), map(_row, rows))}"
