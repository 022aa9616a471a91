"""The bottom of every local image: a bare Debian from the distribution's mirror, with what a machine needs to start.

It stands for the vendor's base image of the other clouds: kernel, systemd, sshd, python, and the guest files
(`templates/guest/`) that run the boot work and tell the host about it. The bootstrap is cached as an archive: for a
day unasked, and for a week as long as the mirror's index is the very one that it was made from. The guest files are
laid over it when a tree is made, so they are always today's.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from phoenix import data
from phoenix.clouds.api import Between, Say
from phoenix.clouds.local.bake import trees
from phoenix.clouds.local.bake.base_digest import RECIPE
from phoenix.errors import ToolError
from phoenix.tools import disk, mmdebstrap
from phoenix.tools.cache import cache_directory
from phoenix.tools.process import Command, run

PROBE_KERNEL = "vmlinuz"
DAY = 86400.0
LONGEST = 7 * DAY
"""Seconds that an archive is used where the mirror says that nothing has changed: it could be a mirror that is stuck,
and apt would believe no index that is older.
"""
MANUALS = " ".join(f'"$1"/usr/share/man/man{section}' for section in range(1, 10))
FINISH = ('chroot "$1" systemctl disable ssh.service', 'rm -f "$1"/etc/ssh/ssh_host_*', f"mkdir -p {MANUALS}")
"""No image has host keys; a machine starts sshd (which then makes its own) only where its user-data asks for it. The
directories of manuals are there without any: a JRE's installation puts links into them, at boot too.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """A bootstrapped tree with its kernel."""

    tree: Path
    kernel: disk.Kernel


def bootstrap(
    suite: str,
    mirror: str,
    tree: Path,
    log: Path,
    say: Say,
    *,
    max_age: float = DAY,
    between: Between | None = None,
) -> Base:
    """Make `tree` (which must not exist) a bare machine of `suite`; from an archive younger than `max_age` seconds.

    From an older one where the mirror has changed nothing since (see `is_current`). One that cannot be unpacked is made
    anew, once. `between` is called every second or so. Raises ToolError naming the mirror where it cannot be reached,
    and where mmdebstrap fails.
    """
    from filelock import FileLock

    archive = archive_of(suite, mirror)
    directory = archive.parent
    directory.mkdir(exist_ok=True)
    with FileLock(directory / "lock"):
        cached = is_current(archive, suite, mirror, max_age)
        if not cached:
            _make_archive(suite, mirror, archive, log, say, between)
        say(f"unpacking {suite}")
        try:
            _unpack(archive, tree, log)
        except ToolError:
            if not cached:
                raise
            say(f"what is cached of {suite} cannot be unpacked: it is made anew")
            trees.remove(tree)
            _make_archive(suite, mirror, archive, log, say, between)
            _unpack(archive, tree, log)
        with tempfile.TemporaryDirectory() as scratch:
            guest = Path(scratch) / "guest.tar"
            pack_guest(guest)
            _unpack(guest, tree, log)
        made = Base(tree=tree, kernel=disk.kernel_of(tree))
        shutil.copyfile(made.kernel.image, directory / PROBE_KERNEL)
    return made


def archive_of(suite: str, mirror: str) -> Path:
    """Where the bootstrap of the suite is cached, if it is."""
    return cache_directory() / "bases" / f"{suite}-{_archive_key(suite, mirror)}.tar.zst"


def is_current(archive: Path, suite: str, mirror: str, max_age: float) -> bool:
    """Whether a bootstrap would give what the archive has: it is young, or was made from the index of today.

    ToolError where the mirror has to be asked, and does not say.
    """
    if not archive.exists():
        return False
    age, index = time.time() - archive.stat().st_mtime, index_of(archive)
    if age <= max_age:
        return True
    if age > LONGEST or not index.exists():
        return False
    today = sorted(hashlib.sha256(content).hexdigest() for content in _indexes(suite, mirror).values())
    return index.read_text().split() == today


def index_of(archive: Path) -> Path:
    """Beside an archive: the digests of the mirror's signed indexes (InRelease) that apt made it from, sorted."""
    return archive.with_name(f"{archive.name}.index")


def probe_kernel() -> Path | None:
    """A kernel to try machine engines with: the last base's, else one of this host, else None."""
    own = cache_directory() / "bases" / PROBE_KERNEL
    found = [own, *sorted(Path("/boot").glob("vmlinuz-*"))]
    return next((kernel for kernel in found if os.access(kernel, os.R_OK)), None)


