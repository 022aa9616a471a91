"""runc: a root file system with systemd as its first process, in namespaces of its own (a light machine).

It shares the computer's kernel, so it starts in a quarter of a second. Its root is nobody on the computer: it runs in
a user namespace, and the mounts it starts from are made by `idmapped`. Where the kernel is too old for that (before
5.19) a machine can be started `open`: then its root is the computer's root, held back by namespaces only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phoenix.model import Machine
from phoenix.tools import idmapped, mounts, overlay
from phoenix.tools.namespaces import new_users, own_mounts
from phoenix.tools.process import Command, require

CAPABILITIES = tuple(
    f"CAP_{name}"
    for name in (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "KILL", "LEASE"),
        *("MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_ADMIN"),
        *("SYS_CHROOT", "SYS_NICE", "SYS_PTRACE", "SYS_TTY_CONFIG"),
    )
)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NAMESPACES = ("pid", "mount", "ipc", "uts", "network", "cgroup")
PERIOD = 100_000
"""Microseconds over which the share of processor time is counted."""
TASKS = 4096
"""Processes and threads that a machine may have, so that a fork bomb is its own trouble. Large services have 500."""
SHARED = "shared"
DELEGATED = ("cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "tasks")
"""Files of a control group that are handed over with it; /sys/kernel/cgroup/delegate names those of version 2."""
CREATE = 'exec "$1" --root "$2" create --bundle "$3" --pid-file "$4" "$5" </dev/null >>"$6" 2>&1'
"""What it starts keeps its output, so that must be a file."""
SHOWN = 'mount -t tmpfs scaffold "${0%/*}" && mkdir "$0" && exec "$@"'
"""Runs its arguments where there is an empty directory at the path $0, for nobody else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """One light machine: its id (unique on this host) and the directory that everything it owns lies in."""

    id: str
    directory: Path
    """Holds `upper` and `work` of the overlay that is its root, and `host`."""
    hostname: str
    tree: Path
    """The image's tree, the overlay's lower directory."""
    machine: Machine
    fenced: bool = True
    """In a user namespace, where its root is nobody."""
    init: tuple[str, ...] = ("/sbin/init",)
    """Its first process."""
    environment: tuple[str, ...] = ("container=phoenix",)
    """What that one and all that is started inside later find in their environment."""
    lent: Mapping[str, Path] = field(default_factory=dict)
    """Directories of the computer that a fenced machine sees, by where it sees them; owners as they are."""
    read: Mapping[str, Path] = field(default_factory=dict)
    """The same for reading only."""

    @property
    def cgroup(self) -> str:
        """Where its processes are counted and limited, below the root of each hierarchy."""
        return f"phoenix/{self.id}"

    @property
    def host(self) -> Path:
        """The directory that the machine sees as /run/phoenix-host."""
        return self.directory / "host"

    @property
    def scaffold(self) -> Path:
        """Where its mounts are made."""
        return mounts.scaffold(self.tree, self.directory)

    @property
    def root(self) -> Path:
        """The mount point of its root."""
        return self.scaffold / idmapped.ROOT if self.fenced else self.directory / "root"

    @property
    def first_user(self) -> int:
        """The computer's number for its root."""
        return idmapped.first_user(self.id)

    @property
    def pid_file(self) -> Path:
        """Its first process's number, written by runc."""
        return self.directory / "pid"


def config(container: Container) -> dict[str, Any]:
    """The OCI configuration (`config.json`) of the machine."""
    capabilities = list(CAPABILITIES)
    quota = container.machine.cpus * PERIOD
    return {
        "ociVersion": "1.0.2",
        "hostname": container.hostname,
        "root": {"path": str(container.root)},
        "process": {
            "args": list(container.init),
            "cwd": "/",
            "env": [f"PATH={PATH}", *container.environment],
            "user": {"uid": 0, "gid": 0},
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), capabilities),
        },
        "mounts": _mounts(container),
        "linux": {
            **_namespaces(container),
            "cgroupsPath": f"/{container.cgroup}",
            "resources": {
                "memory": {"limit": container.machine.memory},
                "cpu": {"period": PERIOD, "quota": quota},
                "pids": {"limit": TASKS},
            },
            "readonlyPaths": ["/proc/bus", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
            "maskedPaths": ["/proc/kcore", "/proc/timer_list", "/sys/firmware"],
        },
    }


def _namespaces(container: Container) -> dict[str, Any]:
    kinds = (*NAMESPACES, "user") if container.fenced else NAMESPACES
    users = {"containerID": 0, "hostID": container.first_user, "size": idmapped.USERS}
    mappings = {"uidMappings": [users], "gidMappings": [users]} if container.fenced else {}
    return {"namespaces": [{"type": kind} for kind in kinds], **mappings}


