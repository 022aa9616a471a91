"""The figures of docs/benchmarks.md, one function each."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import run, say, take_turns
from benchmarks.packer_build import PackerBuild
from benchmarks.report import IMPORTS, Figure, imports
from phoenix.clouds.local.bake.builders import accelerator

BIN = Path(sys.executable).parent
STARTS, HITS, BAKES = 21, 11, 3
"""Rounds of each figure."""


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """A project made by `phoenix init`, with its two images baked, and room for the other side's files."""

    project: Path
    scratch: Path

    def phoenix(self, *arguments: str) -> None:
        """Run phoenix in the project."""
        run(str(BIN / "phoenix"), "-C", str(self.project), *arguments, "--json")

    def os_image(self) -> Path:
        """The directory of the project's OS image."""
        for manifest in self.project.glob(".phoenix/local/images/*/manifest.json"):
            if json.loads(manifest.read_text())["image"]["type"] == "os":
                return manifest.parent
        raise AssertionError("the bake of the foundation bakes its OS image first")


def start() -> Figure:
    """How long a person waits for `phoenix --help`."""
    sides = take_turns(
        STARTS,
        {
            "phoenix --help": lambda: _quiet(str(BIN / "phoenix"), "--help"),
            "import typer, rich": imports,
        },
    )
    ours, other = sides.values()
    return Figure(
        name="`phoenix --help`",
        phoenix=ours,
        beside=IMPORTS,
        other=other,
        must=1.8,
        aim=1.4,
    )


def hit(place: Workplace) -> Figure:
    """A bake that has nothing to do, as a whole process: the project read, the key reckoned, the image found."""
    sides = take_turns(
        HITS,
        {
            "bake, key exists": lambda: place.phoenix("bake", "foundation", "nodejs"),
            "import typer, rich": imports,
        },
    )
    ours, other = sides.values()
    return Figure(
        name="bake whose key exists",
        phoenix=ours,
        beside=IMPORTS,
        other=other,
        must=4.0,
        aim=3.0,
    )


def bake(place: Workplace) -> Figure:
    """The bake of a foundation image with its verification boot, beside a hand-written one without any check."""
    packer = PackerBuild(
        image=place.os_image(),
        playbook=place.project / "playbooks" / "nodejs.yml",
        accelerator=accelerator(say),
        scratch=place.scratch / "packer",
    )
    packer.prepare()
    sides = take_turns(
        BAKES,
        {
            "phoenix bake": lambda: place.phoenix("bake", "foundation", "nodejs", "--force", "--builder", "chroot"),
            "packer build": packer,
        },
    )
    ours, other = sides.values()
    return Figure(
        name="bake foundation/nodejs",
        phoenix=ours,
        beside="hand-written `packer build`",
        other=other,
        must=0.40,
        aim=0.25,
        note="phoenix bakes by chroot, then boots the image in QEMU and runs its tests. Packer's side boots a builder "
        "machine from the same OS image, kernel and initrd, runs the same playbook over SSH with pipelining, and "
        "checks nothing. phoenix keeps the `.deb` files of its last bake; Packer's side downloads them each time, as "
        "it does by hand.",
    )


def _quiet(*argv: str) -> None:
    run(*argv)
