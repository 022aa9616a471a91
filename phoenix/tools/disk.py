"""Disks without mounting: an ext4 image from a tree, an overlay on it, and the tiny initrd that finds it.

Debian's kernels have their virtio drivers as modules, so no machine starts without an initrd; Debian's own is
large and slow to unpack under emulation. Ours holds a static busybox, the handful of modules and twelve lines of sh.
"""

from __future__ import annotations

import lzma
import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path

from phoenix import data
from phoenix.errors import ToolError
from phoenix.tools.process import Command, require, run

WANTED_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "isofs", "ext4")
"""What a machine needs before it can find modules by itself; what is built into the kernel is left out."""
SLACK = 3 << 30
"""Bytes of room on a machine's disk beyond its image; the file is sparse, so they cost nothing until used."""
DIRECTORIES = ("bin", "dev", "modules", "root")
NAMESPACE = uuid.UUID("6f2c3b1e-6d0e-4f0c-9a53-3f1f6f0c5a11")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kernel:
    """The newest kernel of a tree."""

    version: str
    image: Path
    modules: Path


def kernel_of(tree: Path) -> Kernel:
    """The newest kernel installed in `tree`; ToolError where there is none."""
    images = sorted(within(tree, tree / "boot").glob("vmlinuz-*"), key=lambda path: _natural(path.name))
    for image in reversed(images):
        version = image.name.removeprefix("vmlinuz-")
        for modules in (tree / "usr/lib/modules" / version, tree / "lib/modules" / version):
            if (within(tree, modules) / "modules.dep").is_file():
                return Kernel(version=version, image=within(tree, image), modules=within(tree, modules))
    raise ToolError(
        f"the tree {tree} has no kernel",
        details=f"no vmlinuz-* with its modules under {tree}/boot",
        resolution="An image must keep the kernel of its base; see what its playbook removes.",
    )


def within(tree: Path, path: Path) -> Path:
    """`path` without links, if it is in `tree`: whoever baked a tree may have put a link to anything into it.

    ToolError where it leads out of it.
    """
    found = path.resolve()
    if not found.is_relative_to(tree.resolve()):
        raise ToolError(
            "a link leads out of the image",
            details=f"/{path.relative_to(tree)} is {found} on this computer",
            resolution="See which task of the recipe makes that link; a relative one stays in the image.",
        )
    return found


def write_initrd(kernel: Kernel, target: Path) -> None:
    """Write the tiny initrd for `kernel`: an uncompressed cpio archive, the same bytes for the same kernel."""
    order = _modules(kernel)
    files: dict[str, tuple[int, bytes]] = dict.fromkeys(DIRECTORIES, (0o040755, b""))
    files["bin/busybox"] = (0o100755, Path(require("busybox", "busybox-static")).read_bytes())
    files["init"] = (0o100755, data.path("templates", "guest", "initrd", "init").read_bytes())
    for path in order:
        files[f"modules/{_plain_name(path)}"] = (0o100644, _module_bytes(path))
    files["modules/order"] = (0o100644, "".join(f"{_plain_name(path)}\n" for path in order).encode())
    target.write_bytes(_cpio(files))


def write_small_initrd(target: Path, init: str) -> None:
    """Write an initrd with a busybox, and `init` (a script for it) as the first process."""
    files: dict[str, tuple[int, bytes]] = dict.fromkeys(("bin", "dev"), (0o040755, b""))
    files["bin/busybox"] = (0o100755, Path(require("busybox", "busybox-static")).read_bytes())
    files["init"] = (0o100755, init.encode())
    target.write_bytes(_cpio(files))


def make_ext4(tree: Path, target: Path, *, log: Path, slack: int = SLACK) -> None:
    """Write `tree` into a new sparse ext4 image: no journal (a machine's disk is never repaired), a steady uuid."""
    name = str(uuid.uuid5(NAMESPACE, target.parent.name))
    unfinished = target.with_name(f"{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with unfinished.open("wb") as file:
        file.truncate((_usage(tree, log) * 9 // 8 + slack) >> 20 << 20)
    features = "^has_journal,^resize_inode,^metadata_csum"
    options = f"lazy_itable_init=1,nodiscard,hash_seed={name},root_owner=0:0"
    argv = (require("mkfs.ext4", "e2fsprogs"), "-q", "-F", "-L", "root", "-U", name, "-m", "0", "-O", features)
    run(
        Command(argv=(*argv, "-E", options, "-d", str(tree), str(unfinished)), contained=os.geteuid() != 0),
        timeout=600,
        log=log,
    )
    unfinished.replace(target)


def make_overlay(backing: Path, target: Path, *, log: Path) -> None:
    """Make `target` a qcow2 file that reads from the raw image `backing` what it was not given itself."""
    qemu_img = require("qemu-img", "qemu-utils")
    argv = (qemu_img, "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(backing.absolute()), str(target))
    run(Command(argv=argv), timeout=60, log=log)


def _usage(tree: Path, log: Path) -> int:
    done = run(Command(argv=("du", "-s", "-B1", str(tree)), contained=os.geteuid() != 0), timeout=300, log=log)
    return int(done.stdout.split()[0])


def _modules(kernel: Kernel) -> list[Path]:
    """The wanted modules and what they need, each after all it needs."""
    needs: dict[str, list[str]] = {}
    paths: dict[str, str] = {}
    for line in (kernel.modules / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        needs[_word(path)] = [_word(word) for word in rest.split()]
        paths[_word(path)] = path
    order: list[str] = []

    def add(name: str) -> None:
        for need in reversed(needs[name]):
            add(need)
        if name not in order:
            order.append(name)

    for name in WANTED_MODULES:
        if name in needs:
            add(name)
    return [within(kernel.modules, kernel.modules / paths[name]) for name in order]


def _word(path: str) -> str:
    return re.sub(r"\.ko(\.[a-z0-9]+)?$", "", path.rpartition("/")[2]).replace("-", "_")


def _plain_name(path: Path) -> str:
    return f"{_word(path.name)}.ko"


def _module_bytes(path: Path) -> bytes:
    if path.suffix == ".xz":
        return lzma.decompress(path.read_bytes())
    if path.suffix == ".ko":
        return path.read_bytes()
    raise ToolError(
        f"the kernel module {path.name} is packed in a way phoenix does not know",
        details=str(path),
        resolution="Use a kernel of Debian 12 or 13.",
    )


def _cpio(files: dict[str, tuple[int, bytes]]) -> bytes:
    """The `newc` archive the kernel unpacks. /dev/console is made by devtmpfs before anything prints."""
    out = bytearray()
    for inode, (name, (mode, content)) in enumerate([*files.items(), ("TRAILER!!!", (0, b""))], start=1):
        fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        out += bytes(-len(out) % 4)
        out += content
        out += bytes(-len(out) % 4)
    return bytes(out)


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(number or 0), word) for number, word in re.findall(r"(\d+)|(\D+)", text)]
