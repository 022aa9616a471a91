"""An image as files: one directory each, whole or not there; and who is at work on one.

    images/IMAGE_ID/            tree/  disk.raw  vmlinuz  initrd  packages.txt  manifest.json
    images/.building-IMAGE_ID/  a bake under way
    images/.trial-IMAGE_ID/     a verification boot under way
    images/.removed-IMAGE_ID/   a deletion under way
    images/.locks/IMAGE_ID      locked by the process that is at work on the image

An image is made beside its place and moved there by one rename, its manifest with it, so half an image is never
seen. The lock is the kernel's: it is free the moment its holder is dead, whatever it died of. So whoever gets
the lock of an unfinished thing knows that nobody works on it any more.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pydantic import TypeAdapter, ValidationError

from phoenix.errors import CloudError
from phoenix.model import Image
from phoenix.typed import adapter, to_data

MANIFEST = "manifest.json"
PRIVATE = 0o700
"""The mode of whatever holds a tree: programs in it may be setuid, old, and this computer's root's."""
BUILDING, TRIAL, REMOVED = UNFINISHED = (".building-", ".trial-", ".removed-")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFiles:
    """The files of one image directory."""

    directory: Path

    @property
    def tree(self) -> Path:
        """The whole root file system as a directory; nobody writes into it."""
        return self.directory / "tree"

    @property
    def disk(self) -> Path:
        """The same as a raw ext4 disk, for machines to overlay."""
        return self.directory / "disk.raw"

    @property
    def kernel(self) -> Path:
        """The kernel to start it with."""
        return self.directory / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """The tiny initrd that finds its disk."""
        return self.directory / "initrd"

    @property
    def packages(self) -> Path:
        """`name version architecture` of every installed package, sorted."""
        return self.directory / "packages.txt"

    @property
    def manifest(self) -> Path:
        """Everything phoenix knows of it."""
        return self.directory / MANIFEST


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What stands in `manifest.json`: the image, and how its bake went."""

    image: Image
    made_with: dict[str, str]
    """Versions of what made it."""
    seconds: dict[str, float]
    """How long each part of the bake took."""
    schema: int = 1


def _adapter() -> TypeAdapter[Manifest]:
    return adapter(Manifest)


def write_manifest(files: ImageFiles, manifest: Manifest) -> None:
    """Write the manifest in one step: whoever reads it sees the former or the new one, whole."""
    unfinished = files.manifest.with_name(f".{MANIFEST}.{os.getpid()}")
    unfinished.write_text(json.dumps(to_data(_adapter(), manifest), indent=2) + "\n")
    unfinished.replace(files.manifest)


def read_manifest(files: ImageFiles) -> Manifest | None:
    """The manifest, or None where there is no such image. CloudError where it cannot be read."""
    try:
        text = files.manifest.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(files, str(error)) from error
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        raise _unreadable(files, error.errors()[0]["msg"]) from error


def manifest_json(files: ImageFiles) -> dict[str, Any]:
    """The manifest as JSON data; empty where there is no such image."""
    manifest = read_manifest(files)
    return to_data(_adapter(), manifest) if manifest else {}


def _unreadable(files: ImageFiles, why: str) -> CloudError:
    return CloudError(
        "an image's manifest cannot be read",
        details=f"{files.manifest}: {why}",
        resolution=f"It was written by another version, or is damaged: remove {files.directory}, then bake again.",
    )


class Locks:
    """The locks of images that this process holds."""

    def __init__(self, images: Path) -> None:
        self._directory = images / ".locks"
        self._held: dict[str, IO[str]] = {}

    def take(self, image_id: str) -> bool:
        """Take the lock of the image, if nobody else has it; it is this process's already is fine, too."""
        if image_id in self._held:
            return True
        self._directory.mkdir(parents=True, exist_ok=True)
        file = (self._directory / image_id).open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        file.truncate(0)
        file.write(f"process {os.getpid()}\n")
        file.flush()
        self._held[image_id] = file
        return True

    def holds(self, image_id: str) -> bool:
        """Whether this process has the lock."""
        return image_id in self._held

    def holder(self, image_id: str) -> str:
        """Who said last that it holds the lock, for people."""
        try:
            return (self._directory / image_id).read_text().strip() or "another process"
        except FileNotFoundError:
            return "another process"

    def release(self, image_id: str) -> None:
        """Give the lock back, if this process has it."""
        file = self._held.pop(image_id, None)
        if file is not None:
            file.close()


def make_private(images: Path) -> None:
    """Close the images that were made when others could still read them."""
    for path in images.iterdir() if images.is_dir() else ():
        with suppress(FileNotFoundError, PermissionError):  # moved by its baker, or another user's
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_mode & 0o077:
                path.chmod(PRIVATE)


def unfinished(images: Path) -> dict[Path, str]:
    """The directories of things under way, or left by the dead, with the id of the image each is about."""
    if not images.is_dir():
        return {}
    found = ((path, prefix) for path in sorted(images.iterdir()) for prefix in UNFINISHED)
    return {path: path.name.removeprefix(prefix) for path, prefix in found if path.name.startswith(prefix)}
