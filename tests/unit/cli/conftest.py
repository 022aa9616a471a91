"""A command line whose commands are a test's own."""

import json
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import typer

from phoenix.cli import app as app_module
from phoenix.cli import contents
from phoenix.cli.command import command, command_app

Invented = Callable[[Callable[[typer.Context], object]], None]
Run = Callable[..., "tuple[int, dict[str, Any]]"]


@pytest.fixture
def invented(monkeypatch: pytest.MonkeyPatch) -> Invented:
    """Make `phoenix invented` run a function that takes the context."""

    def register(function: Callable[[typer.Context], object]) -> None:
        module: Any = ModuleType("phoenix.cli.invented")
        module.app = command_app()

        @command(module.app, "phoenix invented")
        def invented_command(ctx: typer.Context) -> None:
            """A test's own."""
            function(ctx)

        monkeypatch.setitem(sys.modules, "phoenix.cli.invented", module)
        entry = contents.Entry(name="invented", help="A test's own.", panel="Start")
        monkeypatch.setattr(app_module, "TABLE", (*contents.TABLE, entry))

    return register


@pytest.fixture
def run_json(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line; its exit code and the one JSON object on stdout."""

    def call(*args: str, **options: Any) -> tuple[int, dict[str, Any]]:
        code = app_module.run(args, **options)
        return code, json.loads(capsys.readouterr().out)

    return call
