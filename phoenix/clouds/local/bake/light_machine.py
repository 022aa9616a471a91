"""The machine of a bake: a light machine as a group's, kept apart from the kernel's settings by its first process.

What it writes lies in `upper`, and stays there when it is started anew: by a task that reboots, and once at the end,
when nothing but the role `seal`'s script runs in it, for what its own end has left.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phoenix import data
from phoenix.clock import SystemClock
from phoenix.clouds.local.machines import light, remains
from phoenix.clouds.local.machines.machine_files import MachineFiles
from phoenix.clouds.local.machines.network import Network
from phoenix.errors import CloudError
from phoenix.model import Machine
from phoenix.tools import fence_mounts, runc
from phoenix.tools.process import Command, Completed, ProcessId, run
from phoenix.wait import Look, Verdict, wait_for

MACHINES, GROUP = "machine", "phoenix-builder-v001"
APT = {"archives": "/var/cache/apt/archives", "lists": "/var/lib/apt/lists"}
"""Packages and indexes that earlier bakes fetched, and where apt looks for them."""
GIVEN = "/run/phoenix-builder"
"""Where the machine finds what phoenix gives it."""
MANAGER = "/run/host"
"""By a file in it systemd knows that it runs in a container (its CONTAINER_INTERFACE); nothing else shall."""
WORDS = "/run/phoenix-builder/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""What the machine finds in its environment, as programs differ in what they look at. A proxy's address may hold a
password, so it stands in a file of the machine's, and in no command line.
"""
BOOT_DEADLINE, STEP = 180.0, 120.0
"""Seconds for a boot, and for a command of ours, on a busy computer; they take one, and some hundredths."""
BOOTED = (
    "state=$(systemctl is-system-running); case $state in running|degraded) ;; "
    '*) echo "$state: $(systemctl list-jobs --no-legend | head -n 3)"; exit 1 ;; esac'
)
"""A short look, so that the wait for it has its own deadline and can say what still starts."""
MARK = "touch /run/phoenix-standing"
CHANGED = (
    "cd /run/phoenix-sysctl && find . -path ./net -prune -o -type f -newer /run/phoenix-standing -printf '%P\\n'"
    " | tr / . | sort | grep -Ex '[a-z0-9_.-]+' || true"
)
"""The kernel's settings that a recipe has written, and that no machine has of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BakedMachine:
    """The machine that bakes on the tree `below`, in the bake's own directory `scratch`."""

    below: Path
    scratch: Path
    reach: tuple[int, ...] = ()
    """Loopback ports of this computer that it reaches, under the same number on its own."""

    @property
    def files(self) -> MachineFiles:
        """Where it lies, as a machine of a group: so whatever sweeps machines finds it."""
        return machine_in(self.scratch)

    @property
    def upper(self) -> Path:
        """What it has written."""
        return self.files.directory / "upper"

    @property
    def given(self) -> Path:
        """What phoenix gives it, for reading."""
        return self.files.directory / "given"

    @property
    def manager(self) -> Path:
        """The directory that the machine has for `MANAGER`."""
        return self.files.directory / "manager"

    def container(self, *init: str, alone: bool = False) -> runc.Container:
        """What runc starts; `alone` it is lent nothing, and has no way to a proxy."""
        lent = {} if alone else {where: self.scratch / "apt" / name for name, where in APT.items()}
        return runc.Container(
            id=self.files.container,
            directory=self.files.directory,
            hostname=fence_mounts.NAMELESS,
            tree=self.below,
            machine=Machine(cpus=os.cpu_count() or 1, memory=_memory()),
            init=init,
            environment=() if alone else _passed_on(os.environ),
            lent=lent,
            read={GIVEN: self.given, MANAGER: self.manager},
        )

    def start(self) -> ProcessId:
        """Start it, with a network; its first process. CloudError with what went wrong."""
        self._lay_out()
        container = self.container("/bin/sh", f"{GIVEN}/init.sh")
        first = self._create(container)
        try:
            network = Network(pid=first.pid, directory=self.files.directory, tag=self.files.tag)
            network.connect(self.reach)
            for port in self.reach:
                network.open_inside(port)
        except OSError as error:
            raise CloudError(
                "the machine that bakes gets no network",
                details=str(error),
                resolution="`phoenix doctor` tells whether light machines work here; `--builder chroot` does without.",
            ) from error
        run(runc.start_command(container, self.files.tag), timeout=STEP)
        return first

    def start_seal(self, script: Path) -> ProcessId:
        """Start it without a network and an init, to run a script; its first process."""
        self._lay_out()
        shutil.copyfile(script, self.given / "seal.sh")
        container = self.container("/bin/sh", "-eu", f"{GIVEN}/seal.sh", alone=True)
        first = self._create(container)
        run(runc.start_command(container, self.files.tag), timeout=STEP)
        return first

    def wait_until_it_stands(self, first: ProcessId) -> None:
        """Wait until all that it starts by itself is started. DeadlineError, HopelessError."""

        def look() -> Look:
            if not first.alive:
                return Look(verdict=Verdict.FAIL, seen="it has ended")
            done = self.inside(BOOTED, check=False)
            return Look(verdict=Verdict.PASS if done.code == 0 else Verdict.UNKNOWN, seen=done.tail)

        wait_for("the boot of the machine", look, clock=SystemClock(), deadline=BOOT_DEADLINE, interval=0.1)
        (self.manager / "container-manager").unlink()

    def inside(self, script: str, *, check: bool = True) -> Completed:
        """Run a script of ours in the machine."""
        return run(self.command(script), timeout=STEP, check=check)

    def command(self, script: str) -> Command:
        """Runs a command in the machine, as Ansible words it."""
        environment = {"PATH": WORDS, "HOME": "/root", "LC_ALL": "C.UTF-8"}
        container = self.container("/bin/sh")
        return runc.exec_command(container, ("/bin/sh", "-c", script), environment)

    def tell_systemd(self) -> None:
        """Have its systemd know, at its end, that the computer is not its own to shut down."""
        (self.manager / "container-manager").write_text("phoenix\n")

    def end(self) -> None:
        """End all that runs for it; its files stay. CloudError where something will not go."""
        remains.end(self.files)

    def _lay_out(self) -> None:
        """Its files, anew but for what it has written."""
        directory = self.files.directory
        directory.mkdir(parents=True, exist_ok=True)
        for name in ("host", "given", "manager", "runc", "root"):
            shutil.rmtree(directory / name, ignore_errors=True)
        for name in ("host", "given", "manager", "root", "host/seed"):
            (directory / name).mkdir()
        for name in ("upper", "work"):
            (directory / name).mkdir(exist_ok=True)
        shutil.rmtree(directory / "work/work", ignore_errors=True)  # `volatile` is mounted once
        self.tell_systemd()
        (directory / "host/seed/meta-data").write_text("instance-id: phoenix-builder\n")  # it keeps the image's name
        (directory / "host/seed/user-data").write_text("")
        _copy_programs(data.path("templates", "builders", "light"), self.given)
        (self.given / "resolv.conf").write_text(fence_mounts.resolver())
        copy_settings(Path("/proc/sys"), self.given / "sysctl")

    def configure(self, container: runc.Container) -> Path:
        """Write what runc starts the machine by, and whatever is run in it later; the file, for its owner only."""
        file = container.directory / "config.json"
        file.unlink(missing_ok=True)
        file.touch(0o600)
        file.write_text(json.dumps(runc.config(container), indent=1))
        return file

    def _create(self, container: runc.Container) -> ProcessId:
        self.configure(container)
        return light.create(container, self.files)


