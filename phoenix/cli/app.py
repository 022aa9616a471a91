"""The root of the command line: its commands (see `contents`), and the one place that turns an error into an exit code.

A command's file is imported when the command is used: `phoenix --help` costs typer, rich and nothing else.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand

from phoenix.cli import process, signals, streams
from phoenix.cli.command import HELP_NAMES, PhoenixGroup, ours
from phoenix.cli.contents import TABLE
from phoenix.cli.failures import ProgramEnded, as_phoenix_error, refuse_bytes, unknown_shell
from phoenix.cli.session import Session

COMPLETION = "_PHOENIX_COMPLETE"
"""Set by the shell functions that `--show-completion` prints."""


def load_command(name: str) -> Any:
    """Import the file of command `name` and give back its typer command, called by that name."""
    module = importlib.import_module(f"phoenix.cli.{name}")
    command = typer.main.get_command(module.app)
    command.name = name
    return command


class Root(PhoenixGroup):
    """The root group. Its commands are stand-ins that know a name and a help line, until one of them is used."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for entry in TABLE:
            self.add_command(TyperCommand(entry.name, help=entry.help, rich_help_panel=entry.panel))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that `args` begin with, really loaded."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name and stand_in else None, rest


app = typer.Typer(
    name="phoenix",
    cls=Root,
    help="Servers that are never patched: bake images, publish packages, roll services, burn the old.",
    epilog="Begin with:\n  phoenix init hello && cd hello\n  phoenix doctor\n  phoenix bake foundation nodejs",
    pretty_exceptions_enable=False,
    context_settings=HELP_NAMES,
)


@app.callback()
def _root() -> None:
    return None


def main(noted: Sequence[int] = ()) -> None:
    """Carry out the command line of this process, and end it. `noted`: signals that have come already."""
    process.begin()
    if COMPLETION in os.environ:
        app(prog_name="phoenix")
    code = run(sys.argv[1:], noted)
    process.end()
    sys.exit(code)


def run(args: Sequence[str], noted: Sequence[int] = (), **options: Any) -> int:
    """Carry out one command line; the exit code, whatever a user causes. `options`: of the session, as a test's own."""
    own = ours(args)  # read ahead of the parser: a line that cannot be parsed is to be told in the right form, too
    session = Session(json="--json" in own, no_color="--no-color" in own, stdout=sys.stdout, **options)
    if session.no_color:
        os.environ["NO_COLOR"] = "1"  # the help pages and the tools that phoenix runs obey it
    pages = streams.Pages(wanted=session.json)
    try:
        with signals.as_exceptions(noted), pages:
            refuse_bytes(args)
            root = typer.main.get_command(app)
            with root.make_context("phoenix", list(args) or ["--help"], obj=session) as ctx:
                root.invoke(ctx)
    except (typer.Exit, SystemExit) as leaving:
        code = leaving.exit_code if isinstance(leaving, typer.Exit) else int(leaving.code or 0)
        return session.out.page(pages.text) if not code else session.out.error(unknown_shell())
    except ProgramEnded as ended:
        return ended.code
    except (Exception, KeyboardInterrupt) as problem:
        if isinstance(problem, BrokenPipeError) and streams.reader_is_gone():
            return 128 + signal.SIGPIPE
        return session.out.error(as_phoenix_error(problem))
    finally:
        session.out.quiet_down()
    return 0
