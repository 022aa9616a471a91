"""The vendor's AMI: a Debian 12 with cloud-init and sshd, for what 136693071363 publishes as `debian-12-amd64-*`.

It is the local cloud's base without the guest files of phoenix, with the packages that it lacks, kept as an archive in
phoenix's cache for a day.
"""

from __future__ import annotations

import hashlib
import tarfile
import time
from pathlib import Path

from filelock import FileLock

from phoenix.clouds.local.bake import base, trees
from phoenix.clouds.local.bake.base_digest import base_digest
from phoenix.clouds.local.bake.mirror import configured_mirror
from phoenix.tools.cache import cache_directory
from phoenix.tools.process import Command, run

SUITE = "bookworm"
PACKAGES = ("cloud-init", "curl", "dbus", "gnupg", "sudo")
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
    "etc/cloud/cloud.cfg.d/01_debian_cloud.cfg": """\
datasource_list: [ Ec2 ]
datasource: {Ec2: {metadata_urls: ["http://169.254.169.254"]}}
locale: C.UTF-8
manage_etc_hosts: true
network: {config: disabled}
ssh_genkeytypes: [ed25519, ecdsa]
system_info:
  default_user:
    name: admin
    gecos: Debian
    lock_passwd: true
    shell: /bin/bash
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
""",
}
"""What the vendor's image has beside its packages: the user `admin`, one data source. Keys of RSA take too long."""


def make(tree: Path, log: Path) -> None:
    """Make `tree` (which must not exist) the root file system of the vendor's AMI.

    Raises ToolError where the mirror cannot be reached.
    """
    directory = cache_directory() / "vendor"
    directory.mkdir(exist_ok=True)
    with FileLock(directory / "lock"):
        archive = directory / f"debian-12-{_key()}.tar.zst"
        if not archive.exists() or time.time() - archive.stat().st_mtime > base.DAY:
            _make_archive(archive, log)
        tree.mkdir(parents=True, mode=0o700)
        tar = ("tar", "--extract", "--numeric-owner", f"--file={archive}", f"--directory={tree}")
        run(Command(argv=tar), timeout=600, log=log)


def _key() -> str:
    parts = (base_digest(), configured_mirror(), *PACKAGES, INSTALL, *MASKED, *FILES, *FILES.values())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _make_archive(archive: Path, log: Path) -> None:
    tree, guest = archive.parent / "tree", archive.parent / "guest.tar"
    trees.remove(tree)
    base.bootstrap(SUITE, configured_mirror(), tree, log, lambda _line: None)
    base.pack_guest(guest)
    with tarfile.open(guest) as phoenix_own:
        for name in phoenix_own.getnames():
            (tree / name).unlink()
    guest.unlink()
    script = ("sh", "-euc", INSTALL, "install", str(tree), str(base.deb_cache("vendor")), *PACKAGES)
    run(Command(argv=script, contained=True), timeout=900, log=log)
    for name, text in FILES.items():
        (tree / name).write_text(text)
        (tree / name).chmod(0o644)
    for name in MASKED:
        (tree / "etc/systemd/system" / name).symlink_to("/dev/null")
    unfinished = archive.with_name("unfinished.tar.zst")
    tar = ("tar", "--create", "--numeric-owner", "--zstd", f"--file={unfinished}", f"--directory={tree}", ".")
    run(Command(argv=tar), timeout=600, log=log)
    unfinished.replace(archive)
    trees.remove(tree)
