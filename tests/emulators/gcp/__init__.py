"""GCP for tests: Compute Engine by Google's own description of it, on a clock that tests move. See README.md."""

from tests.emulators.gcp.calls import Call
from tests.emulators.gcp.client import Emulator
from tests.emulators.gcp.settings import Settings
from tests.emulators.gcp.world import World

__all__ = ["Call", "Emulator", "Settings", "World"]
