"""The packer builder: Packer boots a machine on the disk below, runs the playbook in it over ssh, and shuts it down.

What comes out is a disk; its files are copied into a tree (unchanged ones as links to the tree below), so that an
image is the same thing whoever built it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from phoenix.clouds.local.bake import trees
from phoenix.clouds.local.bake.builders import Work, accelerator, vaulted
from phoenix.clouds.local.image_files import ImageFiles
from phoenix.clouds.local.machines import guest
from phoenix.errors import RefusedError, ToolError
from phoenix.tools import fence, packer, packer_plugins, qemu, seed
from phoenix.tools.fence import Fence
from phoenix.tools.process import Command, require, run

TIMEOUT = 3500.0
"""Seconds for the whole build."""
CONSOLE = "console.log"
"""What the builder machine prints; kept beside the bake's log."""
OUTPUT = "output"
KEY_COMMENT = "phoenix-builder"
"""By it the role `seal` finds the key in authorized_keys and takes it out."""
_LET_IN = """\
#!/bin/sh
# Lets the builder log in; sealing the image takes the key out again.
set -eu
umask 077
mkdir -p /root/.ssh
printf '%s\\n' '{key}' >> /root/.ssh/authorized_keys
systemctl start --no-block ssh.service
"""
_COPY = """\
mount -t ext4 -o loop,ro,nodev,nosuid,noexec "$1" "$2"
exec rsync --archive --hard-links --acls --xattrs --numeric-ids --exclude=/lost+found --link-dest="$3" "$2/" "$4/"
"""


def refuse_unable() -> None:
    """Raise RefusedError for an ordinary user, and where Packer lacks a plugin, before anything is begun."""
    if os.geteuid() != 0:
        raise RefusedError(
            "the packer builder needs root on the local cloud",
            details="the files of the disk that Packer makes are read by mounting it",
            resolution="Use `--builder chroot`, or bake as root.",
        )
    packer_plugins.refuse_without(packer_plugins.BUILDERS["local"])


def bake(work: Work, below: ImageFiles) -> None:
    """Make `work.files.tree` from the image `below` by the recipe in the request's workspace. Needs root."""
    _made(work).mkdir()
    key = work.scratch / "key"
    _make_key(key, work.log)
    _write_seed(work.scratch, key.with_suffix(".pub").read_text().strip(), work.log)
    values = work.scratch / "builder.pkrvars.hcl"
    packer.write_values(values, _values(work, below, key))
    try:
        with work.timed("packer"):
            _build(work, below, values)
    finally:
        guest.keep(_made(work) / CONSOLE, work.log.with_name(CONSOLE))
    with work.timed("tree"):
        _copy_out(work, below)


def _build(work: Work, below: ImageFiles, values: Path) -> None:
    packer.build(
        work.request.workspace,
        values,
        log=work.log,
        say=work.say,
        timeout=TIMEOUT,
        between=work.between,
        around=lambda command, sockets: fence.around(
            _fence(work, below, sockets), vaulted(command, work.request.vault)
        ),
    )


def _made(work: Work) -> Path:
    """The directory of all that Packer and its machine write; what is in it is not trusted."""
    return work.scratch / "made"


def _fence(work: Work, below: ImageFiles, sockets: Path) -> Fence:
    """What Packer, its machine and the playbook may touch."""
    return Fence(
        scratch=str(work.scratch),
        writable=(str(work.request.workspace), str(_made(work)), str(sockets)),
        readable=(str(below.directory), str(work.scratch)),
        devices=(qemu.ACCELERATOR,),
        reach=work.reach,
    )


def _values(work: Work, below: ImageFiles, key: Path) -> dict[str, str | int]:
    """The Packer variables that only the builder knows (see `execute.workspace`)."""
    engine = accelerator(work.say)
    return {
        "parent_disk": str(below.disk),
        "parent_format": "raw",
        "vmlinuz": str(below.kernel),
        "initrd": str(below.initrd),
        "seed": str(work.scratch / "seed.iso"),
        "ssh_private_key_file": str(key),
        "output_directory": str(_made(work) / OUTPUT),
        "accelerator": engine,
        "cpu_model": "host" if engine == "kvm" else "qemu64",
        "console": str(_made(work) / CONSOLE),
        "report": str(_made(work) / "report.log"),
    }


def _make_key(key: Path, log: Path) -> None:
    argv = (require("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", "", "-C", KEY_COMMENT, "-f", str(key))
    run(Command(argv=argv), timeout=60, log=log)


def _write_seed(scratch: Path, public_key: str, log: Path) -> None:
    """A seed without a host name: the builder machine keeps the one of the image, and so does what it bakes."""
    directory = scratch / "seed"
    directory.mkdir()
    (directory / "meta-data").write_text("instance-id: phoenix-builder\n")
    (directory / "user-data").write_text(_LET_IN.format(key=public_key))
    seed.write_volume(directory, scratch / "seed.iso", log=log)


def _copy_out(work: Work, below: ImageFiles) -> None:
    """The files of the disk that Packer made, as a tree that shares what did not change with the one below."""
    disk, mounted = _made(work) / "disk.raw", work.scratch / "mounted"
    mounted.mkdir()
    work.files.tree.mkdir()
    disk.unlink(missing_ok=True)
    source = _made(work) / OUTPUT / "disk.qcow2"
    convert = Command(argv=(require("qemu-img", "qemu-utils"), "convert", "-O", "raw", str(source), str(disk)))
    # behind a fence: a disk may name any file as the one that it is based on
    around = Fence(scratch=str(work.scratch), writable=(str(_made(work)),), readable=(str(below.directory),))
    run(fence.around(around, convert), timeout=trees.TIMEOUT, log=work.log, between=work.between)
    if not stat.S_ISREG(disk.lstat().st_mode):
        raise ToolError(
            "the disk that Packer made cannot be read",
            details=f"{disk} is no file",
            resolution="See what the recipe does on the computer that bakes it.",
        )
    paths = (str(path) for path in (disk, mounted, below.tree, work.files.tree))
    copy = Command(argv=("sh", "-euc", _COPY, "sh", *paths), contained=True)
    run(copy, timeout=trees.TIMEOUT, log=work.log, between=work.between)
