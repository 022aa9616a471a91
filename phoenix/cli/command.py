"""How a command file declares its commands, so that all of them take the global options and show an example."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from phoenix import __version__
from phoenix.cli import help as page
from phoenix.cli.session import Session

Function = TypeVar("Function", bound=Callable[..., Any])
PANEL = page.EVERYWHERE
HELP_NAMES = {"help_option_names": ["-h", "--help"], "max_content_width": page.WIDTH}


def _remember(ctx: typer.Context, name: str, value: Any) -> None:
    session = ctx.find_object(Session)
    if session is not None and value:  # None while a shell completes
        setattr(session, name, value)


def _project(ctx: typer.Context, value: str | None) -> None:
    _remember(ctx, "wanted_directory", Path(value) if value else None)


def _json(ctx: typer.Context, value: bool) -> None:
    _remember(ctx, "json", value)


def _verbose(ctx: typer.Context, value: int) -> None:
    _remember(ctx, "verbosity", value)


def _quiet(ctx: typer.Context, value: bool) -> None:
    _remember(ctx, "verbosity", -1 if value else 0)


def _no_color(ctx: typer.Context, value: bool) -> None:
    _remember(ctx, "no_color", value)


def _version(ctx: typer.Context, value: bool) -> None:
    session = ctx.find_object(Session)
    if value and session is not None:
        session.out.result({"version": __version__}, f"phoenix {__version__}")
        raise typer.Exit


def _global_options(
    project: Annotated[
        str | None,
        typer.Option(
            "-C",
            "--project",
            metavar="DIR",
            help="Directory of phoenix.yaml; without it $PHOENIX_PROJECT or the nearest parent.",
            callback=_project,
            expose_value=False,
            rich_help_panel=PANEL,
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="One JSON object on stdout, also on failure.",
            callback=_json,
            expose_value=False,
            rich_help_panel=PANEL,
        ),
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "-v",
            "--verbose",
            count=True,
            show_default=False,
            help="Show what the tools print, too.",
            callback=_verbose,
            expose_value=False,
            rich_help_panel=PANEL,
        ),
    ] = 0,
    quiet: Annotated[
        bool,
        typer.Option(
            "-q",
            "--quiet",
            help="Show results and errors only.",
            callback=_quiet,
            expose_value=False,
            rich_help_panel=PANEL,
        ),
    ] = False,
    no_color: Annotated[
        bool,
        typer.Option(
            "--no-color",
            help="Plain text; so does $NO_COLOR.",
            callback=_no_color,
            expose_value=False,
            rich_help_panel=PANEL,
        ),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and end.",
            callback=_version,
            expose_value=False,
            is_eager=True,
            rich_help_panel=PANEL,
        ),
    ] = False,
) -> None:
    """Hold the declarations of the options that every command takes; typer reads the signature."""


@cache
def _parameters() -> list[Any]:
    declaring = typer.Typer(add_completion=False)
    declaring.command()(_global_options)
    return list(typer.main.get_command(declaring).params)


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
        return self._usual().coerce(value, param=param, ctx=ctx)


def _tidy(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if hasattr(parameter, "get_runtime_param") and "get_runtime_param" not in vars(parameter):
            parameter.get_runtime_param = partial(_itself, _AsItIs(parameter))
        if getattr(parameter, "is_flag", False) or getattr(parameter, "count", False):
            parameter.metavar = ""  # typer would print `--json <bool>`, as if it took a value
    return parameters


def _itself(value: _AsItIs) -> _AsItIs:
    return value


class PhoenixCommand(TyperCommand):
    """A command that takes the global options as well as its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *_parameters()]

    def get_params(self, ctx: Any) -> list[Any]:
        """The command's own options and the global ones."""
        return _tidy(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page of `--help`."""
        page.write(self, ctx, formatter)


class PhoenixGroup(TyperGroup):
    """A command with commands below it; takes the global options before those, too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *_parameters()]

    def get_params(self, ctx: Any) -> list[Any]:
        """The command's own options and the global ones."""
        return _tidy(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page of `--help`."""
        page.write(self, ctx, formatter)


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
