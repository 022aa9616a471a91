"""Whatever a command ended with, as an error with three sentences."""

from __future__ import annotations

import errno
import signal
import sys
import tempfile
import traceback

import typer

from phoenix import __version__
from phoenix.errors import InterruptedRunError, PhoenixError, SpecError, Terminated, ToolError

_SURROUNDINGS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
"""What is wrong with a computer rather than with a program: no room, no rights."""


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
    if isinstance(problem, OSError) and problem.errno in _SURROUNDINGS:
        return ToolError(
            f"{problem.strerror}: {problem.filename}" if problem.filename else str(problem.strerror),
            details=f"where in phoenix that was: {_report(problem)}",
            resolution="Make room or give the rights, then say the same command again.",
        )
    return PhoenixError(
        "a bug in phoenix",
        details=f"{type(problem).__name__}: {problem}",
        resolution=f"Please report it with the traceback in {_report(problem)}.",
    )


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
