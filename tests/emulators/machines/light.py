"""Machines behind emulated instances that are real: light machines of the local cloud, started as their cloud does it.

An image is a root tree below the emulator's directory; one that no machine was made into is the vendor's (`vendor`). A
machine is an overlay on it, with a loopback address of its own, at which its sshd and its services have the ports that
they have inside. Everything is found again by the local cloud's marks, so what a killed emulator left can be removed.

    ROOT/images/IMAGE/tree    ROOT/groups/emulated-v001/instances/emulated-v001-N/{upper,console.log,...}
"""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

from phoenix.clouds.local.bake import trees
from phoenix.clouds.local.image_files import PRIVATE
from phoenix.clouds.local.machines import guest, remains
from phoenix.clouds.local.machines import lifecycle as machines
from phoenix.clouds.local.machines.machine_files import MachineFiles
from phoenix.errors import PhoenixError
from phoenix.tools.process import Command, run
from tests.emulators.machines import light_boot
from tests.emulators.machines.instant import asked
from tests.emulators.machines.kinds import Check, Launch, Probed

GROUP = "emulated-v001"
SSH = 22
BACKLOG = 4096
SHOWN = 1_000_000
"""Characters of a console that are told, its last: EC2 tells 64 KB, Compute Engine a megabyte."""
BLOCKS = (2, 63)
"""Their addresses are 127.2.0.1 and so on; instant machines have those from 127.64 on."""
ATTEMPTS = 50


@dataclass(kw_only=True)
class _Machine:
    wanted: Launch
    files: MachineFiles
    tree: Path
    address: str
    boot: light_boot.Boot | None = None
    open: set[int] = field(default_factory=set)
    """The ports at its address that lead to it."""


