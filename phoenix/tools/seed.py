"""The seed of a machine (NoCloud): its name and its user-data, as a directory or as a volume labelled cidata."""

from __future__ import annotations

from pathlib import Path

from phoenix.tools.process import Command, require, run


def write_directory(directory: Path, *, hostname: str, user_data: str) -> None:
    """Write `meta-data` and `user-data` into `directory` (made if absent)."""
    directory.mkdir(exist_ok=True)
    (directory / "meta-data").write_text(f"instance-id: {hostname}\nlocal-hostname: {hostname}\n")
    (directory / "user-data").unlink(missing_ok=True)
    (directory / "user-data").touch(mode=0o600)  # it may have secrets, and is for the machine's root
    (directory / "user-data").write_text(user_data)


def write_volume(directory: Path, target: Path, *, log: Path) -> None:
    """Write the seed in `directory` as an iso9660 volume that a virtual machine gets as its second disk."""
    xorriso = require("xorriso", "xorriso")
    names = ("-volid", "cidata", "-joliet", "-rational-rock", "-output", str(target))
    run(Command(argv=(xorriso, "-as", "genisoimage", "-quiet", *names, str(directory))), timeout=60, log=log)
