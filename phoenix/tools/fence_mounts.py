"""The mounts of a fence: what is seen inside the tree, and what is left to the program beside it.

A tree was made by whoever baked it, so before it is the root of all that is seen no path goes through it: what is
mounted then is mounted on its first level, where there are no links.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from phoenix.tools import gateway, idmapped, overlay
from phoenix.tools.mounts import (
    BIND,
    DEVICELESS,
    NO_DEVICES,
    NO_PROGRAMS,
    NO_SETUID,
    READ_ONLY,
    RECURSIVE,
    bind,
    mount,
    move_root,
    set_attributes,
    unmount,
)

NODES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
RESOLVER = Path("/etc/resolv.conf")
APT = Path("/run/phoenix-apt")
LENT = {"archives": Path("/var/cache/apt/archives"), "lists": Path("/var/lib/apt/lists")}
"""Packages and indexes that earlier bakes fetched, and where apt looks for them."""
HIDDEN = (Path("/run"), Path("/tmp"), Path("/var/tmp"))
"""Where this computer's programs keep sockets: one is connected to whether its file can be written or not."""


def make_scaffold(scaffold: Path) -> None:
    """A place for mounts, of this mount namespace alone."""
    mount("scaffold", str(scaffold), "tmpfs", "mode=755", NO_DEVICES | NO_SETUID)


def make_own_root(scaffold: Path, lower: Path, layers: Path) -> None:
    """As `idmapped.make_root`, by an ordinary user in a user namespace: owners are what they are there."""
    make_scaffold(scaffold)
    root = scaffold / idmapped.ROOT
    root.mkdir()
    options = overlay.options(lower, layers / "upper", layers / "work", root=False)
    mount("overlay", str(root), "overlay", options)


def lend(scaffold: Path, apt: Path) -> None:
    """Have `archives` and `lists` of the directory `apt` where apt inside looks for them."""
    (scaffold / "apt").mkdir()
    bind(apt, scaffold / "apt")


def move_in(scaffold: Path) -> None:
    """Make the tree at `scaffold`/root look alive, and the root of all that this process sees."""
    os.umask(0o022)
    root, names = scaffold / idmapped.ROOT, resolver()
    bind(root, root)  # a mount of this namespace's own: one that came from another cannot become the root
    for name in ("proc", "dev", "run", "tmp"):
        if not stat.S_ISDIR((root / name).lstat().st_mode):
            raise OSError(f"/{name} of the tree is no directory")
    mount("proc", str(root / "proc"), "proc", flags=NO_SETUID | NO_DEVICES | NO_PROGRAMS)
    bind(root / "proc/sys", root / "proc/sys")  # a playbook's sysctl belongs to the image, not to this kernel
    set_attributes(root / "proc/sys", add=READ_ONLY)
    make_devices(root / "dev")
    mount("run", str(root / "run"), "tmpfs", "mode=755", NO_SETUID | NO_DEVICES)
    mount("tmp", str(root / "tmp"), "tmpfs", "mode=1777", NO_SETUID | NO_DEVICES)
    lent = root / APT.relative_to("/")
    lent.mkdir()
    bind(scaffold / "apt", lent)
    move_root(root)
    _settle(names)


def _settle(names: str) -> None:
    """What is done where every path is the tree's own: locks, the way to names, what is lent to apt."""
    Path("/run/lock").mkdir()
    Path("/run/lock").chmod(0o1777)
    if RESOLVER.is_file() and not RESOLVER.is_symlink():
        own = Path("/run/phoenix-resolv.conf")
        own.write_text(names)
        bind(own, RESOLVER)
    for name, target in LENT.items():
        _empty(target)
        if name == "lists":
            os.utime(target, (0, 0))  # below the mount it has no date, so that a machine fetches before it installs
        bind(APT / name, target)
    unmount(str(APT))


def close_files(
    scaffold: Path, writable: tuple[Path, ...], readable: tuple[Path, ...], devices: tuple[str, ...]
) -> None:
    """From now on this process writes no file but those below `writable`, uses no disk, and finds no socket.

    Of the directories that hold sockets it sees `writable` and `readable` only. It is in a mount namespace of its own.
    """
    names, resolved = resolver(), RESOLVER.resolve()
    set_attributes(Path("/"), add=READ_ONLY | DEVICELESS, below=True)
    set_attributes(scaffold, clear=READ_ONLY)
    (scaffold / "resolv.conf").write_text(names)
    (scaffold / "dev").mkdir()
    make_devices(scaffold / "dev", *(node for node in devices if Path("/dev", node).exists()))
    mount(str(scaffold / "dev"), "/dev", "none", flags=BIND | RECURSIVE)
    for place in HIDDEN:
        _hide(place, scaffold / "hidden", _outermost((*readable, *writable)))
    for path in _outermost(writable):
        bind(path, path)
        set_attributes(path, clear=READ_ONLY)
    if any(resolved.is_relative_to(place) for place in HIDDEN):  # under systemd-resolved it is a link into /run
        resolved.parent.mkdir(parents=True, exist_ok=True)
        resolved.touch()
    if resolved.exists():
        bind(scaffold / "resolv.conf", resolved)
    set_attributes(scaffold, add=READ_ONLY)


def _hide(place: Path, former: Path, kept: tuple[Path, ...]) -> None:
    """Cover `place` by an empty directory in which only what is `kept` is to be seen."""
    if not place.is_dir() or place.is_symlink():
        return
    former.mkdir(exist_ok=True)
    mount(str(place), str(former), "none", flags=BIND | RECURSIVE)
    mount("hidden", str(place), "tmpfs", "mode=1777", NO_SETUID | NO_DEVICES)
    seen = [path for path in kept if path.is_relative_to(place) and (former / path.relative_to(place)).is_dir()]
    for path in seen:
        path.mkdir(parents=True, exist_ok=True)
        mount(str(former / path.relative_to(place)), str(path), "none", flags=BIND | RECURSIVE)
    unmount(str(former))


def _outermost(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Without those that are in others of them, and each once."""
    return tuple(path for path in dict.fromkeys(paths) if not any(other in path.parents for other in paths))


def make_devices(target: Path, *more: str) -> None:
    """Mount a /dev with what every program expects there, and no disk."""
    mount("dev", str(target), "tmpfs", "mode=755", NO_SETUID)
    for node in (*NODES, *more):
        (target / node).touch()
        bind(Path("/dev", node), target / node)
        set_attributes(target / node, clear=DEVICELESS)
    for name, to in LINKS.items():
        (target / name).symlink_to(to)
    for name in ("shm", "pts"):
        (target / name).mkdir()
    mount("shm", str(target / "shm"), "tmpfs", "mode=1777", NO_SETUID | NO_DEVICES)
    options = "newinstance,ptmxmode=666,mode=620,gid=5"
    mount("devpts", str(target / "pts"), "devpts", options, NO_SETUID | NO_PROGRAMS)


def resolver() -> str:
    """This computer's way to names, as it is from behind slirp4netns."""
    lines = RESOLVER.read_text(errors="replace").splitlines() if RESOLVER.is_file() else []
    others = [line for line in lines if not line.startswith(("nameserver", "#", ";"))]
    return "\n".join((*others, f"nameserver {gateway.NAMES}", ""))


def _empty(directory: Path) -> None:
    """Remove what is in the directory; make it where it is not there."""
    directory.mkdir(parents=True, exist_ok=True)
    for entry in os.scandir(directory):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()
