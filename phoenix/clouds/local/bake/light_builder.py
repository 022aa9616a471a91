"""The light builder: the tree below runs as a light machine, with an init of its own, and the playbook runs in it.

So services start, handlers restart them, and what a recipe asks of systemd is there; then the machine is stopped and
what is its own is taken out. Machine and playbook are fenced, as a group's machines and Packer's playbooks are: when
`light_program` has ended, well or not, all that is left are files under the bake's scratch directory.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from phoenix import data
from phoenix.clouds.local.bake import apt_cache, light_machine, trees
from phoenix.clouds.local.bake.builders import Work, vaulted
from phoenix.clouds.local.bake.light_program import DOOR, LOST, SEALED, STOOD, Bake
from phoenix.clouds.local.machines import remains
from phoenix.errors import ToolError
from phoenix.tools import ansible, fence, idmapped
from phoenix.tools.fence import Fence
from phoenix.tools.process import Command

TIMEOUT = 3500.0
"""Seconds for the whole playbook; a slow mirror is within it."""
SEAL = ("playbooks", "roles", "seal", "files", "seal.sh")


def bake(work: Work, below: Path) -> None:
    """Make `work.files.tree` from the tree `below` by the recipe in the request's workspace. Needs root."""
    workspace, scratch = work.request.workspace, work.scratch
    program = vaulted(ansible.light_command(workspace, scratch / DOOR), work.request.vault)
    command = around(below, scratch, workspace, work.reach, program)
    try:
        with work.timed("playbook"):
            ansible.run(command, log=work.log, say=work.say, timeout=TIMEOUT, between=work.between)
        if not (scratch / SEALED).exists():
            raise ToolError("the image was not sealed", details=f"{scratch / SEALED} is not there")
    except ToolError as error:
        if (scratch / STOOD).exists():
            raise cause(work, error) from error
        raise ToolError(
            "the machine that bakes could not be started",
            details=error.details,
            resolution="`phoenix doctor` tells whether light machines work here; `--builder chroot` and `--builder "
            f"packer` do without. The log is {work.log}.",
        ) from error
    finally:
        remains.end(light_machine.machine_in(scratch))
        if not work.request.packages:  # one's own packages may be built again under the same version
            apt_cache.take_back(scratch / "apt")
    with work.timed("tree"):
        trees.flatten(below, light_machine.machine_in(scratch).directory / "upper", work.files.tree)


def cause(work: Work, error: ToolError) -> ToolError:
    """What went wrong beside the playbook, where that is it: the playbook's own words name another cause, or none."""
    lost = work.scratch / LOST
    if not lost.exists():
        return error
    told = json.loads(lost.read_text())
    return ToolError(
        told["brief"],
        details=f"{told['details']}\nthe last that is known of the playbook: {error.brief}",
        resolution=f"See how far the recipe came: {work.log}. A task may have ended the machine, or a service of it "
        "does not stop in time; `--builder packer` bakes in a whole machine.",
    )


def around(below: Path, scratch: Path, workspace: Path, reach: tuple[int, ...], program: Command) -> Command:
    """Prepare `scratch`; `program`, behind a fence, beside a machine that it enters by the door in `scratch`."""
    machine = light_machine.machine_in(scratch)
    apt_cache.lend(scratch / "apt", idmapped.first_user(machine.container))
    own = workspace.joinpath(*SEAL)
    what = Bake(
        below=str(below),
        scratch=str(scratch),
        seal=str(own if own.is_file() else data.path(*SEAL)),
        reach=reach,
    )
    # a door of the program's own user, which nobody else of the computer may enter
    beside = Fence(
        scratch=str(scratch),
        writable=(str(workspace), str(scratch / DOOR)),
        reach=reach,
        first_user=idmapped.first_user(str(scratch)),
    )
    fenced = fence.around(beside, program)
    words = (sys.executable, "-P", "-m", "phoenix.clouds.local.bake.light_program", what.words(), "--", *fenced.argv)
    return replace(fenced, argv=words, contained=True)
