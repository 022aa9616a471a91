"""runc: a root file system with systemd as its first process, in namespaces of its own (a light machine).

It shares the host's kernel, so it starts in a quarter of a second; it is no security boundary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phoenix.model import Machine
from phoenix.tools.process import Command, require

CAPABILITIES = tuple(
    f"CAP_{name}"
    for name in (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "KILL", "LEASE"),
        *("MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_ADMIN"),
        *("SYS_CHROOT", "SYS_NICE", "SYS_PTRACE", "SYS_TTY_CONFIG"),
    )
)
NAMESPACES = ("pid", "mount", "ipc", "uts", "network", "cgroup")
PERIOD = 100_000
"""Microseconds over which the share of processor time is counted."""
CREATE = """\
set -e
mount -t overlay overlay -o "$1" "$2"
exec "$3" --root "$4" create --bundle "$5" --pid-file "$6" "$7" </dev/null >>"$8" 2>&1
"""
"""Run in a mount namespace of its own, so that the overlay is gone with the machine, however that ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """One light machine: its id (unique on this host) and the directory that everything it owns lies in."""

    id: str
    directory: Path
    hostname: str
    overlay: str
    """Options of the overlay mount that is its root: the image's tree below, `upper` and `work` of its directory."""
    machine: Machine

    @property
    def cgroup(self) -> str:
        """Where its processes are counted and limited, below the root of each hierarchy."""
        return f"phoenix/{self.id}"

    @property
    def host(self) -> Path:
        """The directory that the machine sees as /run/phoenix-host."""
        return self.directory / "host"

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
        "root": {"path": str(container.directory / "root")},
        "process": {
            "args": ["/sbin/init"],
            "cwd": "/",
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "container=phoenix"],
            "user": {"uid": 0, "gid": 0},
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), capabilities),
        },
        "mounts": _mounts(container),
        "linux": {
            "namespaces": [{"type": kind} for kind in NAMESPACES],
            "cgroupsPath": f"/{container.cgroup}",
            "resources": {
                "memory": {"limit": container.machine.memory},
                "cpu": {"period": PERIOD, "quota": quota},
            },
            "readonlyPaths": ["/proc/bus", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
            "maskedPaths": ["/proc/kcore", "/proc/timer_list", "/sys/firmware"],
        },
    }


def _mounts(container: Container) -> list[dict[str, Any]]:
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
        mount("/run/phoenix-host", "bind", "bind", "rw", source=str(container.host)),
        mount("/run/phoenix-host/seed", "bind", "bind", "ro", source=str(container.host / "seed")),
    ]


def create_command(container: Container, tag: Mapping[str, str]) -> Command:
    """Make the machine ready, its first process waiting to be started. `config.json` lies in its directory."""
    directory = container.directory
    words = (
        *(container.overlay, directory / "root", _program(), directory / "runc", directory, container.pid_file),
        *(container.id, directory / "runc.log"),
    )
    script = ("unshare", "--mount", "--", "sh", "-c", CREATE, "phoenix", *(str(word) for word in words))
    return Command(argv=script, environment=tag)


def start_command(container: Container, tag: Mapping[str, str]) -> Command:
    """Let the first process of the machine run."""
    root = str(container.directory / "runc")
    return Command(argv=(_program(), "--root", root, "start", container.id), environment=tag)


def _program() -> str:
    return require("runc", "runc")
