"""Whether apt can read a package's control fields, asked of apt itself.

An index with one paragraph that apt cannot read is no index: `apt-get update` fails on every machine.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from phoenix.tools import process
from phoenix.tools.process import Command

_TIMEOUT = 60.0
_NOWHERE = (
    "Dir::State::lists=/nonexistent",
    "Dir::Etc::sourcelist=/dev/null",
    "Dir::Etc::sourceparts=/dev/null",
    "Dir::Cache::pkgcache=",
    "Dir::Cache::srcpkgcache=",
)
"""Settings by which apt knows of nothing else, and keeps nothing."""


def why_not(*controls: str) -> str:
    """What apt says of packages with these control files where it cannot read them all; empty: it can.

    Where there is no apt nobody can tell, and it is empty, too.
    """
    if shutil.which("apt-cache") is None:
        return ""
    with tempfile.TemporaryDirectory(prefix="phoenix-apt-") as directory:
        # apt reads what is installed by the same parser as an index
        installed = Path(directory) / "status"
        installed.write_text("\n".join(map(_paragraph, controls)), encoding="utf-8")
        settings = (f"Dir::State::status={installed}", *_NOWHERE)
        words = tuple(word for setting in settings for word in ("-o", setting))
        command = Command(argv=("apt-cache", *words, "stats"), environment={"LC_ALL": "C.UTF-8"})
        said = process.run(command, timeout=_TIMEOUT, check=False).stderr.splitlines()
    return "; ".join(line.removeprefix("E: ") for line in said if line.startswith("E: ") and directory not in line)


def _paragraph(control: str) -> str:
    lines = [line for line in control.splitlines() if line.strip()]
    return "\n".join([*lines, "Status: install ok installed", ""])
