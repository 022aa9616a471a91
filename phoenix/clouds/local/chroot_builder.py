"""The chroot builder: the recipe's playbook run against the tree below, through an overlay, without any boot.

Everything that needs a mount happens in `templates/chroot/enter.sh`, in namespaces of its own: when that has
ended, well or not, all that is left are files under the bake's scratch directory.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from phoenix import data
from phoenix.clouds.local import apt_cache, trees
from phoenix.clouds.local.builders import Work
from phoenix.errors import ToolError
from phoenix.tools import ansible
from phoenix.tools.process import Command

TIMEOUT = 3500.0
"""Seconds for the whole playbook; a slow mirror is within it."""


def bake(work: Work, below: Path) -> None:
    """Make `work.files.tree` from the tree `below` by the recipe in the request's workspace."""
    upper, overlay_work, root, apt = (work.scratch / name for name in ("upper", "work", "root", "apt"))
    for directory in (upper, overlay_work, root):
        directory.mkdir()
    apt_cache.lend(apt)
    playbook = ansible.chroot_command(work.request.workspace, root)
    overlay = trees.overlay_options(below, upper, overlay_work, root=os.geteuid() == 0)
    try:
        with work.timed("playbook"):
            command = enter(root, overlay, apt, playbook)
            ansible.run(command, log=work.log, say=work.say, timeout=TIMEOUT, between=work.between)
    except ToolError as error:
        if (apt / "entered").exists():
            raise
        raise ToolError(
            "the chroot could not be set up",
            details=error.details,
            resolution=f"See whether this computer lets phoenix mount (it may in no container); the log is {work.log}.",
        ) from error
    finally:
        if not work.request.packages:  # one's own packages may be built again under the same version
            apt_cache.take_back(apt)
    with work.timed("tree"):
        trees.flatten(below, upper, work.files.tree)


def enter(root: Path, overlay: str, apt: Path, playbook: Command) -> Command:
    """`playbook` with the overlay mounted at `root`, alive from inside, in namespaces that end with it."""
    script = str(data.path("templates", "chroot", "enter.sh"))
    isolated = ("unshare", "--uts", "--ipc", "--")
    return replace(
        playbook,
        argv=(*isolated, "sh", script, str(root), overlay, str(apt), *playbook.argv),
        contained=True,
    )
