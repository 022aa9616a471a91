"""Virtual machines: the image's disk under QEMU, with the image's own kernel; accelerated by KVM or emulated."""

from __future__ import annotations

import socket

from phoenix.clock import SystemClock
from phoenix.clouds.local.machines.machine_files import MachineFiles, MachineSpec, Started
from phoenix.errors import CloudError
from phoenix.tools import disk, qemu, seed
from phoenix.tools.process import ProcessId, spawn
from phoenix.wait import HopelessError, Look, Verdict, wait_for

ATTEMPTS = 5
"""Ports tried before a start is given up: between our look and QEMU's bind another program may take one."""
DEADLINE = 60.0
"""Seconds until QEMU answers that the machine runs; it takes 0.2 s on a quiet host."""
IN_USE = "Could not set up host forwarding rule"
"""What QEMU says where the port was taken meanwhile."""


def start(spec: MachineSpec, files: MachineFiles, accelerator: str) -> Started:
    """Start the machine; its directory is there and empty. What a failed start leaves is for `remains.end`."""
    directory, log = files.directory, files.directory / "qemu.log"
    seed.write_directory(directory / "seed", hostname=files.name, user_data=spec.user_data)
    seed.write_volume(directory / "seed", directory / "seed.iso", log=log)
    disk.make_overlay(spec.image.disk, directory / "disk.qcow2", log=log)
    for _ in range(ATTEMPTS):
        port = free_port()
        vm = qemu.VirtualMachine(
            directory=directory,
            kernel=spec.image.kernel,
            initrd=spec.image.initrd,
            disk=directory / "disk.qcow2",
            seed=directory / "seed.iso",
            machine=spec.machine,
            accelerator=accelerator,
            forwards=((port, spec.port),),
        )
        process = _run(vm, files)
        if process is not None:
            return Started(
                engine=f"qemu-{accelerator}",
                port=port,
                processes={"machine": process},
                console=vm.console.name,
                report=vm.report.name,
            )
    raise CloudError(
        f"no free port was found for {files.name}",
        details=f"{ATTEMPTS} ports were taken by others between our look and QEMU's; see {log}",
        resolution="Try again.",
    )


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _run(vm: qemu.VirtualMachine, files: MachineFiles) -> ProcessId | None:
    """Start QEMU and hear that the machine runs; None where its port was taken meanwhile."""
    log = files.directory / "qemu.log"
    log.unlink(missing_ok=True)
    process = ProcessId.of(spawn(qemu.build_command(vm, files.tag), log=log))

    def look() -> Look:
        if process is None or not process.alive:
            return Look(verdict=Verdict.FAIL, seen=log.read_text(errors="replace").strip() or "it ended at once")
        status = qemu.status(vm)
        return Look(verdict=Verdict.PASS if status == "running" else Verdict.UNKNOWN, seen=status or "no answer yet")

    try:
        wait_for(f"the start of {files.name}", look, clock=SystemClock(), deadline=DEADLINE, interval=0.02)
    except HopelessError as error:
        if IN_USE in error.details:
            return None
        raise CloudError(
            f"the machine {files.name} could not be started",
            details=error.details,
            resolution="`phoenix doctor` tells which machine engines work here.",
        ) from error
    return process
