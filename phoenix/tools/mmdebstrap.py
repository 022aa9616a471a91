"""mmdebstrap: a Debian root file system from a mirror, as a tar archive."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from phoenix.tools.process import Command, require

HOOKS = "/usr/share/mmdebstrap/hooks"
LEAN = (
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/locale/*/LC_MESSAGES/*",
)
"""dpkg options that stay in the image: a machine of the cloud has no reader for manuals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bootstrap:
    """What to bootstrap: suite, package sources (one-line format), packages, a directory of `.deb` files to share."""

    suite: str
    sources: tuple[str, ...]
    packages: tuple[str, ...]
    finish: tuple[str, ...]
    """Shell commands run at the end, with the tree as `$1`."""
    debs: Path
    temporary: Path
    """Where mmdebstrap builds the tree; whatever a killed run leaves lies under it."""
    index: Path
    """Is given the SHA-256 of each signed index that apt took the packages from, a line each, sorted."""


def build_command(what: Bootstrap, target: Path) -> Command:
    """The command that writes the tree to `target` as a tar archive (compressed as its name says).

    As root in a mount namespace of its own; as another user by mmdebstrap's own user namespace.
    """
    root = os.geteuid() == 0
    archives, index = "/var/cache/apt/archives", "/var/lib/apt/phoenix-index"
    told = f'cd "$1/var/lib/apt/lists" && sha256sum -- *_InRelease | cut -d " " -f 1 | sort > "$1{index}"'
    return Command(
        argv=(
            require("mmdebstrap", "mmdebstrap"),
            f"--mode={'root' if root else 'unshare'}",
            "--variant=minbase",
            f"--include={','.join(what.packages)}",
            f"--hook-dir={HOOKS}/maybe-merged-usr",
            *(f"--dpkgopt={option}" for option in LEAN),
            '--aptopt=Acquire::Languages "none"',
            "--skip=essential/unlink",
            f'--setup-hook=mkdir -p "$1{archives}"',
            f"--setup-hook=sync-in {what.debs} {archives}",
            *(f"--customize-hook={hook}" for hook in what.finish),
            '--customize-hook=chroot "$1" apt-get autoclean',
            f"--customize-hook=sync-out {archives} {what.debs}",
            f"--customize-hook={told}",
            f"--customize-hook=download {index} {what.index}",
            f'--customize-hook=rm "$1{index}"',
            what.suite,
            str(target),
            *what.sources,
        ),
        # what a crash leaves half written is under `temporary`, and no archive: nothing of it needs to be on the disk
        environment={"DPKG_FORCE": "unsafe-io", **({"TMPDIR": str(what.temporary)} if root else {})},
        contained=root,
    )
