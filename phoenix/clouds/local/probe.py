"""Which machine engines work on this computer: each is tried for real, by a boot of seconds.

An answer is kept until the computer, its kernel or one of the programs is another, or it was started anew.

`/dev/kvm` may be there, open, and not work: a machine then hangs in early boot while QEMU says that it runs. So an
engine works only if a program in a machine of it has said so.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.clouds.api import Say
from phoenix.clouds.local import guest, light, remains
from phoenix.clouds.local.base import probe_kernel
from phoenix.clouds.local.image_files import ImageFiles
from phoenix.clouds.local.machine_files import MachineFiles, MachineSpec
from phoenix.errors import PhoenixError, RefusedError
from phoenix.model import Machine
from phoenix.spec.clouds import MachineEngine
from phoenix.tools import disk, qemu
from phoenix.tools.cache import cache_directory
from phoenix.tools.process import ProcessId, Running, boot_id, require, running
from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, wait_for

TRIAL = "trial-"
MARKER = "phoenix: this engine works"
KVM_DEADLINE, TCG_DEADLINE, LIGHT_DEADLINE = 10.0, 60.0, 20.0
"""Seconds; working ones need 1, 2 and 0.2 on a quiet host."""
INIT = f"""\
#!/bin/busybox sh
busybox mount -t devtmpfs dev /dev 2>/dev/null
if [ -d /run/phoenix-host ]; then
    echo '{MARKER}' > /run/phoenix-host/report.log
    exec busybox sleep 60
fi
echo '{MARKER}' > /dev/console
busybox reboot -f
"""
"""The first process of a machine on trial: of a virtual one, or of a light one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """What a trial of one machine engine said."""

    name: str
    """`qemu-kvm`, `light` or `qemu-tcg`: in the order of preference."""
    works: bool
    detail: str
    remedy: str = ""
    certain: bool = True
    """False where it could not be tried: it counts as not working, and is tried again next time."""


def probe_engines(say: Say, *, fresh: bool = False) -> tuple[Engine, ...]:
    """Every engine, tried on this host with this kernel; certain answers are kept in the cache (not if `fresh`)."""
    kept = {} if fresh else _read()
    trials: dict[str, Callable[[], Engine]] = {"qemu-kvm": _try_kvm, "light": _try_light, "qemu-tcg": _try_tcg}
    found = []
    for name, trial in trials.items():
        if name not in kept:
            say(f"trying the machine engine {name}")
        found.append(kept.get(name) or trial())
    _write([engine for engine in found if engine.certain])
    return tuple(found)


def choose_engine(wish: MachineEngine, say: Say = lambda _line: None) -> str:
    """The engine for machines of the local cloud: the wish where it works, else RefusedError saying what to do.

    `auto`: KVM where it is proven, else light machines, else emulated QEMU.
    """
    engines = probe_engines(say)
    wanted = {
        MachineEngine.AUTO: ("qemu-kvm", "light", "qemu-tcg"),
        MachineEngine.QEMU: ("qemu-kvm", "qemu-tcg"),
        MachineEngine.LIGHT: ("light",),
    }[wish]
    for engine in engines:
        if engine.name in wanted and engine.works:
            return engine.name
    tried = [engine for engine in engines if engine.name in wanted]
    raise RefusedError(
        f"no machine engine works here (machines: {wish})",
        details="\n".join(f"{engine.name}: {engine.detail}" for engine in tried),
        resolution="\n".join(dict.fromkeys(engine.remedy for engine in tried if engine.remedy)),
    )


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


def _try_kvm() -> Engine:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        there = "may not be opened by this user" if Path("/dev/kvm").exists() else "is not there"
        remedy = "Join the group kvm, or switch on virtualisation; without it machines are light or emulated."
        return Engine(name="qemu-kvm", works=False, detail=f"/dev/kvm {there}", remedy=remedy, certain=False)
    return _try_qemu("kvm", KVM_DEADLINE, "Nested virtualisation may be switched off; machines are light or emulated.")


def _try_tcg() -> Engine:
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


def _try_light() -> Engine:
    if os.geteuid() != 0:
        return Engine(
            name=light.NAME,
            works=False,
            detail="light machines need root",
            remedy="Run phoenix as root for light machines; without it machines are virtual.",
            certain=False,
        )
    begun = SystemClock().monotonic()
    remedy = "See what runc says; `machines: qemu` does without light machines."
    try:
        _start_light_trial()
    except RefusedError as error:
        return Engine(name=light.NAME, works=False, detail=str(error), remedy=remedy, certain=False)
    except PhoenixError as error:
        return Engine(name=light.NAME, works=False, detail=f"{error.brief}: {error.details}", remedy=remedy)
    seconds = SystemClock().monotonic() - begun
    return Engine(name=light.NAME, works=True, detail=f"a machine started in {seconds:.1f} s")


def _start_light_trial() -> None:
    """Start a real light machine whose tree is a busybox, in the cache (not in /tmp: that may be no place for one)."""
    root = Path(tempfile.mkdtemp(prefix=f"{TRIAL}{os.getpid()}-", dir=cache_directory()))
    files = _trial_machine(root)
    tree = root / "image" / "tree"
    for name in ("bin", "sbin", "proc", "dev", "sys", "run", "tmp"):
        (tree / name).mkdir(parents=True)
    shutil.copyfile(require("busybox", "busybox-static"), tree / "bin/busybox")
    (tree / "sbin/init").write_text(INIT)
    for program in (tree / "bin/busybox", tree / "sbin/init"):
        program.chmod(0o755)
    files.directory.mkdir(parents=True)
    spec = MachineSpec(image=ImageFiles(directory=root / "image"), machine=Machine(), port=80, user_data="")
    try:
        started = light.start(spec, files)
        wait_for(
            "the trial of a light machine",
            lambda: _look_at_report(files.directory / started.report),
            clock=SystemClock(),
            deadline=LIGHT_DEADLINE,
            interval=0.02,
        )
    finally:
        remains.end(files)
        shutil.rmtree(root)


def _trial_machine(root: Path) -> MachineFiles:
    return MachineFiles(root=root, group="trial-v001", name="trial-v001-1")


def _look_at_report(report: Path) -> Look:
    said = guest.lines(report)
    return Look(verdict=Verdict.PASS if MARKER in said else Verdict.UNKNOWN, seen=" ".join(said) or "nothing said")


def _file() -> Path:
    programs = "".join(_stamp(program) for program in ("qemu-system-x86_64", "runc", "slirp4netns"))
    host = f"{platform.node()} {platform.release()} {boot_id()} {os.geteuid()} {programs}"
    return cache_directory() / f"engines-{hashlib.sha256(host.encode()).hexdigest()[:12]}.json"


def _stamp(program: str) -> str:
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    return f" {path} {Path(path).stat().st_mtime}" if path else ""


def _read() -> dict[str, Engine]:
    try:
        return {fields["name"]: Engine(**fields) for fields in json.loads(_file().read_text())}
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return {}


def _write(engines: list[Engine]) -> None:
    file = _file()
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.write_text(json.dumps([asdict(engine) for engine in engines], indent=1))
    unfinished.replace(file)
