"""One start of an image, on either kind of machine, watched until it has told what it is to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from phoenix.clock import Clock
from phoenix.clouds.api import Between, Say
from phoenix.clouds.local.bake import builders, light_machine, light_verification, trees
from phoenix.clouds.local.image_files import TRIAL, ImageFiles
from phoenix.clouds.local.machines import lifecycle as machines
from phoenix.clouds.local.machines import remains
from phoenix.clouds.local.machines.machine_files import MachineSpec
from phoenix.clouds.local.machines.probe import choose_engine
from phoenix.model import Machine
from phoenix.spec.clouds import MachineEngine

MACHINE = Machine(cpus=2, memory=1 << 30)
DEADLINE = 600.0
"""Seconds for a verification boot with its tests, on an emulated processor that others use, too."""
NO_SERVICE = 80
"""A port of the machine at which nobody listens: nobody asks it anything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One start of an image, watched until it reports its last line."""

    directory: Path
    """Empty, and the trial's own; the machine's console is left in it as `console.log`."""
    image: ImageFiles
    user_data: str
    last_line: str
    clock: Clock
    on_line: Callable[[str], None]
    between: Between

    def in_qemu(self, say: Say) -> tuple[str, ...]:
        """The reports of a whole boot, with the image's own kernel. Ends with this process, however that ends."""
        return machines.run_to_end(
            directory=self.directory,
            image=self.image,
            user_data=self.user_data,
            last_line=self.last_line,
            machine=MACHINE,
            accelerator=builders.accelerator(say),
            deadline=DEADLINE,
            clock=self.clock,
            on_line=self.on_line,
            between=self.between,
        )

    def on_a_light_machine(self, say: Say) -> tuple[str, ...]:
        """The reports of a light machine, with this computer's kernel. RefusedError where none runs here."""
        spec = MachineSpec(image=self.image, machine=MACHINE, port=NO_SERVICE, user_data=self.user_data)
        return light_verification.run_to_end(
            spec,
            self.directory,
            engine=choose_engine(MachineEngine.LIGHT, say),
            last_line=self.last_line,
            deadline=DEADLINE,
            clock=self.clock,
            on_line=self.on_line,
            between=self.between,
        )


def remove(path: Path) -> None:
    """Remove what is under way, or was left, beside the images; a light machine in it is ended first."""
    if path.name.startswith(TRIAL):
        remains.end(light_verification.machine_in(path))
    elif (path / builders.SCRATCH / light_machine.MACHINES).exists():
        remains.end(light_machine.machine_in(path / builders.SCRATCH))
    trees.remove(path)
