"""The figures of docs/benchmarks.md, one function each."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import run, say, take_turns
from benchmarks.packer_build import PackerBuild
from benchmarks.report import IMPORTS, Figure, Limit, imports
from phoenix.clouds.local.bake.builders import accelerator

BIN = Path(sys.executable).parent
STARTS, HITS, BAKES = 21, 11, 3
"""Rounds of each figure."""
BUILDERS = ("light", "chroot")
NODEJS = ("foundation", "nodejs")


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """A project made by `phoenix init`, with its two images baked, and room for the other side's files."""

    project: Path
    scratch: Path

    def phoenix(self, *arguments: str) -> None:
        """Run phoenix in the project."""
        run(str(BIN / "phoenix"), "-C", str(self.project), *arguments, "--json")

    def image(self, type_: str) -> Path:
        """The directory of one of the project's images of that type; by each builder it has the same files."""
        for manifest in self.project.glob(".phoenix/local/images/*/manifest.json"):
            if json.loads(manifest.read_text())["image"]["type"] == type_:
                return manifest.parent
        raise AssertionError(f"no image of type {type_} was baked before")

    @property
    def verified_on(self) -> str:
        """What its images were verified on here: `light` or `qemu`."""
        manifest = json.loads((self.image("foundation") / "manifest.json").read_text())
        return str(manifest["image"]["verified_on"])


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
            "bake, key exists": lambda: place.phoenix("bake", *NODEJS),
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


def bakes(place: Workplace) -> list[Figure]:
    """The bake of a foundation image by `light`, with its verification: beside one without any check, and `chroot`."""
    packer = PackerBuild(
        image=place.image("os"),
        playbook=place.project / "playbooks" / "nodejs.yml",
        accelerator=accelerator(say),
        scratch=place.scratch / "packer",
    )
    packer.prepare()
    for builder in BUILDERS:  # each has an OS image of its own, which is not measured
        place.phoenix("bake", *NODEJS, "--builder", builder)
    light, chroot, other = take_turns(
        BAKES,
        {
            "phoenix bake --builder light": lambda: place.phoenix("bake", *NODEJS, "--force", "--builder", "light"),
            "phoenix bake --builder chroot": lambda: place.phoenix("bake", *NODEJS, "--force", "--builder", "chroot"),
            "packer build": packer,
        },
    ).values()
    beside_packer = Figure(
        name="bake foundation/nodejs",
        phoenix=light,
        beside="hand-written `packer build`",
        other=other,
        must=0.40,
        aim=0.25,
        note="phoenix bakes by the builder `light`, then starts the image once on a machine of the kind that it has "
        f"here ({place.verified_on}) and runs its tests. Packer's side boots a builder machine from the same OS "
        "image, kernel and initrd, runs the same playbook over SSH with pipelining, and checks nothing. phoenix keeps "
        "the `.deb` files of its last bake; Packer's side downloads them each time, as it does by hand.",
    )
    beside_chroot = Figure(
        name="the same by `light`, not `chroot`",
        phoenix=light,
        beside="`phoenix bake --builder chroot`",
        other=chroot,
        must=1.15,
        aim=1.10,
        note="the same image, verified in the same way; what `light` takes more is the start and the end of its "
        "machine. In a chroot no service of the recipe runs.",
    )
    return [beside_packer, beside_chroot]


def from_the_mirror(place: Workplace) -> Limit:
    """The lowest layer, bootstrapped anew from the mirror and verified; packages are in phoenix's cache."""

    def once() -> None:
        place.phoenix("bake", "os", "debian-12", "--from-scratch", "--builder", "light")

    seen = take_turns(BAKES, {"bake os/debian-12 --from-scratch": once})
    return Limit(
        name="bake os/debian-12 from the mirror, its packages in the cache",
        seen=tuple(seconds for side in seen.values() for seconds in side.seconds),
        unit="s",
        must=45,
        aim=30,
        note="bootstrap, playbook and verification by `light`. Where the mirror's index is what it was at the last "
        "bootstrap, its result is unpacked again.",
    )


def _quiet(*argv: str) -> None:
    run(*argv)
