"""Which machine engines work on this computer: each is tried for real, by a boot of seconds.

An answer is kept until the computer, its kernel or one of the programs is another, or it was started anew.

`/dev/kvm` may be there, open, and not work: a machine then hangs in early boot while QEMU says that it runs. So an
engine works only if a program in a machine of it has said so.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from phoenix.clouds.local.machines import answers
from phoenix.clouds.local.machines.engines import LIGHT, OPEN, Engine
from phoenix.errors import RefusedError
from phoenix.spec.clouds import MachineEngine

if TYPE_CHECKING:
    from phoenix.clouds.api import Say

ENGINES = ("qemu-kvm", LIGHT, "qemu-tcg")
"""In the order of preference. Light machines without a fence come where those with one do not work."""


def probe_engines(say: Say, *, fresh: bool = False) -> tuple[Engine, ...]:
    """Every engine, tried on this host with this kernel; certain answers are kept in the cache (not if `fresh`)."""
    kept = {} if fresh else answers.read()
    found = [kept.get(name) or _tried(name, say) for name in ENGINES]
    if not found[1].works and found[1].certain:
        found.insert(2, kept.get(OPEN) or _tried(OPEN, say))
    answers.write([engine for engine in found if engine.certain])
    return tuple(found)


def fenced(say: Say) -> bool:
    """Whether a light machine runs here and is fenced; no other engine is tried for it. Root is told why not.

    RefusedError where the trial could not tell: a builder that changes by the hour would change every image's key.
    """
    kept = answers.read()
    engine = kept.get(LIGHT) or _tried(LIGHT, say)
    if engine.certain and LIGHT not in kept:
        answers.write({**kept, LIGHT: engine}.values())
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
    from phoenix.clouds.local.machines import light_trial, virtual_trial  # an answer that is kept needs no trial

    say(f"trying the machine engine {name}")
    match name:
        case "qemu-kvm":
            return virtual_trial.kvm()
        case "qemu-tcg":
            return virtual_trial.tcg()
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
        MachineEngine.LIGHT: (LIGHT, OPEN),
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
