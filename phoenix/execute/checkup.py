"""What `phoenix doctor` looks at: tools, rights, room, mirror, machine engines. Looks only; changes nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from phoenix.model import CloudKind
from phoenix.spec.clouds import CloudSpec, LocalCloud, MachineEngine
from phoenix.spec.mirror import configured_mirror
from phoenix.tools import toolbox

ROOM = 4 * 1024**3
"""Bytes that images and machines of a small project take."""
TUN = Path("/dev/net/tun")
MEMORY = 2 * 1024**3
"""Bytes of memory that two small machines and a bake take."""


class State(StrEnum):
    """What a finding amounts to."""

    FINE = "ok"
    NOTE = "note"
    """Works, or is not needed here; good to know."""
    LACK = "lack"
    """Something that is needed does not work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing looked at. `remedy` is empty where nothing is to be done."""

    state: State
    subject: str
    found: str
    remedy: str = ""


class Engine(Protocol):
    """A machine engine that was tried, as the local cloud tells it."""

    @property
    def name(self) -> str:
        """`qemu-kvm`, `qemu-tcg` or `light`."""
        ...

    @property
    def works(self) -> bool:
        """Whether a machine started."""
        ...

    @property
    def detail(self) -> str:
        """What was seen, in words."""
        ...

    @property
    def remedy(self) -> str:
        """What to do where it does not work."""
        ...

    @property
    def certain(self) -> bool:
        """Whether that was tried; not so before the first bake."""
        ...


def tools(kinds: frozenset[CloudKind]) -> Iterator[Finding]:
    """Every program that clouds of these kinds need, with the version it tells."""
    for tool in toolbox.TOOLBOX:
        if not kinds.intersection(tool.kinds):
            continue
        path = toolbox.find(tool)
        if path is not None:
            found = toolbox.version(tool, path) or path
            yield Finding(state=State.FINE, subject=tool.program, found=found)
            continue
        needed = not tool.instead and not (tool.program == "newuidmap" and os.geteuid() == 0)
        remedy = f"apt-get install {tool.package}" + (f", or {tool.instead}" if tool.instead else "")
        state = State.LACK if needed else State.NOTE
        yield Finding(state=state, subject=tool.program, found=f"missing: {tool.purpose}", remedy=remedy)


def local_clouds(
    clouds: tuple[CloudSpec, ...],
    kinds: frozenset[CloudKind],
    suites: frozenset[str],
    tried: Callable[[], Iterable[Engine]],
) -> Iterator[Finding]:
    """What this machine has for the local clouds: room, memory, their mirrors, the engines that run machines.

    `suites` are the distribution's suites that images start from; `tried` tries the machine engines.
    """
    if CloudKind.LOCAL not in kinds:
        return
    local = [cloud for cloud in clouds if isinstance(cloud, LocalCloud)]
    yield _room({_existing(cloud.images) for cloud in local} or {Path.cwd()})
    yield _memory()
    yield _tun()
    for address in sorted({cloud.mirror for cloud in local} or {configured_mirror()}):
        yield from (mirror(address, suite) for suite in sorted(suites))
    yield from engines(tried(), {cloud.machines for cloud in local})


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
