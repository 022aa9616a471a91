"""Whatever a command ended with, as an error with three sentences."""

from __future__ import annotations

import errno
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer

from phoenix import __version__
from phoenix.errors import InterruptedRunError, PhoenixError, SpecError, Terminated, ToolError
from phoenix.units import as_text, is_text

_SURROUNDINGS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM),
)
"""What is wrong with a computer rather than with a program: no room, no rights, a limit (`ulimit -a`)."""


class ProgramEnded(Exception):  # noqa: N818 - no error of phoenix: what was run says so itself
    """A program that a person used has ended with a code that is to be phoenix's own."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def as_phoenix_error(problem: BaseException) -> PhoenixError:
    """Whatever a command ended with, as an error with three sentences."""
    if isinstance(problem, PhoenixError):
        return problem
    if isinstance(problem, typer.TyperException):
        return _usage_error(problem)
    if isinstance(problem, KeyboardInterrupt):
        number = problem.signal_number if isinstance(problem, Terminated) else signal.SIGINT
        return InterruptedRunError(
            f"ended by {signal.Signals(number).name}",
            signal_number=number,
            details="what had been begun was put back",
            resolution="Say the same command again to go on from here.",
        )
    if isinstance(problem, FileNotFoundError) and not problem.filename and _directory_is_gone():
        return SpecError(
            "the working directory is gone",
            details="it was removed while a shell, or phoenix, stood in it",
            resolution="Go into a directory that is there (`cd`), then say the same command again.",
        )
    if isinstance(problem, OSError) and problem.errno in _SURROUNDINGS:
        return ToolError(
            f"{problem.strerror}: {problem.filename}" if problem.filename else str(problem.strerror),
            details=f"where in phoenix that was: {_report(problem)}",
            resolution="Make room, give the rights or raise the limit (`ulimit -a`), then say the same command again.",
        )
    return PhoenixError(
        "a bug in phoenix",
        details=f"{type(problem).__name__}: {problem}",
        resolution=f"Please report it with the traceback in {_report(problem)}.",
    )


def refuse_bytes(args: Sequence[str]) -> None:
    """SpecError where an argument is not in UTF-8, as the record, plans and reports are."""
    for argument in args:
        if not is_text(argument):
            raise SpecError(
                "an argument is not in UTF-8",
                details=as_text(argument),
                resolution="Say it in UTF-8: see `locale`, and the encoding of the terminal or script that says it.",
            )


def unknown_shell() -> SpecError:
    """What typer means where it ends by itself and not well: it knows no functions for this shell."""
    return SpecError(
        "there is no completion for this shell",
        details="it is for bash, zsh and fish, and told by the program that phoenix is started from",
        resolution="Say it in one of these shells: `phoenix --show-completion`.",
    )


def _directory_is_gone() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _usage_error(problem: typer.TyperException) -> SpecError:
    context = getattr(problem, "ctx", None)
    path = context.command_path if context else "phoenix"
    below = list(getattr(context.command, "commands", ())) if context else []
    return SpecError(
        problem.format_message().rstrip("."),
        details=f"commands of {path}: {', '.join(below)}"
        if below
        else (context.get_usage().strip() if context else ""),
        resolution=f"See `{path} --help`.",
    )


def _report(problem: BaseException) -> str:
    """Write down where `problem` came from; the file's path."""
    with tempfile.NamedTemporaryFile("w", prefix="phoenix-bug-", suffix=".txt", delete=False) as file:
        file.write(f"phoenix {__version__}, Python {sys.version}\n")
        file.write("".join(traceback.format_exception(problem)))
    return file.name
