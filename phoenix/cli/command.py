"""How a command file declares its commands, so that all of them take the global options and show an example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from phoenix.cli import everywhere
from phoenix.cli import help as page

Function = TypeVar("Function", bound=Callable[..., Any])
HELP_NAMES = {"help_option_names": ["-h", "--help"], "max_content_width": page.WIDTH}


class Everywhere:
    """A command, or a group of commands, that takes the options of all commands as well as its own."""

    params: list[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *everywhere.parameters()]

    def get_params(self, ctx: Any) -> list[Any]:
        """The command's own options and those of all commands."""
        return everywhere.tidy(super().get_params(ctx))  # type: ignore[misc]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page of `--help`."""
        page.write(self, ctx, formatter)


class PhoenixCommand(Everywhere, TyperCommand):
    """A command."""


class PhoenixGroup(Everywhere, TyperGroup):
    """A command with commands below it."""


def ours(args: Sequence[str]) -> Sequence[str]:
    """The words of a command line that are phoenix's own: what stands behind `--` is somebody else's command."""
    return args[: list(args).index("--")] if "--" in args else args


def command_app() -> typer.Typer:
    """The `app` of a file that has one command."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def group_app(summary: str) -> typer.Typer:
    """The `app` of a file that has several commands below one name (`phoenix image list`)."""
    app = typer.Typer(
        cls=PhoenixGroup,
        help=summary,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings=HELP_NAMES,
    )
    app.callback()(_nothing)  # makes it a group even while it has a single command
    return app


def command(app: typer.Typer, *examples: str, name: str | None = None) -> Callable[[Function], Function]:
    """Declare a function as a command of `app`. `examples` are whole command lines, shown by `--help`.

    The function's docstring is the help text. `name` where the command is not named as the function.
    """
    lines = [f"  {example}" for example in examples]
    epilog = "\n".join(["Example:" if len(lines) == 1 else "Examples:", *lines])
    return app.command(name=name, cls=PhoenixCommand, epilog=epilog, context_settings=HELP_NAMES)


def _nothing() -> None:
    return None
