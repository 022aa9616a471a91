"""The `clouds` of `phoenix.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from phoenix.model import CloudKind


class MachineEngine(StrEnum):
    """What runs the machines of the local cloud."""

    AUTO = "auto"
    """KVM where proven, else light as root, else emulated QEMU."""
    QEMU = "qemu"
    LIGHT = "light"


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalCloud:
    """Real machines on this computer behind HAProxy."""

    name: str
    machines: MachineEngine
    root: Path
    """Groups and balancers of the project live here (default: `local/` in the state directory)."""
    images: Path
    """Images live here (default: `images/` under `root`); projects of one machine may share it."""
    mirror: str | None
    """The distribution's mirror the lowest layer is bootstrapped from; None: the one that this computer uses."""

    kind: CloudKind = CloudKind.LOCAL


@dataclass(frozen=True, kw_only=True, slots=True)
class GcpCloud:
    """A Google Cloud project and region."""

    name: str
    project: str
    region: str
    network: str

    kind: CloudKind = CloudKind.GCP


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsCloud:
    """An AWS region with the subnets that machines start in."""

    name: str
    region: str
    subnets: tuple[str, ...]

    kind: CloudKind = CloudKind.AWS


CloudSpec = LocalCloud | GcpCloud | AwsCloud
