"""A light machine on trial: whether one starts here, and whether its root can get at this computer.

Its first process tries what a machine that was broken into would: the kernel's settings and the services on the
loopback interface. Where the kernel cannot fence a machine, that is told, with what is open. The tests try many ways
more (tests/support/real/ways_out.py); here it is seen that the kernel does what they rely on.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import tempfile
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.clouds.local.bake import trees
from phoenix.clouds.local.image_files import ImageFiles
from phoenix.clouds.local.machines import engines, guest, light, remains
from phoenix.clouds.local.machines import lifecycle as machines
from phoenix.clouds.local.machines.engines import INIT, MARKER, NO_WAY_BACK, WAY, Engine
from phoenix.clouds.local.machines.machine_files import MachineFiles, MachineSpec
from phoenix.errors import PhoenixError, RefusedError, ToolError
from phoenix.model import Machine
from phoenix.tools.cache import cache_directory
from phoenix.tools.process import ProcessId, require
from phoenix.wait import DeadlineError, Look, Verdict, wait_for

TRIAL = "trial-"
DEADLINE = 20.0
"""Seconds; it takes 0.2 on a quiet computer."""
PASSING = frozenset(
    {errno.EAGAIN, errno.EBUSY, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC}
)
"""What the kernel says where something has run out: it says nothing of another time."""
AGAIN = "Try again when the computer has time and room."
REMEDY = "See what runc says; `machines: qemu` does without light machines."
OPEN_REMEDY = "Use a newer kernel, or `machines: qemu`; `machines: light` runs only what you trust."
KERNEL = "a fence needs Linux 5.19 or newer (overlays of idmapped layers)"


def attempt(name: str) -> Engine:
    """Start a machine of the engine `name`, fenced or open, and hear what it finds."""
    if os.geteuid() != 0:
        remedy = "Run phoenix as root for light machines; without it machines are virtual."
        return Engine(name=name, works=False, detail="light machines need root", remedy=remedy, certain=False)
    begun = SystemClock().monotonic()
    try:
        ways = _ways_out(name)
    except (OSError, PhoenixError) as raised:
        return failed(name, raised)
    detail = f"a machine started in {SystemClock().monotonic() - begun:.1f} s"
    if not ways and name == engines.LIGHT:
        return Engine(name=name, works=True, detail=f"{detail}, and its root is nobody on this computer")
    reached = f"its root reaches this computer: {', '.join(ways) or 'as root, held back by namespaces only'}; {KERNEL}"
    return Engine(name=name, works=name == engines.OPEN, detail=f"{detail}, but {reached}", remedy=OPEN_REMEDY)


def failed(name: str, raised: OSError | PhoenixError) -> Engine:
    """What a trial of the engine `name` amounts to that ended with `raised`: it does not work, or nobody knows."""
    if isinstance(raised, RefusedError):
        return Engine(name=name, works=False, detail=str(raised), remedy=REMEDY, certain=False)
    told = raised if isinstance(raised, PhoenixError) else ToolError("it cannot be tried", details=str(raised))
    detail = f"{told.brief}: {told.details}"
    cause = told.__cause__
    if isinstance(raised, OSError | DeadlineError) or (isinstance(cause, OSError) and cause.errno in PASSING):
        return Engine(name=name, works=False, detail=detail, remedy=AGAIN, certain=False, unknown=True)
    hint = f"; {KERNEL}" if name == engines.LIGHT else ""
    return Engine(name=name, works=False, detail=f"{detail}{hint}", remedy=REMEDY)


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
    with socket.create_server(("127.0.0.1", 0)) as given, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [service.getsockname()[1] for service in (given, other)]
        spec = MachineSpec(
            image=ImageFiles(directory=root / "image"),
            machine=Machine(),
            port=80,
            user_data="{} {}\n".format(*ports),
            reach=(ports[0],),
        )
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
            said = guest.lines(report)
        finally:
            machines.remove(files)
            trees.remove(root)
    if NO_WAY_BACK in said:
        raise ToolError("a machine cannot reach what it is given", details="no way back to a port of this computer")
    return tuple(dict.fromkeys(line.removeprefix(WAY) for line in said if line.startswith(WAY)))


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
