"""How many light machines this computer still takes, by the limits that its kernel sets for one user.

What a machine uses counts against its own user and against whoever made its user namespace (kernel/ucount.c): against
the user who runs phoenix. Where a limit is reached a machine's systemd ends without a word.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from phoenix.errors import RefusedError
from phoenix.tools.idmapped import FIRST_USER, RANGES, USERS

INOTIFY = "fs.inotify.max_user_instances"
OF_A_MACHINE: Mapping[str, int] = {
    INOTIFY: 4,  # systemd 3, journalctl 1
    "user.max_user_namespaces": 1,
    "user.max_net_namespaces": 2,
    "user.max_mnt_namespaces": 12,  # sandboxed services have one each
    "user.max_pid_namespaces": 1,
    "user.max_ipc_namespaces": 1,
    "user.max_uts_namespaces": 1,
    "user.max_cgroup_namespaces": 1,
    "kernel.threads-max": 40,
    "kernel.pid_max": 40,
}
"""What a machine with a small service takes of each."""
GOOD = 50
"""Machines for which there should be room on a computer that runs groups."""
_NAMESPACES = ("user", "net", "mnt", "pid", "ipc", "uts", "cgroup")
_OF_INOTIFY = "anon_inode:inotify"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A limit of the kernel, by its sysctl: how much of it is used, how much there may be, what one machine takes."""

    sysctl: str
    used: int
    most: int
    each: int

    @property
    def room(self) -> int:
        """Machines that it still lets start."""
        return max(0, self.most - self.used) // self.each

    def raised(self, machines: int) -> str:
        """What to say to have room for so many more."""
        wanted = self.used + machines * self.each
        return f"sysctl -w {self.sysctl}={max(1024, 2 * self.most, 1 << wanted.bit_length())}"


def measured(proc: Path = Path("/proc"), user: int | None = None) -> tuple[Limit, ...]:
    """Every limit that this kernel has, the one with the least room first."""
    used = _used(proc, os.geteuid() if user is None else user)
    found = []
    for sysctl, each in OF_A_MACHINE.items():
        with suppress(OSError, ValueError):  # a kernel without it
            most = int((proc / "sys" / sysctl.replace(".", "/")).read_text())
            found.append(Limit(sysctl=sysctl, used=used.get(sysctl, 0), most=most, each=each))
    return tuple(sorted(found, key=lambda limit: (limit.room, limit.sysctl)))


def lacking(machines: int, limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """Those that so many machines more would exceed."""
    return tuple(limit for limit in limits if limit.room < machines)


def refuse_too_many(machines: int) -> None:
    """RefusedError, naming the sysctl, where this computer cannot take so many light machines more."""
    lacks = lacking(machines, measured()) if machines else ()
    if lacks:
        raise RefusedError(
            f"this computer does not take {machines} light machines more",
            details="; ".join(told(limit) for limit in lacks),
            resolution=f"Raise it: `{lacks[0].raised(machines)}`, and in /etc/sysctl.d for the next start; "
            "or burn groups that nobody needs.",
        )


def told(limit: Limit) -> str:
    """A limit in words."""
    return f"{limit.sysctl} is {limit.most}, {limit.used} are used, a machine takes {limit.each}: room for {limit.room}"


def _used(proc: Path, user: int) -> dict[str, int]:
    """How much of each limit is used by the user, and by machines."""
    inotify = 0
    namespaces: dict[str, set[str]] = {kind: set() for kind in _NAMESPACES}
    for process in _processes(proc, user):
        inotify += sum(1 for link in _links(process / "fd") if link == _OF_INOTIFY)
        for link in _links(process / "ns"):
            kind = link.partition(":")[0]
            if kind in namespaces:
                namespaces[kind].add(link)
    tasks = int((proc / "loadavg").read_text().split()[3].partition("/")[2])
    by_kind = {f"user.max_{kind}_namespaces": len(found) for kind, found in namespaces.items()}
    return {INOTIFY: inotify, "kernel.threads-max": tasks, "kernel.pid_max": tasks, **by_kind}


def _processes(proc: Path, user: int) -> Iterator[Path]:
    for process in proc.iterdir():
        if process.name.isdecimal():
            with suppress(OSError):  # it has ended
                owner = process.stat().st_uid
                if owner == user or FIRST_USER <= owner < FIRST_USER + RANGES * USERS:
                    yield process


def _links(directory: Path) -> Iterator[str]:
    with suppress(OSError):  # it has ended, or is not to be looked into
        for link in directory.iterdir():
            with suppress(OSError):
                yield str(link.readlink())
