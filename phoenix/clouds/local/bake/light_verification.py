"""The verification of an image on a light machine: started as a group's are, watched to its last report, then ended.

It takes a second or two where an emulated boot takes twenty, and proves less: the kernel is this computer's. A machine
on trial lives below its own directory, beside the images; that of a phoenix that was killed ends with the next sweep.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from phoenix.clock import Clock
from phoenix.clouds.local.machines import guest, instances
from phoenix.clouds.local.machines import lifecycle as machines
from phoenix.clouds.local.machines.machine_files import MachineFiles, MachineSpec, Started
from phoenix.clouds.local.machines.restarts import Restarts
from phoenix.errors import ToolError
from phoenix.model import InstanceState
from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, wait_for

GROUP = "phoenix-trial-v001"
JOURNAL = 5.0
"""Seconds that the last line of a machine's journal may take to its file; on a quiet computer it takes a tenth."""


def machine_in(directory: Path) -> MachineFiles:
    """The machine on trial below `directory`."""
    return MachineFiles(root=directory, group=GROUP, name=f"{GROUP}-1")


def run_to_end(
    spec: MachineSpec,
    directory: Path,
    *,
    engine: str,
    last_line: str,
    deadline: float,
    clock: Clock,
    on_line: Callable[[str], None],
    between: Callable[[], None],
) -> tuple[str, ...]:
    """Start the machine, until it reports `last_line`; gives all reports. Its console is left as `console.log`.

    Raises ToolError where it ends or reports a failed boot first, and after `deadline` seconds. `between` is called in
    every round of the wait.
    """
    files = machine_in(directory)
    heard: list[str] = []
    started = machines.start(spec, files, engine)
    try:
        wait_for(
            "the boot",
            lambda: _look(files, started, heard, last_line, on_line),
            clock=clock,
            deadline=deadline,
            interval=0.1,
            between=between,
        )
    except (DeadlineError, HopelessError) as error:
        raise ToolError(
            "the image did not boot to its end",
            details=f"{error.brief}: {error.details}\n{guest.tail(files.directory / started.console, 15)}",
            resolution=f"Read the machine's console in {directory}.",
        ) from error
    finally:
        _wait_for_its_journal(files, started, last_line, clock)
        (directory / "console.log").write_text(guest.read_logs(files.directory / started.console).console)
        machines.remove(files)
    return tuple(heard)


def _wait_for_its_journal(files: MachineFiles, started: Started, last_line: str, clock: Clock) -> None:
    """Its journal is followed into a file, a moment behind, or several: wait for its last line there."""

    def look() -> Look:
        said = guest.read_logs(files.directory / started.console).console
        return Look(verdict=Verdict.PASS if last_line in said else Verdict.UNKNOWN, seen=f"{len(said)} characters")

    with suppress(DeadlineError):  # it did not come so far: what it has said is enough
        wait_for("the end of its journal", look, clock=clock, deadline=JOURNAL, interval=JOURNAL / 50)


def _look(
    files: MachineFiles, started: Started, heard: list[str], last_line: str, on_line: Callable[[str], None]
) -> Look:
    machine = instances.look_at(files, started, Restarts())
    for line in guest.lines(files.directory / started.report)[len(heard) :]:
        heard.append(line)
        on_line(line)
    seen = heard[-1] if heard else "nothing reported yet"
    if last_line in heard:
        return Look(verdict=Verdict.PASS, seen=seen)
    failed = next((line for line in heard if line.startswith("boot failed")), None)
    if failed or machine.state is InstanceState.DEAD:
        return Look(verdict=Verdict.FAIL, seen=failed or f"the machine stopped after: {seen}; {machine.detail}")
    return Look(verdict=Verdict.UNKNOWN, seen=seen)
