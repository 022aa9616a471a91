"""From a recipe to an image's files: start from the layer below, let a builder run the playbook, finish the tree."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from phoenix import __version__
from phoenix.clock import Clock
from phoenix.clouds.api import BakeRequest, Between, Say
from phoenix.clouds.local.bake import base, trees
from phoenix.clouds.local.image_files import ImageFiles
from phoenix.errors import CloudError, RefusedError
from phoenix.spec.clouds import MachineEngine
from phoenix.tools import ansible, disk, fence
from phoenix.tools.process import Command, require, run

SCRATCH = "scratch"


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One bake under way."""

    request: BakeRequest
    files: ImageFiles
    """Where the image's files are to be."""
    clock: Clock
    log: Path
    say: Say
    between: Between
    reach: tuple[int, ...] = ()
    """Loopback ports of this computer that the recipe may reach."""
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each part took."""

    @property
    def scratch(self) -> Path:
        """A directory of the bake's own, on the image's disk; gone when the image is whole."""
        return self.files.directory / SCRATCH

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Tell what is being done, and measure it."""
        self.say(f"{part} ...")
        begun = self.clock.monotonic()
        yield
        self.seconds[part] = round(self.clock.monotonic() - begun, 2)


def make_files(work: Work, parent: ImageFiles | None, mirror: str) -> dict[str, float]:
    """Make all files of the image but its manifest; how long each part took, in seconds."""
    from phoenix.clouds.local.bake import chroot_builder, packer_builder

    if work.request.builder == "packer":
        packer_builder.refuse_unable()
    elif work.request.builder == "light":
        refuse_without_light_machines(work.say)
    work.scratch.mkdir()
    below = _bootstrap(work, mirror) if parent is None else parent
    if not below.tree.is_dir():
        raise CloudError(
            f"the image {work.request.parent} is gone",
            details=f"{below.directory} was to be baked on, and is not there",
            resolution="Bake it again; missing parents are baked first.",
        )
    if work.request.builder == "packer":
        if parent is None:
            finish(work, below)
        packer_builder.bake(work, below)
    elif work.request.builder == "light":
        from phoenix.clouds.local.bake import light_builder

        light_builder.bake(work, below.tree)
    else:
        chroot_builder.bake(work, below.tree)
    with work.timed("disk"):
        finish(work, work.files)
    trees.remove(work.scratch)
    return work.seconds


def refuse_without_light_machines(say: Say) -> None:
    """Raise RefusedError where no light machine, or none behind a fence, runs on this computer."""
    from phoenix.clouds.local.machines import engines
    from phoenix.clouds.local.machines.probe import choose_engine

    engine = choose_engine(MachineEngine.LIGHT, say)
    if engine != engines.LIGHT:
        raise RefusedError(
            "light machines are not fenced here",
            details=f"the builder `light` takes only such machines, and here they are {engine}",
            resolution="Use `--builder packer`, or a newer kernel (Linux 5.19).",
        )


def finish(work: Work, files: ImageFiles) -> None:
    """Make from a tree what a machine starts from: disk, kernel, initrd; and write down its packages."""
    kernel = disk.kernel_of(files.tree)
    files.kernel.hardlink_to(kernel.image)
    disk.write_initrd(kernel, files.initrd)
    disk.make_ext4(files.tree, files.disk, log=work.log)
    files.packages.write_text(installed_packages(files.tree))


def vaulted(program: Command, password: bytes) -> Command:
    """`program`, to be put behind a fence, with the password of Ansible Vault where its recipe needs it."""
    return fence.with_secret(ansible.with_vault(program, password, fence.SECRET), password)


def installed_packages(tree: Path) -> str:
    """`name version architecture` of every package installed in the tree, a line each, sorted."""
    query = (require("dpkg-query", "dpkg"), f"--admindir={disk.within(tree, tree / 'var/lib/dpkg')}", "--show")
    shown = run(
        Command(argv=(*query, "--showformat=${db:Status-Abbrev}|${Package} ${Version} ${Architecture}\\n")), timeout=60
    )
    lines = (line.partition("|") for line in shown.stdout.splitlines())
    return "".join(sorted(f"{package}\n" for status, _, package in lines if status.startswith("ii")))


def versions() -> dict[str, str]:
    """The versions of what makes images."""
    return {"phoenix": __version__, "ansible-core": importlib.metadata.version("ansible-core")}


def accelerator(say: Say) -> str:
    """`kvm` where it was proven to work here, else `tcg`: what builder and trial machines run with.

    RefusedError where QEMU does not work at all.
    """
    from phoenix.clouds.local.machines.probe import choose_engine

    return choose_engine(MachineEngine.QEMU, say).removeprefix("qemu-")


def _bootstrap(work: Work, mirror: str) -> ImageFiles:
    """The distribution's base, as the files of an image that has only a tree yet."""
    below = ImageFiles(directory=work.scratch / "base")
    below.directory.mkdir()
    with work.timed("base"):
        max_age = 0.0 if work.request.fresh else base.DAY
        suite = work.request.base.partition(" ")[0]  # behind it stands what it was when it was planned
        base.bootstrap(suite, mirror, below.tree, work.log, work.say, max_age=max_age, between=work.between)
    return below
