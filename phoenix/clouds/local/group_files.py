"""A group as files: `groups/GROUP/group.json`, and a lock for whoever changes it.

`group.json` is written before the first machine and removed after the last, so a group that is half made or half
removed is seen, and can be finished or deleted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from phoenix.clouds.local.machines.machine_files import MachineFiles
from phoenix.errors import CloudError
from phoenix.model import Group, LaunchTemplate
from phoenix.typed import adapter, to_json

OTHERS_DEADLINE = 300.0
"""Seconds to wait for another process that is changing the group."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupRecord:
    """What stands in `group.json`. The group's instances are not written: they are read from reality."""

    group: Group
    template: LaunchTemplate
    engine: str
    schema: int = 1


class GroupFiles:
    """The groups below one cloud's root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.groups = root / "groups"

    def names(self) -> list[str]:
        """Every group that there is, or half is."""
        if not self.groups.is_dir():
            return []
        return sorted(path.name for path in self.groups.iterdir() if not path.name.startswith("."))

    def machines(self, group: str) -> list[MachineFiles]:
        """The machines of a group that have a directory, by their number."""
        try:
            found = [path.name for path in (self.groups / group / "instances").iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        by_number = sorted(found, key=lambda name: (len(name), name))
        return [MachineFiles(root=self.root, group=group, name=name) for name in by_number]

    def read(self, name: str) -> GroupRecord | None:
        """The group's record, or None where there is none. CloudError where it cannot be read."""
        file = self._file(name)
        try:
            return _adapter().validate_json(file.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValidationError as error:
            raise _unreadable(file, error.errors()[0]["msg"]) from error
        except OSError as error:
            raise _unreadable(file, str(error)) from error

    def write(self, record: GroupRecord) -> None:
        """Write the record in one step."""
        file = self._file(record.group.name)
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f".group.json.{os.getpid()}")
        bare = replace(record, group=replace(record.group, instances=()))
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)  # the boot work has the secrets that were read for it
        unfinished.write_bytes(to_json(_adapter(), bare, indent=2) + b"\n")
        unfinished.replace(file)

    def remove(self, name: str) -> None:
        """Remove the record and the directory; its machines are gone."""
        directory = self.groups / name
        for path in (*directory.glob(".group.json.*"), self._file(name)):
            path.unlink(missing_ok=True)
        for path in (directory / "instances", directory):
            if path.exists():
                path.rmdir()

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Be the only one who changes the group. The kernel frees the lock of a process that dies."""
        try:
            with self._lock(name).acquire(timeout=OTHERS_DEADLINE):
                yield
        except Timeout as error:
            raise CloudError(
                f"the group {name} is being changed by another process",
                details=f"it has not let go for {OTHERS_DEADLINE:g} s",
                resolution="See `phoenix run list`; wait for that run, or abort it.",
            ) from error

    @contextmanager
    def locked_if_free(self, name: str) -> Iterator[bool]:
        """The same without waiting: whether this process has the lock now."""
        try:
            lock = self._lock(name).acquire(timeout=0)
        except Timeout:
            yield False
            return
        with lock:
            yield True

    def _file(self, name: str) -> Path:
        return self.groups / name / "group.json"

    def _lock(self, name: str) -> FileLock:
        locks = self.groups / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        return FileLock(locks / name)


def _adapter() -> TypeAdapter[GroupRecord]:
    return adapter(GroupRecord)


def _unreadable(file: Path, why: str) -> CloudError:
    return CloudError(
        "a group cannot be read",
        details=f"{file}: {why}",
        resolution=f"It was written by another version, or is damaged: `phoenix down`, then remove {file.parent}.",
    )
