"""A light machine on trial: whether one starts here, and whether its root can get at this computer.

Its first process tries what a machine that was broken into would: the kernel's settings, the disks, the services on
the loopback interface. Where the kernel cannot fence a machine, that is told, with what is open.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.clouds.local import guest, light, remains
from phoenix.clouds.local.image_files import ImageFiles
from phoenix.clouds.local.machine_files import MARKER, Engine, MachineFiles, MachineSpec
from phoenix.errors import PhoenixError, RefusedError
from phoenix.model import Machine
from phoenix.tools.cache import cache_directory
from phoenix.tools.process import ProcessId, require
from phoenix.wait import Look, Verdict, wait_for

TRIAL = "trial-"
DEADLINE = 20.0
"""Seconds; it takes 0.2 on a quiet computer."""
REMEDY = "See what runc says; `machines: qemu` does without light machines."
OPEN_REMEDY = "Use a newer kernel, or `machines: qemu`; `machines: light` runs only what you trust."
KERNEL = "a fence needs Linux 5.19 or newer (overlays of idmapped layers)"
WAY = "way out: "
INIT = f"""\
#!/bin/busybox sh
report() {{ echo "$1" >> /run/phoenix-host/report.log; }}
busybox mkdir /tmp/proc
busybox mount -t proc proc /tmp/proc
for settings in /proc/sys /tmp/proc/sys; do
    value=$(busybox cat $settings/vm/swappiness)
    {{ echo "$value" > $settings/vm/swappiness; }} 2> /dev/null && report '{WAY}its kernel settings'
done
busybox nc -w 1 10.0.2.2 "$(busybox cat /run/phoenix-host/seed/user-data)" < /dev/null && report '{WAY}its loopback'
report '{MARKER}'
exec busybox sleep 60
"""
"""The first process of the machine: tries ways to the computer, and tells of each that is open."""


def attempt(name: str) -> Engine:
    """Start a machine of the engine `name`, fenced or open, and hear what it finds."""
    if os.geteuid() != 0:
        remedy = "Run phoenix as root for light machines; without it machines are virtual."
        return Engine(name=name, works=False, detail="light machines need root", remedy=remedy, certain=False)
    begun = SystemClock().monotonic()
    try:
        ways = _ways_out(name)
    except RefusedError as error:
        return Engine(name=name, works=False, detail=str(error), remedy=REMEDY, certain=False)
    except PhoenixError as error:
        hint = f"; {KERNEL}" if name == light.NAME else ""
        return Engine(name=name, works=False, detail=f"{error.brief}: {error.details}{hint}", remedy=REMEDY)
    detail = f"a machine started in {SystemClock().monotonic() - begun:.1f} s"
    if not ways:
        return Engine(name=name, works=True, detail=f"{detail}, and its root is nobody on this computer")
    reached = f"its root reaches this computer: {', '.join(ways)}; {KERNEL}"
    return Engine(name=name, works=name == light.OPEN, detail=f"{detail}, but {reached}", remedy=OPEN_REMEDY)


def sweep() -> tuple[str, ...]:
    """End and remove light machines of trials whose phoenix was killed; say what it was."""
    swept = []
    for root in cache_directory().glob(f"{TRIAL}*"):
        owner = root.name.removeprefix(TRIAL).partition("-")[0]
        if ProcessId.of(int(owner)) is None:
            remains.end(_trial_machine(root))
            shutil.rmtree(root, ignore_errors=True)
            swept.append(f"a trial machine that was broken off ({root})")
    return tuple(swept)


def _ways_out(name: str) -> tuple[str, ...]:
    """What of this computer the root of a light machine got at. Its tree is a busybox, in the cache: /tmp may be no
    place for a machine.
    """
    root = Path(tempfile.mkdtemp(prefix=f"{TRIAL}{os.getpid()}-", dir=cache_directory()))
    files = _trial_machine(root)
    _make_tree(root / "image" / "tree")
    files.directory.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as service:
        port = str(service.getsockname()[1])
        spec = MachineSpec(image=ImageFiles(directory=root / "image"), machine=Machine(), port=80, user_data=port)
        try:
            started = light.start(spec, files, name)
            report = files.directory / started.report
            wait_for(
                "the trial of a light machine",
                lambda: _look_at_report(report),
                clock=SystemClock(),
                deadline=DEADLINE,
                interval=0.02,
            )
            found = [line.removeprefix(WAY) for line in guest.lines(report) if line.startswith(WAY)]
        finally:
            remains.end(files)
            shutil.rmtree(root)
    return tuple(dict.fromkeys(found))


def _make_tree(tree: Path) -> None:
    for name in ("bin", "sbin", "proc", "dev", "sys", "run", "tmp"):
        (tree / name).mkdir(parents=True)
    shutil.copyfile(require("busybox", "busybox-static"), tree / "bin/busybox")
    (tree / "sbin/init").write_text(INIT)
    for program in (tree / "bin/busybox", tree / "sbin/init"):
        program.chmod(0o755)


def _trial_machine(root: Path) -> MachineFiles:
    return MachineFiles(root=root, group="trial-v001", name="trial-v001-1")


def _look_at_report(report: Path) -> Look:
    said = guest.lines(report)
    return Look(verdict=Verdict.PASS if MARKER in said else Verdict.UNKNOWN, seen=" ".join(said) or "nothing said")
