"""Light machines that are instances of Compute Engine: Google's guest agent boots them from the metadata server."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tests.emulators.gcp.machines import Launch
from tests.emulators.gcp.metadata import Facts, answer
from tests.emulators.machines import kinds, light
from tests.emulators.machines.metadata import Answering


class Gce:
    """What an instance of Compute Engine sees."""

    def lend(self, directory: Path) -> Mapping[str, str]:
        """Nothing: the guest agent asks the metadata server for everything."""
        return {}

    def answering(self, launch: kinds.Launch, address: str, mac: str) -> Answering:
        """The metadata server."""
        assert isinstance(launch, Launch)
        return partial(answer, Facts(launch=launch, address=address, mac=mac))


class LightMachines(light.LightMachines):
    """Light machines whose images are those of projects; the options are those of `light.LightMachines`."""

    def __init__(self, *, root: str, vendor: str, reach: str = "") -> None:
        super().__init__(Gce(), root=root, vendor=vendor, reach=reach)
