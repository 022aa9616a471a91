"""Secrets that are read on the operator's computer: `file:PATH` and `cmd:COMMAND`, once, when a group is made.

What they are goes to the group's machines and stands nowhere else: not in a plan, a record, a log or an argument. The
group keeps it, so that its machines can be started again without a password manager.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from phoenix.errors import RefusedError, ToolError
from phoenix.spec.relations_settings import MOST_OF_ONE, size_of, too_long
from phoenix.tools.process import NOT_DECODED, Command, run

FILE, COMMAND = "file:", "cmd:"
_OF_THE_SHELL = frozenset(
    ["cd", "command", "eval", "exec", "export", "for", "if", "printf", "read", "set", "test", "umask", "while"]
)
TIMEOUT = 120.0
"""Seconds for a command: a person may have to unlock something."""


def read(settings: Mapping[str, str], directory: Path) -> dict[str, str]:
    """The settings with what their references of this computer stand for; paths and commands are of the project's.

    RefusedError, naming the setting and what it refers to, where one cannot be read.
    """
    return {name: _value(name, value, directory) for name, value in settings.items()}


def unreadable(settings: Mapping[str, str], directory: Path) -> Iterator[str]:
    """What can be told without running anything: references of which nothing will come, a sentence each."""
    for name, value in settings.items():
        if value.startswith(FILE):
            file = _file(value, directory)
            why = "is not there" if not file.exists() else "is no file" if not file.is_file() else ""
            why = why or ("" if os.access(file, os.R_OK) else "may not be read by you")
            if why:
                yield f"the setting {name} refers to {file}, which {why} on this computer"
        if value.startswith(COMMAND):
            words = _words(value)
            if not words:
                yield f"the setting {name} refers to a command that no shell reads: {value}"
            elif _is_missing(words[0], directory):
                yield f"the setting {name} refers to the program {words[0]}, which is not on this computer"


def _value(name: str, value: str, directory: Path) -> str:
    if value.startswith(FILE):
        secret = _content(name, _file(value, directory))
    elif value.startswith(COMMAND):
        secret = _said(name, value.removeprefix(COMMAND), directory)
    else:
        return value
    size = size_of(name, secret)
    if "\0" in secret or NOT_DECODED in secret or size > MOST_OF_ONE:
        why = too_long(size) if size > MOST_OF_ONE else "it is no text in UTF-8"
        raise _refused(name, value, why)
    return secret


def _content(name: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").rstrip("\n")
    except OSError as error:
        raise _refused(name, f"{FILE}{file}", error.strerror or str(error)) from error


def _said(name: str, command: str, directory: Path) -> str:
    """What the command prints. No error shows that; one shows the last line that it wrote to stderr."""
    asked = Command(argv=("/bin/sh", "-c", command), cwd=directory, kept=True)
    try:
        done = run(asked, timeout=TIMEOUT, check=False)
    except ToolError as error:
        raise _refused(name, f"{COMMAND}{command}", f"it did not end within {TIMEOUT:g} s") from error
    if done.code != 0:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise _refused(name, f"{COMMAND}{command}", f"it ended with {done.code}{': ' if last else ''}{last}")
    if not done.stdout.strip():
        raise _refused(name, f"{COMMAND}{command}", "it printed nothing")
    return done.stdout.rstrip("\n")


def _refused(name: str, reference: str, why: str) -> RefusedError:
    return RefusedError(
        f"the setting {name} cannot be read on this computer",
        details=f"{reference}: {why}",
        resolution="See that you can read it here, then roll again; nothing was started with it.",
    )


def _file(value: str, directory: Path) -> Path:
    return directory / Path(value.removeprefix(FILE)).expanduser()


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value.removeprefix(COMMAND))
    except ValueError:
        return []


def _is_missing(program: str, directory: Path) -> bool:
    """Whether there is no such program; a word that only a shell knows may be anything."""
    if "/" in program:
        return not os.access(directory / program, os.X_OK)
    return program.isidentifier() and program not in _OF_THE_SHELL and shutil.which(program) is None
