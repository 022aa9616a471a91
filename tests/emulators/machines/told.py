"""Instances without machines: nothing runs, and a test says how they are."""

from __future__ import annotations

from tests.emulators.machines.kinds import Check, Launch, Probed

WELL = Probed(status=200)


class Told:
    """Every machine is up at once and well, until `Emulator.sick` says otherwise."""

    real = False

    def __init__(self, **options: str) -> None:
        assert not options, options
        self._running: set[str] = set()

    def launch(self, wanted: Launch) -> None:
        """Nothing runs; the emulator makes an address up."""
        self._running.add(wanted.id)

    def ready(self, machine: str) -> bool:
        """As soon as it is asked for."""
        return machine in self._running

    def probe(self, machine: str, check: Check) -> Probed:
        """Well while it runs."""
        return WELL if machine in self._running else Probed(status=None, error="refused")

    def console(self, machine: str) -> str:
        """Silent."""
        return ""

    def stop(self, machine: str) -> None:
        """It answers no more."""
        self._running.discard(machine)

    def kill(self, machine: str) -> None:
        """It answers no more."""
        self._running.discard(machine)

    def start(self, machine: str) -> None:
        """It answers again."""
        self._running.add(machine)

    def terminate(self, machine: str) -> None:
        """It answers no more."""
        self._running.discard(machine)

    def save(self, machine: str, image: str) -> None:
        """There is no disk."""

    def copy(self, image: str, to: str) -> None:
        """There is no disk."""

    def forget(self, image: str) -> None:
        """There is no disk."""

    def close(self) -> None:
        """None is left."""
        self._running.clear()
