"""One boot of a light machine as an instance of a cloud: the local cloud's container, with what clouds give to one.

That is a serial console (a pseudo terminal, written down), the cloud's metadata service, and what its guise lends it.
Nothing of phoenix's own is in it: no seed, no guest files.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from phoenix.clock import SystemClock
from phoenix.clouds.local.machines.machine_files import MachineFiles
from phoenix.clouds.local.machines.network import Network, identity
from phoenix.errors import ToolError
from phoenix.model import Machine
from phoenix.tools import runc
from phoenix.tools.namespaces import in_network, network_of
from phoenix.tools.process import Command, ProcessId, run, spawn
from phoenix.wait import DeadlineError, Look, Verdict, wait_for
from tests.emulators.machines.kinds import Launch
from tests.emulators.machines.metadata import ADDRESS, PORT, Answering, Service

SIZE = Machine(cpus=2, memory=1 << 30)
TIMEOUT = 60.0
"""Seconds that one step of a start may take on a busy computer."""
POWER_OFF = signal.SIGRTMIN + 4
"""What systemd takes, as the first process of a container, for `poweroff` (systemd(1))."""
ENDING = 20.0
"""Seconds that a system may take to end itself; it takes half of one."""
KEEP = 'while :; do cat <&"$1" >>"$2" 2>/dev/null; sleep 0.05; done'
"""For bash: in Debian's sh a descriptor has one digit. It reads again where the terminal was hung up (vhangup(2))."""
LOGIN = "/run/systemd/system/console-getty.service"
"""Empty, so masked: it would hang the terminal up, and what nobody has read yet would be lost."""


class Guise(Protocol):
    """How a machine sees which cloud it is on."""

    def lend(self, directory: Path) -> Mapping[str, str]:
        """Write below `directory` what the machine is to see: by the path inside, the path below the directory."""
        ...

    def answering(self, launch: Launch, address: str, mac: str) -> Answering:
        """What its metadata service answers; `mac` is the address of its one device."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Boot:
    """A machine that runs."""

    first: ProcessId
    network: Network
    metadata: Service


def console_of(files: MachineFiles) -> Path:
    """What the machine has written to its console, over all of its boots."""
    return files.directory / "console.log"


def start(
    files: MachineFiles, tree: Path, guise: Guise, answering: Callable[[str], Answering], reach: tuple[int, ...]
) -> Boot:
    """Boot the machine from what its directory holds of its disk; `answering` is given the address of its device.

    What a failed start leaves is for `remains.end`. Raises PhoenixError or OSError with what went wrong.
    """
    container = _lay_out(files, tree)
    lent = guise.lend(container.host)
    master, slave = os.openpty()
    try:
        os.fchown(slave, container.first_user, container.first_user)
        (container.directory / "config.json").write_text(
            json.dumps(_config(container, lent, os.ttyname(slave)), indent=1)
        )
        keep = ("bash", "-c", KEEP, "console", str(master), str(console_of(files)))
        # it has the other end open, too: a terminal that nobody has open reads as ended
        spawn(Command(argv=keep, environment=files.tag), log=files.directory / "keeper.log", keep=(master, slave))
        first = _create(container, files)
    finally:
        os.close(master)
        os.close(slave)
    network = Network(pid=first.pid, directory=files.directory, tag=files.tag)
    listeners: list[socket.socket] = []
    network.connect(reach, also=lambda between: listeners.append(_listener(between)))
    metadata = Service(listeners[0], answering(_device_address(first.pid)))
    try:
        run(runc.start_command(container, files.tag), timeout=TIMEOUT)
    except BaseException:
        metadata.close()
        raise
    return Boot(first=first, network=network, metadata=metadata)


def stop(boot: Boot) -> None:
    """End its system in order. One that does not end is left to be killed."""

    def look() -> Look:
        try:
            if boot.first.alive:
                os.kill(boot.first.pid, POWER_OFF)  # again and again: one that has just begun to boot takes none
        except ProcessLookupError:
            pass
        return Look(verdict=Verdict.UNKNOWN if boot.first.alive else Verdict.PASS, seen="it still runs")

    try:
        wait_for("the end of a machine", look, clock=SystemClock(), deadline=ENDING, interval=0.1)
    except DeadlineError:
        return


def _lay_out(files: MachineFiles, tree: Path) -> runc.Container:
    """The directories of a boot: of an earlier one only the disk stays."""
    directory = files.directory
    for name in ("host", "work", "root", "runc"):
        shutil.rmtree(directory / name, ignore_errors=True)
    for name in ("host", "work", "root"):
        (directory / name).mkdir()
    (directory / "upper").mkdir(exist_ok=True)
    (directory / "host/masked").touch()
    return runc.Container(id=files.container, directory=directory, hostname="localhost", tree=tree, machine=SIZE)


def _config(container: runc.Container, lent: Mapping[str, str], console: str) -> dict[str, Any]:
    made = runc.config(container)
    shared = container.scaffold / runc.SHARED
    sources = {inside: str(shared / name) for inside, name in {LOGIN: "masked", **lent}.items()}
    own = [each for each in made["mounts"] if not each["destination"].startswith("/run/phoenix-host")]
    binds = [
        {"destination": inside, "type": "bind", "source": source, "options": ["bind", "rw"]}
        for inside, source in {"/dev/console": console, **sources}.items()
    ]
    return {**made, "mounts": [*own, *binds]}


def _create(container: runc.Container, files: MachineFiles) -> ProcessId:
    log = container.directory / "runc.log"
    with runc.mounted(container):
        done = run(runc.create_command(container, files.tag), timeout=TIMEOUT, check=False)
    if done.code != 0:
        said = log.read_text().splitlines()[-5:]
        raise ToolError("an instance could not be made", details="\n".join(said), resolution="See what runc says.")
    first = identity(int(container.pid_file.read_text()), log)
    runc.delegate(container, first.pid)
    return first


def _listener(between: int) -> socket.socket:
    """The socket of the metadata service, in the network between the machine and the world."""
    there = f"--net=/proc/{os.getpid()}/fd/{between}"
    add = ("nsenter", there, "--", "ip", "address", "add", f"{ADDRESS}/32", "dev", "machine")
    run(Command(argv=add), timeout=TIMEOUT)
    with in_network(between):
        return socket.create_server((ADDRESS, PORT), backlog=128)


def _device_address(pid: int) -> str:
    with network_of(pid) as network:
        there = f"--net=/proc/{os.getpid()}/fd/{network}"
        shown = run(Command(argv=("nsenter", there, "--", "ip", "-json", "link", "show", "eth0")), timeout=TIMEOUT)
    address: str = json.loads(shown.stdout)[0]["address"]
    return address
