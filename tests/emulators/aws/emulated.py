"""What one emulator holds beside moto's own records; all parts of it are given this."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.emulators.aws.calls import Call
from tests.emulators.aws.faults import Faults
from tests.emulators.aws.settings import Settings
from tests.emulators.clock import Clock
from tests.emulators.machines.kinds import Machines

ACCOUNT = "123456789012"
"""moto's."""
REGION = "eu-west-1"


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a test has said of an instance, of all instances of an AMI, or of all of a group."""

    status: int | None = None
    """What its service answers to health checks; None for no answer."""
    error: str = ""
    since: float = 0.0


@dataclass
class Emulated:
    """The one of this process. It is changed by one thread at a time, under the server's lock."""

    machines: Machines
    clock: Clock = field(default_factory=Clock)
    settings: Settings = field(default_factory=Settings)
    faults: Faults = field(default_factory=Faults)
    calls: list[Call] = field(default_factory=list)
    told: dict[str, Said] = field(default_factory=dict)
    """By instance, AMI or group."""
    consoles: dict[str, str] = field(default_factory=dict)
    """What GetConsoleOutput gives instead of a machine's own words, by instance, AMI or group."""

    def forget(self) -> None:
        """Be as new, for the next test."""
        self.machines.close()
        self.settings = Settings()
        self.clock = Clock()
        self.faults.clear()
        self.calls.clear()
        self.told.clear()
        self.consoles.clear()

    def configure(self, settings: Settings) -> None:
        """Go by these settings from now on."""
        if settings.speed != self.settings.speed:
            self.clock.run(speed=settings.speed)
        self.settings = settings
