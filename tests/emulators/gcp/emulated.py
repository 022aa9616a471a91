"""What one emulator holds; all parts of it are given this."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.emulators.clock import Clock
from tests.emulators.gcp.api.document import Document
from tests.emulators.gcp.api.operations import Operations
from tests.emulators.gcp.api.store import Store
from tests.emulators.gcp.calls import Call
from tests.emulators.gcp.faults import Faults
from tests.emulators.gcp.settings import Settings
from tests.emulators.machines.kinds import Machines, Probed


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a test has said of an instance, of all instances of an image, or of all of a group."""

    probed: Probed
    since: float = 0.0


@dataclass
class Emulated:
    """The one of this process. It is changed by one thread at a time, under the server's lock."""

    machines: Machines
    document: Document = field(default_factory=Document.read)
    clock: Clock = field(default_factory=Clock)
    settings: Settings = field(default_factory=Settings)
    faults: Faults = field(default_factory=Faults)
    calls: list[Call] = field(default_factory=list)
    told: dict[str, Said] = field(default_factory=dict)
    """By the name of an instance, an image or a group."""
    consoles: dict[str, str] = field(default_factory=dict)
    """What getSerialPortOutput gives instead of a machine's own words, by the same names."""
    store: Store = field(init=False)
    operations: Operations = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store(self.document, self.clock)
        self.operations = Operations(self.store, self.clock, lambda: self.settings)

    def forget(self) -> None:
        """Be as new, for the next test."""
        self.machines.close()
        self.settings = Settings()
        self.clock.forget()
        self.faults.clear()
        self.calls.clear()
        self.told.clear()
        self.consoles.clear()
        self.store.forget()

    def configure(self, settings: Settings) -> None:
        """Go by these settings from now on."""
        if settings.speed != self.settings.speed:
            self.clock.run(speed=settings.speed)
        self.settings = settings
