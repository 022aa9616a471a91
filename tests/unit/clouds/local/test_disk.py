"""The tiny initrd and the newest kernel, from a tree that only looks like one."""

from __future__ import annotations

import lzma
import subprocess
from pathlib import Path

import pytest

from phoenix.errors import ToolError
from phoenix.tools import disk

DEPENDENCIES = """\
kernel/drivers/virtio/virtio.ko:
kernel/drivers/virtio/virtio_ring.ko: kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko
kernel/drivers/block/virtio_blk.ko.xz: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko
kernel/drivers/char/hw_random/virtio-rng.ko: kernel/drivers/virtio/virtio.ko
kernel/fs/unwanted.ko:
"""


def tree_with(tmp_path: Path, *versions: str) -> Path:
    (tmp_path / "boot").mkdir()
    for version in versions:
        (tmp_path / "boot" / f"vmlinuz-{version}").write_bytes(b"kernel")
        modules = tmp_path / "usr/lib/modules" / version
        for line in DEPENDENCIES.splitlines():
            module = modules / line.partition(":")[0]
            module.parent.mkdir(parents=True, exist_ok=True)
            content = module.name.encode()
            module.write_bytes(lzma.compress(content) if module.suffix == ".xz" else content)
        (modules / "modules.dep").write_text(DEPENDENCIES)
    return tmp_path


def test_the_newest_kernel_is_taken(tmp_path: Path) -> None:
    tree = tree_with(tmp_path, "6.1.0-9-cloud-amd64", "6.1.0-56-cloud-amd64", "6.1.0-10-cloud-amd64")
    assert disk.kernel_of(tree).version == "6.1.0-56-cloud-amd64"


def test_a_kernel_without_modules_is_none(tmp_path: Path) -> None:
    tree = tree_with(tmp_path, "6.1.0-9-cloud-amd64")
    (tree / "boot/vmlinuz-6.1.0-10-cloud-amd64").write_bytes(b"kernel")
    assert disk.kernel_of(tree).version == "6.1.0-9-cloud-amd64"
    (tree / "boot/vmlinuz-6.1.0-9-cloud-amd64").unlink()
    with pytest.raises(ToolError, match="has no kernel"):
        disk.kernel_of(tree)


def test_the_initrd_holds_what_is_needed_in_order(tmp_path: Path) -> None:
    kernel = disk.kernel_of(tree_with(tmp_path, "6.1.0-9-cloud-amd64"))
    initrd, unpacked = tmp_path / "initrd", tmp_path / "unpacked"
    disk.write_initrd(kernel, initrd)
    unpacked.mkdir()
    with initrd.open("rb") as archive:
        subprocess.run(["cpio", "-id", "--quiet"], cwd=unpacked, stdin=archive, check=True)
    order = (unpacked / "modules/order").read_text().split()
    assert order == ["virtio.ko", "virtio_ring.ko", "virtio_pci.ko", "virtio_blk.ko", "virtio_rng.ko"]
    assert (unpacked / "modules/virtio_blk.ko").read_bytes() == b"virtio_blk.ko.xz", "unpacked for the kernel"
    assert (unpacked / "init").read_text().startswith("#!/bin/busybox sh")
    assert (unpacked / "init").stat().st_mode & 0o777 == 0o755
    assert (unpacked / "bin/busybox").stat().st_mode & 0o777 == 0o755
    assert (unpacked / "root").is_dir()
    again = tmp_path / "again"
    disk.write_initrd(kernel, again)
    assert again.read_bytes() == initrd.read_bytes()
