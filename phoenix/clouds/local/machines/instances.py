"""One machine as an instance: what its processes and its reports say now, never what was written down."""

from __future__ import annotations

from phoenix.clouds.local.machines import entrance, guest
from phoenix.clouds.local.machines.machine_files import MachineFiles, Started, read_record
from phoenix.clouds.local.machines.restarts import Restarts
from phoenix.model import BootState, Instance, InstanceState


def is_alive(files: MachineFiles) -> bool:
    """Whether the machine came to be and all of it runs."""
    started = read_record(files)
    return started is not None and not _ended(started)


def look_at(files: MachineFiles, started: Started, restarts: Restarts) -> Instance:
    """The machine as it is now. `restarts` remembers what was read of its log in the last look."""
    ended = _ended(started)  # before its reports are read, so that a dying machine's last words are not missed
    said = guest.parse_reports(guest.lines(files.directory / started.report))
    if ended:
        state = InstanceState.DEAD
    else:
        state = InstanceState.STARTING if said.boot is BootState.UNKNOWN else InstanceState.RUNNING
    return Instance(
        id=files.name,
        group=files.group,
        state=state,
        boot=said.boot,
        address=f"127.0.0.1:{started.port}",
        engine=started.engine,
        detail=_detail(files, started, said, ended),
        failed_units=said.failed_units,
        restarts=restarts.of(files.directory / started.console),
        touched=entrance.touched(files),
        inside=entrance.inside(files),
    )


def _ended(started: Started) -> str:
    """What of the machine has ended, in words; empty where all of it runs."""
    return ", ".join(name for name, process in started.processes.items() if not process.alive)


def _detail(files: MachineFiles, started: Started, said: guest.Reports, ended: str) -> str:
    """In words: what is wrong, or where it stands."""
    troubles = [f"unit failed {name}" for name in said.failed_units]
    if said.boot is BootState.FAILED:
        troubles.insert(0, f"boot work failed (exit {said.boot_code})")
    if ended:
        last = guest.last_words(files.directory / started.console)
        troubles.insert(0, f"{ended} ended; its last words: {last or 'none'}")
    return "; ".join(troubles) or said.last
