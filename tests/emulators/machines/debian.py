"""The vendor's image of an emulated cloud: a Debian 12 with sshd and with what the cloud's own images have beside it.

It is the local cloud's base without the guest files of phoenix, with the packages that it lacks, kept as an archive in
phoenix's cache for a day.
"""

from __future__ import annotations

import hashlib
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from phoenix.clouds.local.bake import base, trees
from phoenix.clouds.local.bake.base_digest import base_digest
from phoenix.clouds.local.bake.mirror import configured_mirror
from phoenix.tools.cache import cache_directory
from phoenix.tools.process import Command, run

SUITE = "bookworm"
PACKAGES = ("curl", "dbus", "gnupg", "sudo")
INSTALL = """\
cd "$1"
debs=$2
shift 2
mount -t proc proc proc
mount --bind "$debs" var/cache/apt/archives
cat /etc/resolv.conf > etc/resolv.conf
printf '#!/bin/sh\\nexit 101\\n' > usr/sbin/policy-rc.d
chmod 755 usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
chroot . apt-get -qq update
chroot . apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends "$@"
chroot . systemctl enable ssh.service
rm -rf usr/sbin/policy-rc.d var/lib/dbus/machine-id var/lib/apt/lists/* var/cache/apt/*.bin
"""
"""For sh, with the tree, a directory of packages, and what to install; in a mount namespace of its own."""
MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer")
"""They would take apt's lock a while after the boot, and today's packages from the mirror."""
FILES = {
    "etc/apt/apt.conf.d/10-lean": 'Acquire::Languages "none";\n',
    "etc/hostname": "localhost\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "etc/machine-id": "",
    "etc/resolv.conf": "nameserver 10.0.2.3\n",  # where slirp4netns answers names
}
"""What every vendor's image has beside its packages."""


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """What one cloud's image has beside what all have."""

    name: str
    packages: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    """By their paths below the root; instead of those of `FILES` where they are the same."""
    masked: tuple[str, ...] = ()
    """Units that never start."""

    def make(self, tree: Path, log: Path) -> None:
        """Make `tree` (which must not exist) the root file system of the vendor's image.

        Raises ToolError where the mirror cannot be reached.
        """
        directory = cache_directory() / "vendor"
        directory.mkdir(exist_ok=True)
        with FileLock(directory / "lock"):
            archive = directory / f"{self.name}-debian-12-{self._key()}.tar.zst"
            if not archive.exists() or time.time() - archive.stat().st_mtime > base.DAY:
                self._make_archive(archive, log)
            tree.mkdir(parents=True, mode=0o700)
            tar = ("tar", "--extract", "--numeric-owner", f"--file={archive}", f"--directory={tree}")
            run(Command(argv=tar), timeout=600, log=log)

    def _key(self) -> str:
        masked, files = (*MASKED, *self.masked), {**FILES, **self.files}
        packages = (*PACKAGES, *self.packages)
        parts = (base_digest(), configured_mirror(), *packages, INSTALL, *masked, *files, *files.values())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def _make_archive(self, archive: Path, log: Path) -> None:
        tree, guest = archive.parent / "tree", archive.parent / "guest.tar"
        trees.remove(tree)
        base.bootstrap(SUITE, configured_mirror(), tree, log, lambda _line: None)
        base.pack_guest(guest)
        with tarfile.open(guest) as phoenix_own:
            for name in phoenix_own.getnames():
                (tree / name).unlink()
        guest.unlink()
        what = (str(tree), str(base.deb_cache("vendor")), *PACKAGES, *self.packages)
        run(Command(argv=("sh", "-euc", INSTALL, "install", *what), contained=True), timeout=900, log=log)
        for name, text in {**FILES, **self.files}.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text)
            (tree / name).chmod(0o644)
        for name in (*MASKED, *self.masked):
            (tree / "etc/systemd/system" / name).symlink_to("/dev/null")
        unfinished = archive.with_name("unfinished.tar.zst")
        tar = ("tar", "--create", "--numeric-owner", "--zstd", f"--file={unfinished}", f"--directory={tree}", ".")
        run(Command(argv=tar), timeout=600, log=log)
        unfinished.replace(archive)
        trees.remove(tree)
