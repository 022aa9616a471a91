"""The way into a light machine, and the mark that somebody was inside of it.

A machine that somebody was inside of may be another than its siblings: a snowflake. So it bears who that was, last.
"""

from __future__ import annotations

from pathlib import Path

from phoenix import names
from phoenix.clouds.local.machines import light
from phoenix.clouds.local.machines.machine_files import MachineFiles, read_record
from phoenix.errors import RefusedError, SpecError
from phoenix.tools.process import require

MARK = "touched"
SHELL = ("/bin/bash", "-l")
NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")
ENVIRONMENT = ("HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


def command(root: Path, instance: str, words: tuple[str, ...], *, terminal: bool) -> tuple[str, ...]:
    """The program that runs `words` (else a shell) inside of the machine, with this process's own standard files.

    SpecError where there is no such machine, RefusedError where nobody can get into it.
    """
    files = files_of(root, instance)
    started = read_record(files)
    if started is None:
        raise SpecError(
            f"there is no machine {instance}", details=f"looked below {root}", resolution="See `phoenix status`."
        )
    if started.engine not in (light.NAME, light.OPEN):
        raise RefusedError(
            f"{instance} is a virtual machine, which has no way in",
            details=f"it runs on {started.engine}; no key of yours is in its image",
            resolution=f"See what it says: `phoenix logs {instance} --console`.",
        )
    if not all(process.alive for process in started.processes.values()):
        raise RefusedError(
            f"{instance} is dead",
            details="one of its processes has ended",
            resolution=f"See what it said: `phoenix logs {instance}`.",
        )
    fenced = ("--user",) if started.engine == light.NAME else ()
    pid = started.processes["machine"].pid
    enter = (require("nsenter", "util-linux"), f"--target={pid}", *fenced, *NAMESPACES, "--root", "--wd", "--")
    clean = ("/usr/bin/env", "-i", f"TERM={'xterm' if terminal else 'dumb'}", *ENVIRONMENT)
    return (*enter, *clean, *(words or SHELL))


def mark(root: Path, instance: str, who: str) -> None:
    """Write down that somebody is about to be inside."""
    (files_of(root, instance).directory / MARK).write_text(f"{who}\n", encoding="utf-8")


def touched(files: MachineFiles) -> str:
    """Who was inside last, and when; empty: nobody."""
    try:
        return (files.directory / MARK).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def files_of(root: Path, instance: str) -> MachineFiles:
    """The files of the machine of that name."""
    return MachineFiles(root=root, group=names.group_of_instance(instance) or "", name=instance)
