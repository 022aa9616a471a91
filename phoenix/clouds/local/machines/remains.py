"""What runs for machines on this host, found without any record: by a mark on processes, by name of control groups.

So the end of a machine is the same for every engine and from every state, a half-started one among them: end all
its processes, remove its control groups. Mounts and network namespaces end with their last process.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from phoenix import names
from phoenix.clock import SystemClock
from phoenix.clouds.local.machines.machine_files import TAG, MachineFiles, root_tag
from phoenix.errors import CloudError
from phoenix.tools.process import Command, ProcessId, run
from phoenix.wait import DeadlineError, Look, Verdict, wait_for

DEADLINE = 20.0
"""Seconds that killed processes may take to be gone (a large emulated machine gives its memory back)."""
DEEP = 3800
"""Characters of a path from where on what is in it may have none: the kernel takes 4096."""
PARENT = "phoenix"
"""The control group that holds all machines'."""


def marked(below: Path) -> dict[ProcessId, Path]:
    """The processes that run for machines whose directory is `below` or in it, with that directory."""
    found: dict[ProcessId, Path] = {}
    for entry in Path("/proc").iterdir():
        directory = _mark(entry) if entry.name.isdecimal() else None
        if directory is None or not directory.is_relative_to(below):
            continue
        process = ProcessId.of(int(entry.name))
        if process is not None and process.pid != os.getpid():
            found[process] = directory
    return found


def control_groups(root: Path) -> frozenset[str]:
    """The names of the machines below `root` that have a control group."""
    prefix = f"{root_tag(root)}-"
    names = (path.name for top in _hierarchies() for path in (top / PARENT).glob(f"{prefix}*"))
    return frozenset(name.removeprefix(prefix) for name in names)


def end(files: MachineFiles) -> None:
    """End everything that runs for the machine, in whatever state it is. CloudError where something will not go."""
    groups = [top / PARENT / files.container for top in _hierarchies()]

    def look() -> Look:
        processes = {*marked(files.directory), *_members(groups)}
        for process in processes:
            _kill(process)
        left = [str(path) for path in groups if not _removed(path)]
        verdict = Verdict.UNKNOWN if processes or left else Verdict.PASS
        return Look(verdict=verdict, seen=f"{len(processes)} processes, control groups: {', '.join(left) or 'none'}")

    try:
        wait_for(f"the end of {files.name}", look, clock=SystemClock(), deadline=DEADLINE, interval=0.02)
    except DeadlineError as error:
        raise CloudError(
            f"the machine {files.name} cannot be ended",
            details=error.details,
            resolution="See what keeps its processes (`ps`), then try again.",
        ) from error


def _mark(process: Path) -> Path | None:
    try:
        environment = (process / "environ").read_bytes()
    except OSError:  # gone, or somebody else's
        return None
    prefix = f"{TAG}=".encode()
    for variable in environment.split(b"\0"):
        if variable.startswith(prefix):
            directory = Path(os.fsdecode(variable.removeprefix(prefix)))
            return directory if _is_a_machine(directory) else None
    return None


def _is_a_machine(directory: Path) -> bool:
    """Whether it may be a machine's, by its form: a program in a machine may write anything into its environment."""
    *_root, groups, group, middle, name = ("", "", "", *directory.parts)
    return (groups, middle) == ("groups", "instances") and names.group_of_instance(name) == group


def _hierarchies() -> list[Path]:
    """Where the host's control group hierarchies are mounted: one in version 2, one per controller in version 1."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    fields = [line.split() for line in lines]
    return [Path(where) for _, where, kind, *_ in fields if kind in ("cgroup", "cgroup2")]


def _members(groups: list[Path]) -> Iterator[ProcessId]:
    for group in (each for top in groups for each in _nested(top)):
        try:
            numbers = [int(line) for line in (group / "cgroup.procs").read_text().split()]
        except OSError:  # removed meanwhile
            continue
        yield from (process for number in numbers if (process := ProcessId.of(number)) is not None)


def _nested(group: Path) -> list[Path]:
    """The control group and those in it, each before those in it, as far as a path reaches (4096 characters).

    The machine's root divides its groups as deep as it likes. Its first process is near the top and takes all with it.
    """
    found, left = [group], [group]
    while left:
        try:
            inner = [Path(entry.path) for entry in os.scandir(left.pop()) if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue
        found += inner
        left += inner
    return found


def _kill(process: ProcessId) -> None:
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _removed(group: Path) -> bool:
    """Remove a control group and those in it; False where one still has (dying) processes."""
    nested = _nested(group)
    for path in reversed(nested):
        with suppress(OSError):
            path.rmdir()
    if group.exists() and max(len(str(path)) for path in nested) > DEEP:
        _remove_deep(group)
    return not group.exists()


def _remove_deep(group: Path) -> None:
    """What find(1) goes down to step by step, where no path leads."""
    command = ("find", str(group), "-depth", "-type", "d", "-delete")
    run(Command(argv=command), timeout=DEADLINE, check=False)
