"""A machine as files: where each thing of it lies, and what is written down of it.

    groups/GROUP/instances/NAME/   machine.json  console.log  report.log  and what its engine needs

`machine.json` is written last. A directory without it is a machine that never came to be.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from phoenix.clouds.local.image_files import ImageFiles
from phoenix.errors import CloudError
from phoenix.model import Machine
from phoenix.tools.process import ProcessId
from phoenix.typed import adapter, to_json

TAG = "PHOENIX_MACHINE"
"""Every process that runs for a machine has the machine's directory in this environment variable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineFiles:
    """The files of one machine of the group `group`, below the cloud's `root`."""

    root: Path
    group: str
    name: str

    @property
    def directory(self) -> Path:
        """Everything of the machine lies in it."""
        return self.root / "groups" / self.group / "instances" / self.name

    @property
    def record(self) -> Path:
        """`machine.json`."""
        return self.directory / "machine.json"

    @property
    def container(self) -> str:
        """Its name among the control groups of this host; other roots' machines have other ones."""
        return f"{root_tag(self.root)}-{self.name}"

    @property
    def tag(self) -> dict[str, str]:
        """What marks a process as this machine's."""
        return {TAG: str(self.directory)}


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineSpec:
    """What a machine is started from."""

    image: ImageFiles
    machine: Machine
    port: int
    """The port its service listens on, inside."""
    user_data: str
    reach: tuple[int, ...] = ()
    """Loopback ports of this computer that it may reach, at 10.0.2.2; no others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A machine that runs."""

    engine: str
    """`qemu-kvm`, `qemu-tcg`, `light` or `light-open`."""
    port: int
    """The loopback port of the host that leads to its service."""
    processes: Mapping[str, ProcessId]
    """All of these live as long as the machine is well; the name says in words what ended otherwise."""
    console: str
    report: str
    """Paths of its logs, below its directory."""
    schema: int = 1


def root_tag(root: Path) -> str:
    """A short name for one cloud's root, for names that are seen by the whole host."""
    return hashlib.sha256(str(root).encode()).hexdigest()[:12]


def _adapter() -> TypeAdapter[Started]:
    return adapter(Started)


def write_record(files: MachineFiles, started: Started) -> None:
    """Write `machine.json` in one step."""
    unfinished = files.directory / f".machine.json.{os.getpid()}"
    unfinished.write_bytes(to_json(_adapter(), started, indent=2) + b"\n")
    unfinished.replace(files.record)


def read_record(files: MachineFiles) -> Started | None:
    """What is written down of the machine, or None where it never came to be. CloudError where it cannot be read."""
    try:
        text = files.record.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(files, str(error)) from error
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        raise _unreadable(files, error.errors()[0]["msg"]) from error


def _unreadable(files: MachineFiles, why: str) -> CloudError:
    return CloudError(
        f"the machine {files.name} cannot be read",
        details=f"{files.record}: {why}",
        resolution=f"It was written by another version, or is damaged: delete the group {files.group}.",
    )
