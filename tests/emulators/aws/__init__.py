"""AWS for tests: moto's server with what it gets wrong mended, on a clock that tests move. See README.md."""

from tests.emulators.aws.calls import Call
from tests.emulators.aws.client import Emulator
from tests.emulators.aws.settings import Settings
from tests.emulators.aws.world import World

__all__ = ["Call", "Emulator", "Settings", "World"]
