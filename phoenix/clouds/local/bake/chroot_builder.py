"""The chroot builder: the recipe's playbook run against the tree below, through an overlay, without any boot.

It happens behind a fence (see `tools.fence`): when that has ended, well or not, all that is left are files under the
bake's scratch directory, and nothing of this computer was touched.
"""

from __future__ import annotations

import os
from pathlib import Path

from phoenix.clouds.local.bake import apt_cache, trees
from phoenix.clouds.local.bake.builders import Work, vaulted
from phoenix.errors import ToolError
from phoenix.tools import ansible, fence, idmapped
from phoenix.tools.fence import Fence

TIMEOUT = 3500.0
"""Seconds for the whole playbook; a slow mirror is within it."""


def bake(work: Work, below: Path) -> None:
    """Make `work.files.tree` from the tree `below` by the recipe in the request's workspace."""
    workspace = work.request.workspace
    around = lay_out(below, work.scratch, workspace, work.reach)
    try:
        with work.timed("playbook"):
            program = vaulted(ansible.chroot_command(workspace, below), work.request.vault)
            command = fence.around(around, program)
            ansible.run(command, log=work.log, say=work.say, timeout=TIMEOUT, between=work.between)
    except ToolError as error:
        if (work.scratch / "entered").exists():
            raise
        raise ToolError(
            "the chroot could not be set up",
            details=error.details,
            resolution="See whether this computer lets phoenix mount: it may not in a container, and as root it takes "
            f"Linux 5.19 or newer (`--builder packer` does without). The log is {work.log}.",
        ) from error
    finally:
        if not work.request.packages:  # one's own packages may be built again under the same version
            apt_cache.take_back(work.scratch / "apt")
    with work.timed("tree"):
        trees.flatten(below, work.scratch / "upper", work.files.tree)


def lay_out(below: Path, scratch: Path, workspace: Path, reach: tuple[int, ...]) -> Fence:
    """Prepare `scratch` for a fence around the tree `below`; the program in it may write `workspace`."""
    for name in ("upper", "work"):
        (scratch / name).mkdir(exist_ok=True)
    apt_cache.lend(scratch / "apt", idmapped.first_user(str(scratch)) if os.geteuid() == 0 else 0)
    return Fence(
        lower=str(below),
        scratch=str(scratch),
        writable=(str(workspace),),
        reach=reach,
        first_user=idmapped.first_user(str(scratch)),
    )
