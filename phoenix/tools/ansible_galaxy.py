"""ansible-galaxy: it fetches roles and collections, and lays them into directories that it is given.

It is the one that was installed with phoenix, and runs as the person who calls it: their servers, tokens and
git credentials are what it asks with. What it is given stands in a file; nothing of what it brings is run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from phoenix.errors import RefusedError, ToolError
from phoenix.tools import process
from phoenix.tools.process import Command

TIMEOUT = 1800.0
"""Seconds for all roles, or all collections."""


def program() -> str:
    """The path of phoenix's own ansible-galaxy; RefusedError where the installation has lost it."""
    path = Path(sys.executable).parent / "ansible-galaxy"
    if not path.is_file():
        raise RefusedError(
            "the program 'ansible-galaxy' is missing",
            details=f"it is installed with phoenix, but {path} is not there",
            resolution="Install phoenix again (`make setup` in a checkout).",
        )
    return str(path)


def install_command(kind: str, requirements: Path, target: Path, *, directory: Path) -> Command:
    """Lay the roles or collections (`kind` is `role` or `collection`) that a file names into `target`.

    `directory` is where paths in the file begin, and where the person's ansible.cfg is looked for.
    """
    way = "--role-file" if kind == "role" else "--requirements-file"
    place = "--roles-path" if kind == "role" else "--collections-path"
    return Command(
        argv=(program(), kind, "install", "--force", way, str(requirements), place, str(target)),
        cwd=directory,
        environment={
            # what is installed elsewhere on this computer is neither taken for there nor replaced
            "ANSIBLE_COLLECTIONS_PATH": str(target),
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "False",
            "ANSIBLE_ROLES_PATH": str(target),
            "ANSIBLE_NOCOLOR": "True",
            "ANSIBLE_FORCE_COLOR": "False",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C.UTF-8",
        },
    )


def install(kind: str, requirements: Path, target: Path, *, directory: Path, say: Callable[[str], None]) -> None:
    """Run `install_command`; ToolError with what it said where something cannot be fetched or installed."""
    command = install_command(kind, requirements, target, directory=directory)
    done = process.run(command, timeout=TIMEOUT, on_line=say, check=False)
    # of roles that it could not install it says so, and may end with 0 all the same
    if done.code != 0 or "was NOT installed successfully" in done.stderr:
        lines = [line for line in (*done.stderr.splitlines(), *done.stdout.splitlines()) if line.strip()]
        wrong = [line for line in lines if "ERROR" in line or "WARNING" in line or "fatal:" in line] or lines[-15:]
        raise ToolError(
            f"ansible-galaxy could not install the {kind}s",
            details="\n".join(wrong),
            resolution="See whether the sources in playbooks/requirements.yml can be reached from here; what was "
            "installed before is as it was.",
        )