def _mounts(container: Container) -> list[dict[str, Any]]:
    shared = container.scaffold / SHARED if container.fenced else container.host

    def mount(where: str, kind: str, *options: str, source: str | None = None) -> dict[str, Any]:
        return {"destination": where, "type": kind, "source": source or kind, "options": list(options)}

    return [
        mount("/proc", "proc", "nosuid", "noexec", "nodev"),
        mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        mount("/dev/shm", "tmpfs", "nosuid", "nodev", "mode=1777"),
        mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        mount("/sys/fs/cgroup", "cgroup", "nosuid", "noexec", "nodev", "rw"),
        mount("/run", "tmpfs", "nosuid", "nodev", "mode=755"),
        mount("/tmp", "tmpfs", "nosuid", "nodev", "mode=1777"),
        mount("/run/phoenix-host", "bind", "bind", "rw", source=str(shared)),
        mount("/run/phoenix-host/seed", "bind", "bind", "ro", source=str(shared / "seed")),
        *(mount(where, "bind", "bind", "rw", source=str(place)) for where, place in _lent(container).items()),
        *(mount(where, "bind", "bind", "ro", source=str(place)) for where, place in _read(container).items()),
    ]


def _lent(container: Container) -> dict[str, Path]:
    """Where below the scaffold each directory that is lent stands, by where the machine sees it."""
    return {where: container.scaffold / f"lent{number}" for number, where in enumerate(container.lent)}


def _read(container: Container) -> dict[str, Path]:
    return {where: container.scaffold / f"read{number}" for number, where in enumerate(container.read)}


@contextmanager
def mounted(container: Container) -> Iterator[None]:
    """Have the machine's root mounted where nobody else sees it: it is gone with the machine, however that ends.

    Meanwhile `create_command` is to be run. OSError where the kernel cannot mount it.
    """
    with own_mounts():
        if container.fenced:
            first, shared = container.first_user, {SHARED: container.host}
            with new_users(idmapped.extents(first)) as users:
                idmapped.make_root(container.scaffold, users, first, container.tree, container.directory, shared)
            for places, sources in ((_lent(container), container.lent), (_read(container), container.read)):
                for where, place in places.items():
                    place.mkdir()
                    mounts.bind(sources[where], place)
        else:
            upper, work = container.directory / "upper", container.directory / "work"
            options = overlay.options(container.tree, upper, work, root=True)
            mounts.mount("overlay", str(container.root), "overlay", options)
        yield


def create_command(container: Container, tag: Mapping[str, str]) -> Command:
    """Make the machine ready, its first process waiting to be started. `config.json` lies in its directory."""
    directory = container.directory
    words = (_program(), directory / "runc", directory, container.pid_file, container.id, directory / "runc.log")
    return Command(argv=("sh", "-c", CREATE, "phoenix", *(str(word) for word in words)), environment=tag)


def delegate(container: Container, pid: int) -> None:
    """Let the machine's root divide its control groups: runc 1.1 leaves them to the computer's root, and systemd has
    to make groups of its own. Its limits stay out of its reach: those files are not handed over.
    """
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _number, controllers, path = line.split(":", 2)
        for top in _hierarchies(controllers):
            group = top / path.lstrip("/")
            if path != "/" and group.name == container.id:
                for file in (group, *(group / name for name in DELEGATED)):
                    if file.exists():
                        os.chown(file, container.first_user, container.first_user)


def _hierarchies(controllers: str) -> tuple[Path, ...]:
    """Where a hierarchy may be mounted, by the second field of a line of /proc/PID/cgroup."""
    top = Path("/sys/fs/cgroup")
    name = controllers.removeprefix("name=")
    return (top / name,) if name else (top, top / "unified")


def start_command(container: Container, tag: Mapping[str, str]) -> Command:
    """Let the first process of the machine run."""
    root = str(container.directory / "runc")
    return Command(argv=(_program(), "--root", root, "start", container.id), environment=tag)


def exec_command(container: Container, words: tuple[str, ...], environment: Mapping[str, str]) -> Command:
    """Run a program in the machine as its root, counted and limited as all of it.

    It has the environment of `config.json` and `environment` over that, which everybody on the computer may read.
    """
    return Command(argv=exec_argv(container.directory, container.id, words, environment, terminal=False))


def exec_argv(
    directory: Path, container: str, words: tuple[str, ...], environment: Mapping[str, str], *, terminal: bool
) -> tuple[str, ...]:
    """The same as a bare command line, for the machine of that id whose files lie in `directory`.

    With `terminal` the program gets a terminal of its own, which runc carries to and from this process's: who holds
    the computer's own can put words into its input (ioctl_tty(2), TIOCSTI).
    """
    given = (f"{name}={value}" for name, value in environment.items())
    options = (option for each in given for option in ("--env", each))
    tty = ("--tty",) if terminal else ()
    root = str(directory / "runc")
    return (_program(), "--root", root, "exec", *tty, "--cwd", "/", *options, container, *words)


def from_outside(directory: Path, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The command line `argv` of `exec_argv` as whoever did not start the machine has to say it.

    runc goes to the path of the machine's root before it enters the machine, and nothing is mounted there for others:
    it is given a directory of that name, which nobody else sees.
    """
    place = Path(json.loads((directory / "config.json").read_text())["root"]["path"])
    if place.is_dir():
        return argv
    return (require("unshare", "util-linux"), "--mount", "sh", "-c", SHOWN, str(place), *argv)


def _program() -> str:
    return require("runc", "runc")
