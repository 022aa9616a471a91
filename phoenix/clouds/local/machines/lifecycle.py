"""Machines of the local cloud, from start to end, whatever engine runs them; and one boot that is watched.

A machine is a directory, and everything that runs for it can be found by that directory's name (see `remains`), so
a phoenix that is killed at any moment leaves nothing that `create`, `delete` or `sweep` could not end.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from phoenix.clock import Clock, SystemClock
from phoenix.clouds.local.bake import trees
from phoenix.clouds.local.image_files import PRIVATE, ImageFiles
from phoenix.clouds.local.machines import engines, guest, light, remains, virtual
from phoenix.clouds.local.machines.machine_files import MachineFiles, MachineSpec, Started, write_record
from phoenix.errors import CloudError, ToolError
from phoenix.model import Machine
from phoenix.tools import disk, fence, qemu, seed
from phoenix.tools.fence import Fence
from phoenix.tools.process import Running, running
from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, retry_while_unknown, wait_for

REMOVAL = 10.0
"""Seconds for an ended machine's files to go."""


def start(spec: MachineSpec, files: MachineFiles, engine: str) -> Started:
    """Start a machine in a new directory and write it down. Where that fails nothing of it is left.

    Raises ToolError or CloudError with what its engine said.
    """
    remove(files)
    files.directory.parent.mkdir(parents=True, exist_ok=True)
    files.directory.mkdir(mode=PRIVATE)
    try:
        if engine in (engines.LIGHT, engines.OPEN):
            started = light.start(spec, files, engine)
        else:
            started = virtual.start(spec, files, engine.removeprefix("qemu-"))
        write_record(files, started)
    except BaseException:
        remove(files)
        raise
    return started


def remove(files: MachineFiles) -> None:
    """End the machine, in whatever state it is, and remove its directory; one that is not there is removed already.

    A container that is just being set up bears no mark for a moment and may write one more file: hence again.
    """

    def look() -> Look:
        remains.end(files)
        try:
            trees.remove(files.directory)
        except ToolError as error:
            return retry_while_unknown(error)
        return Look(verdict=Verdict.PASS, seen="")

    try:
        wait_for(f"the removal of {files.name}", look, clock=SystemClock(), deadline=REMOVAL, interval=0.1)
    except DeadlineError as error:
        raise CloudError(
            f"the files of the machine {files.name} cannot be removed",
            details=error.details,
            resolution=f"See what stands in the way in {files.directory}, then try again.",
        ) from error


def run_to_end(
    *,
    directory: Path,
    image: ImageFiles,
    user_data: str,
    last_line: str,
    machine: Machine,
    accelerator: str,
    deadline: float,
    clock: Clock,
    on_line: Callable[[str], None],
    between: Callable[[], None] = lambda: None,
) -> tuple[str, ...]:
    """Boot `image` (which stays as it is) once in QEMU, until the machine reports `last_line`; gives all reports.

    `directory` must be empty; `console.log`, `report.log` and `qemu.log` are left in it. The machine ends with
    this call, and with this process, however that ends. Its network is the world; of this computer's loopback interface
    it reaches nothing. Raises ToolError where the machine stops or reports a failed
    boot first, and after `deadline` seconds. `between` is called in every round of the wait.
    """
    vm = qemu.VirtualMachine(
        directory=directory,
        kernel=image.kernel,
        initrd=image.initrd,
        disk=directory / "disk.qcow2",
        seed=directory / "seed.iso",
        machine=machine,
        accelerator=accelerator,
    )
    log = directory / "qemu.log"
    seed.write_directory(directory / "seed", hostname="phoenix-trial", user_data=user_data)
    seed.write_volume(directory / "seed", vm.seed, log=log)
    disk.make_overlay(image.disk, vm.disk, log=log)
    heard: list[str] = []
    try:
        around = Fence(
            scratch=str(directory),
            writable=(str(directory),),
            readable=(str(image.directory),),
            devices=(qemu.ACCELERATOR,),
        )
        with running(fence.around(around, qemu.build_command(vm, {})), log=log) as process:
            wait_for(
                "the boot",
                lambda: _look(vm, process, heard, last_line, on_line),
                clock=clock,
                deadline=deadline,
                interval=0.1,
                between=between,
            )
    except (DeadlineError, HopelessError) as error:
        raise ToolError(
            "the image did not boot to its end",
            details=f"{error.brief}: {error.details}\n{guest.tail(vm.console, 15)}",
            resolution=f"Read the machine's console in {vm.console} and QEMU's own words in {log}.",
        ) from error
    finally:
        vm.disk.unlink(missing_ok=True)
        vm.seed.unlink(missing_ok=True)
    return tuple(heard)


def _look(
    vm: qemu.VirtualMachine, process: Running, heard: list[str], last_line: str, on_line: Callable[[str], None]
) -> Look:
    alive = process.code() is None  # before reading, so that the last words of a dying machine are not missed
    new = guest.lines(vm.report)[len(heard) :]
    for line in new:
        heard.append(line)
        on_line(line)
    seen = heard[-1] if heard else "nothing reported yet"
    if last_line in heard:
        return Look(verdict=Verdict.PASS, seen=seen)
    failed = next((line for line in heard if line.startswith("boot failed")), None)
    if failed or not alive:
        stopped = f"the machine stopped after: {seen}; its last words: {guest.last_words(vm.console) or 'none'}"
        return Look(verdict=Verdict.FAIL, seen=failed or stopped)
    return Look(verdict=Verdict.UNKNOWN, seen=seen)