def machine_in(scratch: Path) -> MachineFiles:
    """The machine of the bake whose own directory is `scratch`."""
    return MachineFiles(root=scratch / MACHINES, group=GROUP, name=f"{GROUP}-1")


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _passed_on(environment: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}={environment[name]}" for name in PASSED_ON if name in environment)


def _copy_programs(source: Path, target: Path) -> None:
    """Programs that everybody may run, whatever an installation has made of their modes."""
    (target / "bin").mkdir()
    for file in (path for path in source.rglob("*") if path.is_file()):
        copy = target / file.relative_to(source)
        shutil.copyfile(file, copy)
        copy.chmod(0o755)


def copy_settings(source: Path, target: Path) -> None:
    """Make files of the kernel's settings: what is read of them here is what they are; of interfaces one is for all."""
    for where, directories, names in os.walk(source):
        own = target / Path(where).relative_to(source)
        own.mkdir()
        directories[:] = [name for name in directories if name != "binfmt_misc"]  # a file system of its own
        if own.name in ("conf", "neigh"):
            directories[:] = [name for name in directories if name in ("all", "default", "lo")]
        for name in names:
            _copy_setting(Path(where, name), own / name)


def _copy_setting(source: Path, target: Path) -> None:
    """One of them. What not everybody may read is empty: keys stand there, and a recipe may read the copy."""
    try:
        value = source.read_bytes() if source.stat().st_mode & stat.S_IROTH else b""
    except OSError:
        value = b""
    target.write_bytes(value)
