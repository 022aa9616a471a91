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
from dataclasses import asdict
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.clouds.api import Say
from phoenix.clouds.local.bake.base import probe_kernel
from phoenix.clouds.local.machines import guest, light, light_trial
from phoenix.clouds.local.machines.engines import MARKER, Engine
from phoenix.errors import PhoenixError, RefusedError
from phoenix.spec.clouds import MachineEngine
from phoenix.tools import disk, qemu
from phoenix.tools.cache import cache_directory
from phoenix.tools.process import Running, boot_id, running
from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, wait_for

ENGINES = ("qemu-kvm", light.NAME, "qemu-tcg")
"""In the order of preference. Light machines without a fence come where those with one do not work."""
KVM_DEADLINE, TCG_DEADLINE = 10.0, 60.0
"""Seconds; working ones need 1 and 2 on a quiet computer."""
INIT = f"""\
#!/bin/busybox sh
busybox mount -t devtmpfs dev /dev
echo '{MARKER}' > /dev/console
busybox reboot -f
"""
"""The first process of a virtual machine on trial."""


def probe_engines(say: Say, *, fresh: bool = False) -> tuple[Engine, ...]:
    """Every engine, tried on this host with this kernel; certain answers are kept in the cache (not if `fresh`)."""
    kept = {} if fresh else _read()
    found = [kept.get(name) or _tried(name, say) for name in ENGINES]
    if not found[1].works and found[1].certain:
        found.insert(2, kept.get(light.OPEN) or _tried(light.OPEN, say))
    _write([engine for engine in found if engine.certain])
    return tuple(found)


def fenced(say: Say) -> bool:
    """Whether a light machine runs here and is fenced; no other engine is tried for it. Root is told why not.

    RefusedError where the trial could not tell: a builder that changes by the hour would change every image's key.
    """
    kept = _read()
    engine = kept.get(light.NAME) or _tried(light.NAME, say)
    if engine.certain:
        _write(list({**kept, light.NAME: engine}.values()))
    if engine.unknown:
        raise RefusedError(
            "nobody can tell whether light machines run here, so no builder was chosen",
            details=engine.detail,
            resolution="Try again, or name the builder: `--builder light` or `--builder chroot`.",
        )
    if not engine.works and os.geteuid() == 0:
        say(f"bakes without a light machine: {' '.join(engine.detail.split())}")
    return engine.works


def _tried(name: str, say: Say) -> Engine:
    say(f"trying the machine engine {name}")
    match name:
        case "qemu-kvm":
            return _try_kvm()
        case "qemu-tcg":
            return _try_tcg()
        case _:
            return light_trial.attempt(name)


def choose_engine(wish: MachineEngine, say: Say = lambda _line: None) -> str:
    """The engine for machines of the local cloud: the wish where it works, else RefusedError saying what to do.

    `auto`: KVM where it is proven, else light machines that are fenced, else emulated QEMU.
    """
    engines = probe_engines(say)
    wanted = {
        MachineEngine.AUTO: ("qemu-kvm", "light", "qemu-tcg"),
        MachineEngine.QEMU: ("qemu-kvm", "qemu-tcg"),
        MachineEngine.LIGHT: (light.NAME, light.OPEN),
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


def _file() -> Path:
    programs = "".join(_stamp(program) for program in ("qemu-system-x86_64", "runc", "slirp4netns", "busybox", "ip"))
    host = f"{platform.node()} {platform.release()} {boot_id()} {os.geteuid()} {programs} {light_trial.INIT}"
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