def deb_cache(suite: str) -> Path:
    """The directory of `.deb` files that bootstraps of `suite` share; made if absent."""
    directory = cache_directory() / "debs" / suite
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _archive_key(suite: str, mirror: str) -> str:
    parts = (RECIPE, suite, mirror, *_packages(), *FINISH, *mmdebstrap.LEAN)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _make_archive(suite: str, mirror: str, archive: Path, log: Path, say: Say, between: Between | None) -> None:
    say(f"bootstrapping {suite} from {mirror}")
    lines = sources(suite, mirror)
    temporary = archive.parent / "unfinished"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    what = mmdebstrap.Bootstrap(
        suite=suite,
        sources=lines,
        packages=_packages(),
        finish=FINISH,
        debs=deb_cache(suite),
        temporary=temporary,
        index=temporary / "index",
    )
    unfinished = temporary / archive.name
    try:
        run(
            mmdebstrap.build_command(what, unfinished), timeout=1800, log=log, on_line=_steps_only(say), between=between
        )
    except ToolError as error:
        raise ToolError(
            f"the base system {suite} could not be made from {mirror}",
            details=error.details,
            resolution=f"Check the mirror and this machine's way to it, then try again. The whole output is in {log}.",
        ) from error
    index_of(archive).unlink(missing_ok=True)  # whatever happens now, none stands beside an archive of another
    for made, place in ((unfinished, archive), (what.index, index_of(archive))):
        _on_the_disk(made)
        made.replace(place)
    shutil.rmtree(temporary, ignore_errors=True)


def _on_the_disk(file: Path) -> None:
    """Have the file's contents there before its name is."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def _steps_only(say: Say) -> Say:
    """Hears what mmdebstrap does, not every package it unpacks."""
    return lambda line: say(line.removeprefix("I: ")) if line.startswith("I: ") else None


def sources(suite: str, mirror: str) -> tuple[str, ...]:
    """The suite, its updates, and its security updates where the mirror has them, as lines of a sources.list.

    Raises ToolError naming the mirror where it has no such suite or does not answer.
    """
    return tuple(_indexes(suite, mirror))


def _indexes(suite: str, mirror: str) -> dict[str, bytes]:
    """The signed index of each of the sources; ToolError as of `sources`."""
    mirror = mirror.rstrip("/")
    wanted = ((mirror, suite), (mirror, f"{suite}-updates"), (f"{mirror}-security", f"{suite}-security"))
    found = {f"deb {place} {name} main": _index(place, name) for place, name in wanted}
    if found[f"deb {mirror} {suite} main"] is None:
        raise ToolError(
            f"the mirror {mirror} has no suite '{suite}'",
            details=f"{mirror}/dists/{suite}/InRelease is not there",
            resolution="Correct the image's `base` or the cloud's `mirror` in phoenix.yaml.",
        )
    return {line: content for line, content in found.items() if content is not None}


def _index(mirror: str, suite: str) -> bytes | None:
    """The mirror's signed index of the suite, None without one; ToolError where the mirror does not say."""
    import httpx

    url = f"{mirror}/dists/{suite}/InRelease"
    if url.startswith("file://"):
        file = Path(url.removeprefix("file://"))
        return file.read_bytes() if file.is_file() else None
    try:
        answer = httpx.get(url, timeout=30, follow_redirects=True)
        if answer.status_code in (200, 404):
            return answer.content if answer.status_code == 200 else None
        seen = f"HTTP {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        seen = str(error) or type(error).__name__
    raise ToolError(
        f"the mirror {mirror} cannot be reached",
        details=f"{url}: {seen}",
        resolution="Check this machine's network, or name another `mirror` for the local cloud in phoenix.yaml.",
    )


def _packages() -> tuple[str, ...]:
    return tuple(_listed("packages.txt"))


def _listed(name: str) -> Iterator[str]:
    for line in data.path("templates", "guest", name).read_text().splitlines():
        word = line.partition("#")[0].strip()
        if word:
            yield word


def pack_guest(target: Path) -> None:
    """The guest files as an archive owned by root: files, and as links the boot's goal and what is masked."""
    root = data.path("templates", "guest", "root")
    with tarfile.open(target, "w") as archive:
        for file in sorted(path for path in root.rglob("*") if path.is_file()):
            content = file.read_bytes()
            member = tarfile.TarInfo(str(file.relative_to(root)))
            member.size = len(content)
            member.mode = 0o755 if content.startswith(b"#!") else 0o644
            archive.addfile(member, BytesIO(content))
        links = {f"etc/{name}": "/dev/null" for name in _listed("masks.txt")}
        links["etc/systemd/system/default.target"] = "/usr/lib/systemd/system/phoenix.target"
        for name, to in links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, to
            archive.addfile(member)


def _unpack(archive: Path, tree: Path, log: Path) -> None:
    """Unpack into `tree`, made if absent: as root, or in a namespace where the owners are the user's subordinate ids.

    There nobody may make device files; whoever starts from the tree mounts its own.
    """
    tree.mkdir(parents=True, exist_ok=True)
    devices = () if os.geteuid() == 0 else ("--exclude=./dev/*",)
    tar = (
        "tar",
        "--extract",
        "--numeric-owner",
        "--keep-directory-symlink",
        *devices,
        f"--file={archive}",
        f"--directory={tree}",
    )
    run(Command(argv=tar, contained=True), timeout=600, log=log)