class LightMachines:
    """Light machines as `Machines` has them.

    `root` is an empty directory for all they need; `vendor` the tree of the vendor's image, see `debian.Vendor`. They
    reach the loopback ports `reach` of this computer (`8080,8081`), at 10.0.2.2.
    """

    def __init__(self, guise: light_boot.Guise, *, root: str, vendor: str, reach: str = "") -> None:
        self._guise = guise
        self._root = Path(root)
        self._vendor = Path(vendor)
        self._reach = tuple(int(port) for port in reach.split(",") if port)
        self._machines: dict[str, _Machine] = {}
        self._numbers = count(1)
        self._forgotten: set[str] = set()
        self._opening = threading.Lock()

    @property
    def real(self) -> bool:
        """They are."""
        return True

    def launch(self, wanted: Launch) -> str:
        """Its container runs when this returns, a tenth of a second later; its system comes up in seconds."""
        files = _files(self._root, next(self._numbers))
        files.directory.mkdir(parents=True, mode=PRIVATE)
        with _as_os_error(), _address() as (address, listener):
            machine = _Machine(wanted=wanted, files=files, tree=self._tree(wanted.image), address=address)
            self._machines[wanted.id] = machine
            try:
                self._boot(machine, listener)
            except BaseException:
                self.terminate(wanted.id)
                raise
        return address

    def ready(self, machine: str) -> bool:
        """Its first process lives: as with a cloud, the network answers before its services do."""
        found = self._machines.get(machine)
        return found is not None and found.boot is not None and found.boot.first.alive

    def probe(self, machine: str, check: Check) -> Probed:
        """The port leads to it from the first probe on."""
        found = self._machines.get(machine)
        if found is None or not self._lead(found, check.port):
            return Probed(status=None, error="refused")
        return asked(found.address, check)

    def console(self, machine: str) -> str:
        """What all of its boots have written."""
        found = self._machines.get(machine)
        if found is None:
            return ""
        return guest.read_logs(light_boot.console_of(found.files)).console[-SHOWN:]

    def stop(self, machine: str) -> None:
        """By its own systemd; killed where that takes too long."""
        found = self._machines.get(machine)
        if found is not None and found.boot is not None:
            light_boot.stop(found.boot)
            self._end(found)

    def kill(self, machine: str) -> None:
        """What it has not yet written down is lost."""
        found = self._machines.get(machine)
        if found is not None and found.boot is not None:
            self._end(found)

    def start(self, machine: str) -> None:
        """On the disk that it had."""
        found = self._machines.get(machine)
        if found is not None and found.boot is None:
            with _as_os_error(), socket.create_server((found.address, SSH), backlog=BACKLOG) as listener:
                self._boot(found, listener)

    def terminate(self, machine: str) -> None:
        """Killed, and removed."""
        found = self._machines.pop(machine, None)
        if found is not None:
            self._end(found)
            machines.remove(found.files)
            self._remove_forgotten()

    def save(self, machine: str, image: str) -> None:
        """The tree below it with all that it has written, as a disk keeps it: nothing is left out."""
        found = self._machines[machine]
        ran = found.boot is not None
        self.stop(machine)
        made = self._image(image)
        with _as_os_error():
            made.mkdir(parents=True, mode=PRIVATE)
            self._forgotten.discard(image)  # another one of that name
            _copy(found.files.directory / "upper", made / "upper")
            trees.flatten(found.tree, made / "upper", made / "unfinished")
            trees.remove(made / "upper")
            (made / "unfinished").rename(made / "tree")
        if ran:
            self.start(machine)

    def copy(self, image: str, to: str) -> None:
        """By hard links: nobody writes into a tree."""
        with _as_os_error():
            self._image(to).mkdir(parents=True, mode=PRIVATE)
            trees.copy(self._tree(image), self._image(to) / "tree")

    def forget(self, image: str) -> None:
        """Once the last machine on it is gone."""
        self._forgotten.add(image)
        self._remove_forgotten()

    def close(self) -> None:
        """None is left, nor any image."""
        for machine in tuple(self._machines):
            self.terminate(machine)
        self._forgotten.clear()
        sweep(self._root)

    def _boot(self, machine: _Machine, listener: socket.socket) -> None:
        answering = partial(self._guise.answering, machine.wanted, machine.address)
        machine.boot = light_boot.start(machine.files, machine.tree, self._guise, answering, self._reach)
        machine.boot.network.lead(listener, SSH)
        machine.open = {SSH}

    def _lead(self, machine: _Machine, port: int) -> bool:
        """See that the port at the machine's address leads to it; False where it does not run."""
        with self._opening:
            boot = machine.boot
            if boot is None or not boot.first.alive:
                return False
            if port not in machine.open:
                with socket.create_server((machine.address, port), backlog=BACKLOG) as listener:
                    boot.network.lead(listener, port)
                machine.open.add(port)
            return True

    def _end(self, machine: _Machine) -> None:
        with self._opening:
            boot, machine.boot = machine.boot, None
            machine.open = set()
            remains.end(machine.files)
        if boot is not None:
            boot.metadata.close()

    def _image(self, image: str) -> Path:
        return self._root / "images" / image

    def _tree(self, image: str) -> Path:
        own = self._image(image) / "tree"
        return own if own.is_dir() else self._vendor

    def _remove_forgotten(self) -> None:
        used = {machine.tree for machine in self._machines.values()}
        for image in sorted(self._forgotten):
            if self._tree(image) not in used:
                trees.remove(self._image(image))
                self._forgotten.discard(image)


def sweep(root: Path) -> None:
    """End and remove what machines below `root` left, whatever became of their emulator."""
    group = _files(root, 0).directory.parent
    for directory in group.iterdir() if group.is_dir() else ():
        remains.end(MachineFiles(root=root, group=GROUP, name=directory.name))
    for name in ("groups", "images"):
        trees.remove(root / name)


def _copy(disk: Path, to: Path) -> None:
    """Copy what a machine has written, not by links: it may go on writing."""
    run(Command(argv=("cp", "-a", "--no-target-directory", "--", str(disk), str(to))), timeout=trees.TIMEOUT)


def _files(root: Path, number: int) -> MachineFiles:
    return MachineFiles(root=root, group=GROUP, name=f"{GROUP}-{number}")


@contextmanager
def _address() -> Iterator[tuple[str, socket.socket]]:
    """A loopback address whose port 22 is nobody's, and its listening socket."""
    for _ in range(ATTEMPTS):
        address = f"127.{random.randint(*BLOCKS)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
        try:
            listener = socket.create_server((address, SSH), backlog=BACKLOG)
        except OSError as error:
            refused = error
            continue
        with listener:
            yield address, listener
        return
    raise OSError(
        f"no loopback address has port {SSH} free (a server of this computer may have it everywhere): {refused}"
    )


@contextmanager
def _as_os_error() -> Iterator[None]:
    """What phoenix's own tools say, as the emulator hears it."""
    try:
        yield
    except PhoenixError as error:
        raise OSError(f"{error.brief}: {error.details}") from error
