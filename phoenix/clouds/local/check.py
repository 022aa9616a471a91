"""What this computer has for the local cloud: room, memory, network, mirror, engines. Looks only; changes nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix.clouds.local.bake.mirror import configured_mirror, mirror_of
from phoenix.manner import Finding, State
from phoenix.spec.clouds import LocalCloud, MachineEngine

if TYPE_CHECKING:
    from phoenix.clouds.local.machines.engines import Engine

ROOM = 4 * 1024**3
"""Bytes that images and machines of a small project take."""
TUN = Path("/dev/net/tun")
MEMORY = 2 * 1024**3
"""Bytes of memory that two small machines and a bake take."""


def local_clouds(
    local: tuple[LocalCloud, ...], suites: frozenset[str], say: Callable[[str], None]
) -> Iterator[Finding]:
    """Room, memory, the mirrors of `local`, the engines that run machines.

    `suites` are the distribution's suites that images start from; without a cloud it is what one would have.
    """
    yield _room({_existing(cloud.images) for cloud in local} or {Path.cwd()})
    yield _memory()
    yield _tun()
    for address in sorted({mirror_of(cloud) for cloud in local} or {configured_mirror()}):
        yield from (mirror(address, suite) for suite in sorted(suites))
    from phoenix.clouds.local.machines.probe import probe_engines

    yield from engines(probe_engines(say), {cloud.machines for cloud in local})
    yield light_machines()


def light_machines() -> Finding:
    """For how many light machines the kernel's limits leave room."""
    from phoenix.clouds.local.machines import limits

    least = limits.measured()[0]
    found, remedy = limits.told(least), f"{least.raised(limits.GOOD)}, and in /etc/sysctl.d for the next start"
    if least.room >= limits.GOOD:
        return Finding(state=State.FINE, subject="limits", found=found)
    return Finding(state=State.NOTE if least.room else State.LACK, subject="limits", found=found, remedy=remedy)


def _existing(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())


def _room(places: set[Path]) -> Finding:
    free = min(shutil.disk_usage(place).free for place in places)
    where = ", ".join(sorted(map(str, places)))
    found = f"{free / 1024**3:.1f} GiB free in {where}"
    if free >= ROOM:
        return Finding(state=State.FINE, subject="disk", found=found)
    return Finding(state=State.LACK, subject="disk", found=found, remedy=f"make room: {ROOM // 1024**3} GiB are needed")


def _memory() -> Finding:
    lines = Path("/proc/meminfo").read_text().splitlines()
    available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    found = f"{available / 1024**3:.1f} GiB available"
    if available >= MEMORY:
        return Finding(state=State.FINE, subject="memory", found=found)
    return Finding(
        state=State.NOTE, subject="memory", found=found, remedy=f"{MEMORY // 1024**3} GiB are good for two machines"
    )


def _tun() -> Finding:
    """What slirp4netns makes a network with, for bakes and light machines."""
    if os.access(TUN, os.R_OK | os.W_OK):
        return Finding(state=State.FINE, subject="network", found=f"{TUN} can be opened")
    if TUN.exists():
        found, remedy = f"{TUN} may not be opened by this user", f"chmod 666 {TUN}, as udev makes it"
    else:
        found, remedy = f"{TUN} is not there", "modprobe tun"
    return Finding(state=State.LACK, subject="network", found=found, remedy=remedy)


def mirror(address: str, suite: str) -> Finding:
    """Whether a mirror answers, and has the suite that images start from."""
    remedy = "name one that answers: clouds: {local: {kind: local, mirror: http://HOST/debian}}"
    file = f"dists/{suite}/InRelease"
    if address.startswith("file://"):
        if Path(address.removeprefix("file://"), file).is_file():
            return Finding(state=State.FINE, subject="mirror", found=f"{address} has {suite}")
        return Finding(state=State.LACK, subject="mirror", found=f"{address} has no {file}", remedy=remedy)
    import httpx  # dear to load, and only a mirror on the network needs it

    try:
        answer = httpx.head(f"{address}/{file}", timeout=15, follow_redirects=True)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        return Finding(state=State.LACK, subject="mirror", found=f"{address}: {error}".splitlines()[0], remedy=remedy)
    return Finding(state=State.FINE, subject="mirror", found=f"{address} has {suite}")


def engines(tried: Iterable[Engine], wanted: set[MachineEngine]) -> Iterator[Finding]:
    """What trials of the machine engines amount to, for clouds whose `machines` are `wanted`.

    QEMU has to work by one of its accelerators, as it verifies every image; light machines only where asked for.
    Light machines without a fence work, and are worth a note.
    """
    tried = tuple(tried)
    qemu = any(engine.works for engine in tried if engine.name.startswith("qemu"))
    light = any(engine.works for engine in tried if engine.name.startswith("light"))
    for engine in tried:
        subject, found = f"engine {engine.name}", engine.detail
        if engine.works and not engine.remedy:
            yield Finding(state=State.FINE, subject=subject, found=found)
            continue
        lack = not qemu if engine.name.startswith("qemu") else MachineEngine.LIGHT in wanted and not light
        lack = lack and engine.certain  # what could not be tried yet (before the first bake) is no lack
        yield Finding(state=State.LACK if lack else State.NOTE, subject=subject, found=found, remedy=engine.remedy)
