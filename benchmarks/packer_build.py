"""The other side of the bake: `packer build` with a template that a person wrote by hand for this one image.

It is written to be fast: no SSH proxy, pipelining, a paravirtual machine with a kernel given directly, no waiting
for a boot menu, a thin disk on the layer below. What takes its time is the boot, and Python in an emulated machine.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import run

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent


@dataclass(frozen=True, kw_only=True)
class PackerBuild:
    """One hand-written bake of foundation/nodejs, ready to be run again and again."""

    image: Path
    """The directory of the OS image that it stands on."""
    playbook: Path
    accelerator: str
    scratch: Path

    def prepare(self) -> None:
        """What a person makes once: an SSH key, and the volume that brings it into the machine. Not measured."""
        seed = self.scratch / "seed"
        seed.mkdir(parents=True)
        run("ssh-keygen", "-q", "-t", "rsa", "-m", "PEM", "-N", "", "-f", str(self.key))
        boot = (HERE / "packer" / "user-data.sh").read_text()
        (seed / "meta-data").write_text("instance-id: packer\nlocal-hostname: packer\n")
        (seed / "user-data").write_text(boot.replace("PUBLIC_KEY", self.key.with_suffix(".pub").read_text().strip()))
        make = ("xorriso", "-as", "mkisofs", "-quiet", "-volid", "cidata", "-joliet", "-rock")
        run(*make, "-output", str(self.scratch / "seed.iso"), str(seed))

    @property
    def key(self) -> Path:
        """The private half of the builder's SSH key."""
        return self.scratch / "id_rsa"

    def __call__(self) -> None:
        """Bake once, from nothing."""
        output = self.scratch / "output"
        shutil.rmtree(output, ignore_errors=True)
        variables = {
            "image": self.image,
            "playbook": self.playbook,
            "accelerator": self.accelerator,
            "seed": self.scratch / "seed.iso",
            "key": self.key,
            "ansible": Path(sys.executable).with_name("ansible-playbook"),
            "output": output,
        }
        arguments = [f"-var={name}={value}" for name, value in variables.items()]
        environment = {
            **os.environ,
            "ANSIBLE_ROLES_PATH": str(CHECKOUT / "playbooks" / "roles"),
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "CHECKPOINT_DISABLE": "1",
        }
        template = str(HERE / "packer" / "foundation.pkr.hcl")
        run("packer", "build", *arguments, template, cwd=self.scratch, environment=environment)
