"""The pages for people say what the program says: messages, commands and tables are looked up in it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from phoenix.cli.contents import TABLE
from tests.support.rolls.changes import CHANGES

ROOT = Path(__file__).resolve().parents[3]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
ROLLING = (ROOT / "docs" / "rolling.md").read_text()
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def messages() -> list[str]:
    """What the 3 a.m. page quotes from error messages: in italics, in the first cell of a row."""
    cells = [line.split("|")[1] for line in OPERATIONS.splitlines() if line.startswith("| *")]
    return [quoted for cell in cells for quoted in re.findall(r"\*([^*]+)\*", cell)]


@cache
def literals() -> list[str]:
    """Every string of phoenix, what is filled in replaced by an ellipsis. Not read where tests are only collected."""
    found = []
    for file in (ROOT / "phoenix").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


@pytest.mark.parametrize("message", messages())
def test_a_quoted_message_exists(message: str) -> None:
    """`...`, capital words and N stand for what is filled in."""
    pieces = [piece.strip() for piece in re.split(r"\.\.\.|\b[A-Z][A-Z]+\b|\bN\b", message) if piece.strip()]
    assert pieces
    assert any(all(piece in literal for piece in pieces) for literal in literals()), f"phoenix never says: {message}"


def test_enough_messages_are_quoted() -> None:
    assert len(messages()) >= 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    known = {entry.name for entry in TABLE} | {"COMMAND"}
    named = set(re.findall(r"phoenix ([a-z]+)\b", "\n".join(re.findall(r"`[^`]+`|^    .*$", page.read_text(), re.M))))
    assert named - known <= {"prune"}, "commands that come later are the only exception"


def test_the_table_of_changes_is_the_tested_one() -> None:
    table = ROLLING.partition("## When the world changes meanwhile")[2].partition("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ") and "event" not in line]
    assert len(rows) == len(CHANGES)
    for what in CHANGES:
        assert any(what.removeprefix("somebody ") in row.replace(", or an autoscaler,", "") for row in rows), what
