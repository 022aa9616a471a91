"""A virtual machine on trial: whether QEMU boots one here, with KVM or without."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.clouds.local.bake.base import probe_kernel
from phoenix.clouds.local.machines import guest
from phoenix.clouds.local.machines.engines import MARKER, Engine
from phoenix.errors import PhoenixError
from phoenix.tools import disk, qemu
from phoenix.tools.process import Running, running
from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, wait_for

KVM_DEADLINE, TCG_DEADLINE = 10.0, 60.0
"""Seconds; working ones need 1 and 2 on a quiet computer."""
INIT = f"""\
#!/bin/busybox sh
busybox mount -t devtmpfs dev /dev
echo '{MARKER}' > /dev/console
busybox reboot -f
"""
"""The first process of a virtual machine on trial."""


def kvm() -> Engine:
    """The engine `qemu-kvm`, tried by a boot."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        there = "may not be opened by this user" if Path("/dev/kvm").exists() else "is not there"
        remedy = "Join the group kvm, or switch on virtualisation; without it machines are light or emulated."
        return Engine(name="qemu-kvm", works=False, detail=f"/dev/kvm {there}", remedy=remedy, certain=False)
    return _try_qemu("kvm", KVM_DEADLINE, "Nested virtualisation may be switched off; machines are light or emulated.")


def tcg() -> Engine:
    """The engine `qemu-tcg`, tried by a boot."""
    return _try_qemu("tcg", TCG_DEADLINE, "Install qemu-system-x86 (`make setup`); see what QEMU says.")


def _try_qemu(accelerator: str, deadline: float, remedy: str) -> Engine:
    name = f"qemu-{accelerator}"
    kernel = probe_kernel()
    if kernel is None:
        detail = "no kernel to try it with: neither this host nor a base has one that can be read"
        return Engine(name=name, works=False, detail=detail, remedy="Bake an image first.", certain=False)
    begun = SystemClock().monotonic()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            _boot_trial(Path(scratch), kernel, accelerator, deadline)
    except (DeadlineError, HopelessError) as error:
        return Engine(name=name, works=False, detail=f"{error.brief}: {error.details}", remedy=remedy)
    except PhoenixError as error:
        return Engine(name=name, works=False, detail=str(error), remedy=remedy, certain=False)
    seconds = SystemClock().monotonic() - begun
    return Engine(name=name, works=True, detail=f"a machine booted in {seconds:.1f} s")


def _boot_trial(directory: Path, kernel: Path, accelerator: str, deadline: float) -> None:
    initrd, serial, log = directory / "initrd", directory / "serial", directory / "qemu.log"
    disk.write_small_initrd(initrd, INIT)
    command = qemu.trial_command(kernel=kernel, initrd=initrd, accelerator=accelerator, serial=serial)
    with running(command, log=log) as process:
        wait_for(
            f"the trial of {accelerator}",
            lambda: _look_at_serial(serial, log, process),
            clock=SystemClock(),
            deadline=deadline,
            interval=0.05,
        )


def _look_at_serial(serial: Path, log: Path, process: Running) -> Look:
    ended = process.code() is not None
    if MARKER in guest.tail(serial, 100):
        return Look(verdict=Verdict.PASS, seen=MARKER)
    if ended:
        return Look(verdict=Verdict.FAIL, seen=guest.tail(log, 3) or "QEMU ended")
    return Look(verdict=Verdict.UNKNOWN, seen=guest.tail(serial, 1) or "the machine printed nothing")
