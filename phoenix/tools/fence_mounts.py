"""The mounts of a fence: what is seen inside the tree, and what is left to the program beside it.

A tree was made by whoever baked it, so before it is the root of all that is seen no path goes through it: what is
mounted then is mounted on its first level, where there are no links.
"""

from __future__ import annotations

import os
import shutil
import socket
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
    mount_shifted,
    move_root,
    set_attributes,
    unmount,
)

NODES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
HOST_NAME, NAMELESS = Path("/etc/hostname"), "localhost"
"""Where an image has its name, and what it is called without one; whoever bakes it has a name of its own."""
RESOLVER = Path("/etc/resolv.conf")
RESOLVERS = Path("/var/lib/phoenix-bake")
"""Inside: has `image`, what was in its place, and `bake`, what is there meanwhile; for the role `seal`."""
APT = Path("/run/phoenix-apt")
LENT = {"archives": Path("/var/cache/apt/archives"), "lists": Path("/var/lib/apt/lists")}
"""Packages and indexes that earlier bakes fetched, and where apt looks for them."""
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "opt")
"""What of this computer the program sees at all, as far as everybody may read it."""
EMPTY = ("run", "tmp", "var/tmp")


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
    """What is done where every path is the tree's own: locks, its name, the way to names, what is lent to apt."""
    Path("/run/lock").mkdir()
    Path("/run/lock").chmod(0o1777)
    socket.sethostname(_host_name())
    if RESOLVER.is_file() and not RESOLVER.is_symlink():
        _name_resolver_inside(names)
    for name, target in LENT.items():
        _empty(target)
        if name == "lists":
            os.utime(target, (0, 0))  # below the mount it has no date, so that a machine fetches before it installs
        bind(APT / name, target)
    unmount(str(APT))


def _host_name() -> str:
    """What the image is called, as its init would read it."""
    lines = HOST_NAME.read_text(errors="replace").split() if HOST_NAME.is_file() else []
    return lines[0][:64] if lines else NAMELESS


def _name_resolver_inside(names: str) -> None:
    """Have the way to names that works here in the tree's own file, so that a recipe may replace it.

    The role `seal` puts back what the image had, unless the recipe wrote its own.
    """
    if not RESOLVERS.exists() and RESOLVER.read_text(errors="replace") != names:
        RESOLVERS.mkdir()
        shutil.copy2(RESOLVER, RESOLVERS / "image")
        (RESOLVERS / "bake").write_text(names)
        RESOLVER.write_text(names)


def make_view(view: Path, users: int | None, writable: tuple[Path, ...], readable: tuple[Path, ...]) -> None:
    """Make at `view` what the program sees of this computer, each at its own place: system, `readable`, `writable`.

    Owners of the latter two are shifted for the user namespace `users`, so they are the program's own, whoever may pass
    through the directories above them. Sockets of this computer's programs, disks and other files are not there.
    """
    mount("view", str(view), "tmpfs", "mode=755", NO_SETUID)
    for name in SYSTEM:
        _show_system(Path("/", name), view / name)
    for name in ("proc", "dev", *EMPTY):
        (view / name).mkdir(parents=True)
    for name in EMPTY:
        mount(name, str(view / name), "tmpfs", "mode=1777", NO_SETUID | NO_DEVICES)
    mount("/proc", str(view / "proc"), "none", flags=BIND | RECURSIVE)
    set_attributes(view / "proc", add=READ_ONLY, below=True)
    for path in _outermost((*readable, *writable)):
        _show(path, view / path.relative_to("/"), users)
    for path in _outermost(writable):
        _show(path, view / path.relative_to("/"), users)
        set_attributes(view / path.relative_to("/"), clear=READ_ONLY)
    _name_resolver(view)


def hand_in(file: Path, secret: bytes, owner: int) -> None:
    """Put a secret where its owner alone reads it (-1: whoever this is), on a file system that is in memory."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    os.fchown(descriptor, owner, owner)
    os.write(descriptor, secret)
    os.close(descriptor)


def _show_system(source: Path, target: Path) -> None:
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.is_dir():
        target.mkdir()
        mount(str(source), str(target), "none", flags=BIND | RECURSIVE)
        set_attributes(target, add=READ_ONLY | DEVICELESS, below=True)


def _show(source: Path, target: Path, users: int | None) -> None:
    """Show a directory, for reading."""
    if not target.is_dir():
        target.mkdir(parents=True)
    if users is None:
        bind(source, target)
    else:
        mount_shifted(source, target, users)
    set_attributes(target, add=READ_ONLY | DEVICELESS)


def _name_resolver(view: Path) -> None:
    """Have this computer's way to names as it is from behind slirp4netns."""
    resolved = view / RESOLVER.resolve().relative_to("/")  # under systemd-resolved it is a link into /run
    if resolved.is_relative_to(view / "run"):
        resolved.parent.mkdir(parents=True, exist_ok=True)
        resolved.touch()
    if resolved.exists():
        own = view / "tmp/resolv.conf"
        own.write_text(resolver())
        bind(own, resolved)


def _outermost(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Without those that are in others of them, and each once."""
    return tuple(path for path in dict.fromkeys(paths) if not any(other in path.parents for other in paths))


def make_devices(target: Path, *more: str) -> None:
    """Mount a /dev with what every program expects there, and no disk."""
    mount("dev", str(target), "tmpfs", "mode=755", NO_SETUID)
    for node in NODES:
        (target / node).touch()
        bind(Path("/dev", node), target / node)
    for path in (Path("/dev", node) for node in more if Path("/dev", node).exists()):
        _lend_device(path, target / path.name)
    for name, to in LINKS.items():
        (target / name).symlink_to(to)
    for name in ("shm", "pts"):
        (target / name).mkdir()
    mount("shm", str(target / "shm"), "tmpfs", "mode=1777", NO_SETUID | NO_DEVICES)
    options = "newinstance,ptmxmode=666,mode=620,gid=5"
    mount("devpts", str(target / "pts"), "devpts", options, NO_SETUID | NO_PROGRAMS)


def _lend_device(source: Path, target: Path) -> None:
    """A device of this computer for whoever runs here: root's own node may be closed to the program, who is nobody."""
    try:
        os.mknod(target, stat.S_IFCHR | 0o666, source.stat().st_rdev)
        target.chmod(0o666)
    except PermissionError:  # an ordinary user may use it, or may not
        target.touch()
        bind(source, target)


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
