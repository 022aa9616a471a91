"""The options that every command takes, before and after its name."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from phoenix import __version__
from phoenix.cli import help as page
from phoenix.cli.session import Session
from phoenix.cli.values import as_it_is

PANEL = page.EVERYWHERE


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
def parameters() -> list[Any]:
    """These options, as typer has them: a command of its own declares them."""
    declaring = typer.Typer(add_completion=False)
    declaring.command()(_global_options)
    return list(typer.main.get_command(declaring).params)


def tidy(parameters: list[Any]) -> list[Any]:
    """The same parameters: read without pydantic where they can be, and as their help shows them."""
    for parameter in parameters:
        as_it_is(parameter)
        if getattr(parameter, "is_flag", False) or getattr(parameter, "count", False):
            parameter.metavar = ""  # typer would print `--json <bool>`, as if it took a value
    return parameters
