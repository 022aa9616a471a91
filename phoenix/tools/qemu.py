"""QEMU: the command line of one machine, tuned for a fast start.

Measured under emulation (process start to the first answer of a small app): q35, `-cpu qemu64`, no default
devices, no VGA, no option ROM on the network card, a kernel and a tiny initrd given directly; then a source of
random numbers (without it the first python waits for the kernel's own, 1 s and more) and the kernel options below
(another 0.9 s).
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from socket import SocketIO
from typing import Any

from phoenix.model import Machine
from phoenix.tools.process import Command, require

GUEST_ADDRESS = "10.0.2.15"
"""A machine's own address in QEMU's user network; the host is 10.0.2.2, names are answered by 10.0.2.3."""

ACCELERATOR = "kvm"
"""What QEMU wants of /dev, where it is there."""
CONTROL = "qmp.sock"
"""QEMU's control socket, in the machine's directory."""
KERNEL_OPTIONS = (
    *("console=ttyS0", "root=/dev/vda", "rw", "quiet", "systemd.show_status=no", "audit=0"),
    *("panic=-1", "systemd.crash_reboot=1"),  # with -no-reboot a machine that has crashed is a process that has ended
    *("cryptomgr.notests", "no_timer_check", "rcupdate.rcu_expedited=1"),
)
EMULATED_OPTIONS = ("mitigations=off",)
"""An emulated processor does not speculate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualMachine:
    """One machine. Everything it owns lies in `directory`, which its arguments name, so it can always be found."""

    directory: Path
    kernel: Path
    initrd: Path
    disk: Path
    """A qcow2 file of its own."""
    seed: Path
    """A volume labelled cidata."""
    machine: Machine
    accelerator: str
    """`kvm` or `tcg`."""
    forwards: tuple[tuple[int, int], ...] = ()
    """(loopback port of the host, port of the machine)."""

    @property
    def console(self) -> Path:
        """What the kernel and the journal print (the first serial port)."""
        return self.directory / "console.log"

    @property
    def report(self) -> Path:
        """What the machine tells the host (the second serial port)."""
        return self.directory / "report.log"


def build_command(vm: VirtualMachine, tag: Mapping[str, str]) -> Command:
    """The command that runs `vm` in the foreground; it ends when the machine stops, reboots or panics.

    `tag` goes into its environment, so that the process is found without any record.
    """
    forwards = "".join(f",hostfwd=tcp:127.0.0.1:{host}-:{guest}" for host, guest in vm.forwards)
    machine_id = hashlib.sha256(str(vm.directory).encode()).hexdigest()[:32]
    emulated = EMULATED_OPTIONS if vm.accelerator == "tcg" else ()
    append = " ".join((*KERNEL_OPTIONS, *emulated, f"systemd.machine_id={machine_id}"))
    return Command(
        argv=(
            require("qemu-system-x86_64", "qemu-system-x86"),
            *("-M", "q35", "-accel", vm.accelerator, "-cpu", _cpu(vm.accelerator)),
            *("-smp", str(vm.machine.cpus), "-m", f"{vm.machine.memory >> 20}M"),
            *("-nodefaults", "-vga", "none", "-display", "none", "-no-reboot"),
            *("-qmp", f"unix:{CONTROL},server=on,wait=off"),
            *("-serial", f"file:{vm.console}", "-serial", f"file:{vm.report}"),
            *("-kernel", str(vm.kernel), "-initrd", str(vm.initrd), "-append", append),
            *("-drive", f"id=disk,file={_escaped(vm.disk)},format=qcow2,if=none,cache=unsafe"),
            *("-device", "virtio-blk-pci,drive=disk"),
            *("-drive", f"id=seed,file={_escaped(vm.seed)},format=raw,if=none,readonly=on"),
            *("-device", "virtio-blk-pci,drive=seed"),
            *("-device", "virtio-rng-pci"),
            *("-netdev", f"user,id=net{forwards}", "-device", "virtio-net-pci,netdev=net,romfile="),
        ),
        cwd=vm.directory,
        environment=tag,
    )


def trial_command(*, kernel: Path, initrd: Path, accelerator: str, serial: Path) -> Command:
    """The command that boots a kernel with an initrd and nothing else; what it prints goes to the file `serial`."""
    return Command(
        argv=(
            require("qemu-system-x86_64", "qemu-system-x86"),
            *("-M", "q35", "-accel", accelerator, "-cpu", _cpu(accelerator), "-m", "256M"),
            *("-nodefaults", "-vga", "none", "-display", "none", "-no-reboot", "-serial", f"file:{serial}"),
            *("-kernel", str(kernel), "-initrd", str(initrd), "-append", "console=ttyS0 panic=-1"),
        )
    )


def status(vm: VirtualMachine) -> str | None:
    """What QEMU says of its machine (`running`, `paused` ...), or None while it does not answer.

    The answer comes from QEMU's main loop: whoever gets one knows that every device and port is set up.
    """
    handle = os.open(vm.directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(10)
            # through /proc, because a socket's path has at most 107 characters
            connection.connect(f"/proc/self/fd/{handle}/{CONTROL}")
            with connection.makefile("rwb", buffering=0) as channel:
                channel.readline()  # the greeting
                _ask(channel, "qmp_capabilities")
                return str(_ask(channel, "query-status")["status"])
    except (OSError, ValueError, KeyError):
        return None
    finally:
        os.close(handle)


def _cpu(accelerator: str) -> str:
    return "host" if accelerator == "kvm" else "qemu64"


def _ask(channel: SocketIO, command: str) -> dict[str, Any]:
    """Give one command; events that come in between are passed over."""
    channel.write(json.dumps({"execute": command}).encode() + b"\n")
    while True:
        answer = json.loads(channel.readline())
        if "return" in answer:
            value: dict[str, Any] = answer["return"]
            return value


def _escaped(path: Path) -> str:
    """A path inside a QEMU option list, where a comma ends a value unless doubled."""
    return str(path).replace(",", ",,")
