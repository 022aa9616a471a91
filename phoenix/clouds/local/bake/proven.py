"""For which machines it is enough how an image was verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix.errors import RefusedError
from phoenix.model import Image, Proof
from phoenix.spec.clouds import LocalCloud, MachineEngine

if TYPE_CHECKING:
    from phoenix.clouds.api import Say


def engine_of(spec: LocalCloud, say: Say = lambda _line: None) -> str:
    """The engine of this cloud's machines; tried out only where it is left open."""
    if spec.machines is not MachineEngine.AUTO:
        return spec.machines
    from phoenix.clouds.local.machines.probe import choose_engine

    return choose_engine(spec.machines, say)


def proof_of(engine: str) -> Proof:
    """What machines of the engine need."""
    return Proof.LIGHT if engine.startswith("light") else Proof.QEMU


def refuse_unproven(image: Image, engine: str) -> None:
    """Raise RefusedError where machines of the engine need more than the image was verified on."""
    if not image.verified_on.covers(proof_of(engine)):
        raise RefusedError(
            f"{image.ref} was verified on a light machine only",
            details=f"that proves no kernel, initrd or fstab; the machines here are whole ones ({engine})",
            resolution=f"Run `phoenix bake {image.type} {image.name} --cloud {image.cloud} --verify qemu`: it is booted"
            " once and not baked again. `verify: qemu` in phoenix.yaml makes that the rule.",
        )
