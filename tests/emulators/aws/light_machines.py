"""Light machines that are EC2 instances: booted by cloud-init, which finds the instance metadata service.

cloud-init asks for EC2's way of metadata (with tokens) where the hypervisor's uuid begins with `ec2`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.emulators.aws import imds
from tests.emulators.aws.machines import Launch
from tests.emulators.machines import kinds, light
from tests.emulators.machines.metadata import Answering

UNIT = "/run/systemd/system/cloud-init.service.d"
HYPERVISOR = "/run/hypervisor"
DROP_IN = f"""\
[Service]
TemporaryFileSystem=/sys
BindPaths=/sys/class /sys/devices /sys/fs -/sys/block
BindReadOnlyPaths={HYPERVISOR}:/sys/hypervisor
"""
UUID = "ec2e1916-9099-7caf-fd21-012345abcdef\n"


class Ec2:
    """What an instance of EC2 sees."""

    def lend(self, directory: Path) -> Mapping[str, str]:
        """A hypervisor, which cloud-init is shown by its unit: nothing can be mounted below /sys from outside."""
        for name in ("hypervisor", "unit"):
            (directory / name).mkdir()
        (directory / "hypervisor/uuid").write_text(UUID)
        (directory / "unit/hypervisor.conf").write_text(DROP_IN)
        return {UNIT: "unit", HYPERVISOR: "hypervisor"}

    def answering(self, launch: kinds.Launch, address: str, mac: str) -> Answering:
        """The instance metadata service."""
        assert isinstance(launch, Launch)
        return imds.answering(imds.Facts(launch=launch, address=address, mac=mac))


class LightMachines(light.LightMachines):
    """Light machines whose images are AMIs; the options are those of `light.LightMachines`."""

    def __init__(self, *, root: str, vendor: str, reach: str = "") -> None:
        super().__init__(Ec2(), root=root, vendor=vendor, reach=reach)
