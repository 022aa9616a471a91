"""The mounts of a fence: what is seen inside the tree, and what the program beside it may still write.

A tree was made by whoever baked it, so before it is the root of all that is seen no path goes through it: what is
mounted then is mounted on its first level, where there are no links.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from phoenix.tools import idmapped, netns, overlay
from phoenix.tools.idmapped import MS_NODEV, MS_NOSUID, mount

MS_RDONLY, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC = 1, 8, 32, 4096, 16384
NODES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
NAMES = "10.0.2.3"
"""Where slirp4netns answers names."""
APT = "/run/phoenix-apt"
RESOLVER = Path("/etc/resolv.conf")
LENT = {"archives": Path("/var/cache/apt/archives"), "lists": Path("/var/lib/apt/lists")}
"""Packages and indexes that earlier bakes fetched, and where apt looks for them."""
WAIT = "while :; do sleep 3600 & wait $!; done"
"""What the first process inside does: it takes up the dead, and waits for the fence to end."""


def make_stage(stage: str) -> None:
    """A place for mounts, of this mount namespace alone."""
    mount("stage", stage, "tmpfs", "mode=755", MS_NODEV | MS_NOSUID)


def make_own_root(stage: str, lower: str, scratch: str) -> None:
    """As `idmapped.make_root`, by an ordinary user in a user namespace: owners are what they are there."""
    make_stage(stage)
    root = Path(stage, idmapped.ROOT)
    root.mkdir()
    options = overlay.options(Path(lower), Path(scratch, "upper"), Path(scratch, "work"), root=False)
    mount("overlay", str(root), "overlay", options)


def move_in(stage: str) -> None:
    """Make the tree at `stage`/root look alive, and the root of all that this process sees."""
    os.umask(0o022)
    root = Path(stage, idmapped.ROOT)
    names = resolver()
    mount(str(root), str(root), "none", flags=MS_BIND)  # one of this namespace's own: others may be no root of it
    _refuse_links(root, "proc", "dev", "run", "tmp")
    mount("proc", f"{root}/proc", "proc", flags=MS_NOSUID | MS_NODEV | MS_NOEXEC)
    bind(f"{root}/proc/sys", root / "proc/sys")  # a playbook's sysctl belongs to the image, not to this kernel
    idmapped.set_attributes(f"{root}/proc/sys", add=idmapped.MOUNT_ATTR_RDONLY)
    make_devices(root / "dev")
    mount("run", f"{root}/run", "tmpfs", "mode=755", MS_NOSUID | MS_NODEV)
    mount("tmp", f"{root}/tmp", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV)
    bind(f"{stage}/apt", root / APT.lstrip("/"))
    idmapped.pivot(str(root))
    _settle(names)


def _settle(names: str) -> None:
    """What is done where every path is the tree's own: locks, the way to names, what is lent to apt."""
    Path("/run/lock").mkdir()
    Path("/run/lock").chmod(0o1777)
    if RESOLVER.is_file() and not RESOLVER.is_symlink():
        own = Path("/run/phoenix-resolv.conf")
        own.write_text(names)
        mount(str(own), str(RESOLVER), "none", flags=MS_BIND)
    for name, target in LENT.items():
        _empty(target)
        if name == "lists":
            os.utime(target, (0, 0))  # below the mount it has no date, so that a machine fetches before it installs
        mount(f"{APT}/{name}", str(target), "none", flags=MS_BIND)
    idmapped.unmount(APT)


def close_files(stage: str, writable: tuple[str, ...], more_devices: tuple[str, ...]) -> None:
    """From now on this process and its children may write no file but those below `writable`, and use no disk."""
    names = Path(stage, "resolv.conf")
    names.write_text(resolver())
    resolved = RESOLVER.resolve()  # under systemd-resolved it is a link into /run
    netns.unshare(netns.CLONE_NEWNS)  # in the former one are files that others write, so it cannot be closed
    outermost = [path for path in writable if not any(path.startswith(f"{other}/") for other in writable)]
    for path in outermost:
        mount(path, path, "none", flags=MS_BIND)
    idmapped.set_attributes("/", add=idmapped.MOUNT_ATTR_RDONLY | idmapped.MOUNT_ATTR_NODEV, below=True)
    for path in outermost:
        idmapped.set_attributes(path, clear=idmapped.MOUNT_ATTR_RDONLY)
    idmapped.set_attributes(stage, clear=idmapped.MOUNT_ATTR_RDONLY)
    devices = Path(stage, "dev")
    devices.mkdir()
    make_devices(devices, *(node for node in more_devices if Path("/dev", node).exists()))
    mount(str(devices), "/dev", "none", flags=MS_BIND | MS_REC)
    idmapped.set_attributes(stage, add=idmapped.MOUNT_ATTR_RDONLY)
    # a socket is connected to whether its file can be written or not, and root's are there: of docker, systemd, D-Bus
    mount("run", "/run", "tmpfs", "mode=755", MS_NOSUID | MS_NODEV)
    if resolved.is_relative_to("/run"):
        resolved.parent.mkdir(parents=True)
        resolved.touch()
    if resolved.exists():
        mount(str(names), str(resolved), "none", flags=MS_BIND)


def make_devices(target: Path, *more: str) -> None:
    """Mount a /dev with what every program expects there, and no disk."""
    mount("dev", str(target), "tmpfs", "mode=755", MS_NOSUID)
    for node in (*NODES, *more):
        (target / node).touch()
        mount(f"/dev/{node}", str(target / node), "none", flags=MS_BIND)
        idmapped.set_attributes(str(target / node), clear=idmapped.MOUNT_ATTR_NODEV)
    for name, to in LINKS.items():
        (target / name).symlink_to(to)
    for name in ("shm", "pts"):
        (target / name).mkdir()
    mount("shm", f"{target}/shm", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV)
    mount("devpts", f"{target}/pts", "devpts", "newinstance,ptmxmode=666,mode=620,gid=5", MS_NOSUID | MS_NOEXEC)


def resolver() -> str:
    """This computer's way to names, as it is from behind slirp4netns."""
    lines = RESOLVER.read_text(errors="replace").splitlines() if RESOLVER.is_file() else []
    others = [line for line in lines if not line.startswith(("nameserver", "#", ";"))]
    return "\n".join((*others, f"nameserver {NAMES}", ""))


def bind(source: str, target: Path) -> None:
    """Show a directory at a second place."""
    target.mkdir(exist_ok=True)
    mount(source, str(target), "none", flags=MS_BIND)


def _refuse_links(root: Path, *names: str) -> None:
    for name in names:
        if not stat.S_ISDIR((root / name).lstat().st_mode):
            raise OSError(f"/{name} of the tree is no directory")


def _empty(directory: Path) -> None:
    """Remove what is in the directory; make it where it is not there."""
    directory.mkdir(parents=True, exist_ok=True)
    for entry in os.scandir(directory):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()
