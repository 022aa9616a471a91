"""Whether machines can read a package's control fields, asked of apt and dpkg themselves.

An index with one paragraph that apt cannot read is no index: `apt-get update` fails on every machine. What dpkg cannot
read no machine installs.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from phoenix.tools import process
from phoenix.tools.process import Command

_TIMEOUT = 60.0
_STATUS = "status"
"""What both call the list of what is installed."""
_NOWHERE = (
    "Dir::State::lists=/nonexistent",
    "Dir::Etc::sourcelist=/dev/null",
    "Dir::Etc::sourceparts=/dev/null",
    "Dir::Cache::pkgcache=",
    "Dir::Cache::srcpkgcache=",
)
"""Settings by which apt knows of nothing else, and keeps nothing."""


_OF_AN_INDEX = re.compile(r"(Filename|Size|MD5sum|MSDOS-Filename):", re.IGNORECASE)
"""Fields that dpkg takes in a package, and not in its list of what is installed."""


def why_not(*controls: str) -> str:
    """What apt, or else dpkg, says of packages with these control files where it cannot read them all; empty: it can.

    Where there is neither nobody can tell, and it is empty, too.
    """
    with tempfile.TemporaryDirectory(prefix="phoenix-apt-") as directory:
        return _apt(Path(directory), controls) or _dpkg(Path(directory), controls)


def _apt(directory: Path, controls: tuple[str, ...]) -> str:
    # apt reads what is installed by the same parser as an index
    _write(directory, [control.split("\n") for control in controls])
    settings = (f"Dir::State::status={directory / _STATUS}", *_NOWHERE)
    said = _asked("apt-cache", *(word for setting in settings for word in ("-o", setting)), "stats")
    return "; ".join(line.removeprefix("E: ") for line in said if line.startswith("E: ") and str(directory) not in line)


def _dpkg(directory: Path, controls: tuple[str, ...]) -> str:
    # and dpkg by the same as a package; of one name there may be one, so each gets a name of its own
    paragraphs = []
    for number, control in enumerate(controls):
        lines = [line for line in control.split("\n") if not _OF_AN_INDEX.match(line)]
        paragraphs.append([re.sub("^package:.*", f"Package: p{number}", line, flags=re.IGNORECASE) for line in lines])
    _write(directory, paragraphs)
    (directory / "updates").mkdir()
    said = _asked("dpkg-query", f"--admindir={directory}", "--show", "--showformat=.")
    for number, line in enumerate(said):
        if line.startswith("dpkg-query: error:"):
            return " ".join(said[number + 1 :]).strip() or line.rpartition(": ")[2]
    return ""


def _write(directory: Path, paragraphs: Sequence[Sequence[str]]) -> None:
    text = ["\n".join([*filter(str.strip, each), "Status: install ok installed", ""]) for each in paragraphs]
    (directory / _STATUS).write_text("\n".join(text), encoding="utf-8")


def _asked(program: str, *arguments: str) -> list[str]:
    """What the program says on stderr, line by line; nothing where it is not there."""
    if shutil.which(program) is None:
        return []
    command = Command(argv=(program, *arguments), environment={"LC_ALL": "C.UTF-8"})
    return process.run(command, timeout=_TIMEOUT, check=False).stderr.splitlines()
