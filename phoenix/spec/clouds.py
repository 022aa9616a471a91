"""The `clouds` of `phoenix.yaml`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from phoenix.model import CloudKind

_AS_DEBIAN_SAYS = {"x86_64": "amd64", "aarch64": "arm64"}
_ARM_FAMILIES = ("t2a", "c4a", "n4a", "a4x")
"""Machine types of Compute Engine with Arm processors (https://cloud.google.com/compute/docs/machine-resource)."""


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

    @property
    def architecture(self) -> str:
        """That of its machines, as Debian calls it: they run on this computer's processor."""
        return _AS_DEBIAN_SAYS.get(os.uname().machine, os.uname().machine)


class GcpReach(StrEnum):
    """How phoenix reaches the machine that an image is built on, or proven on: by SSH, whatever the way."""

    PUBLIC = "public"
    """At its external address."""
    PRIVATE = "private"
    """At its internal address; it has no external one."""
    IAP = "iap"
    """Through Identity-Aware Proxy; it has no external address, and `gcloud` makes the tunnel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GcpBuilder:
    """The machine that images are built on and proven on."""

    type: str = "e2-standard-2"
    disk: int | None = None
    """Bytes; None: as large as the image below."""
    disk_type: str = "pd-balanced"
    zone: str | None = None
    """None: the region's `b`, which every region has."""
    identity: str | None = None
    """E-mail address of its service account; None: it has none."""
    scopes: tuple[str, ...] = ("https://www.googleapis.com/auth/cloud-platform",)
    """What the service account's tokens are good for; of no account, nothing."""
    firewall: tuple[str, ...] = ()
    """Network tags: a firewall rule for them has to let in SSH."""
    reach: GcpReach = GcpReach.PUBLIC
    spot: bool = False
    secure_boot: bool = False
    """As of the cloud."""
    max_run_duration: float = 5400.0
    """Seconds after which Compute Engine ends it by itself, where the tool that starts it can say so."""
    kms: str | None = None
    """Resource name of the key that encrypts its disk; None: Google's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GcpImageOptions:
    """How images are kept."""

    family: str | None = None
    """What families begin with: a verified image belongs to FAMILY-TYPE-NAME; None: to none."""
    kms: str | None = None
    """Resource name of the key that encrypts them; None: Google's own."""
    location: str | None = None
    """Region or multi-region that they are stored in; None: the nearest multi-region."""
    features: tuple[str, ...] = ()
    """Guest OS features beside those of the image below."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GcpCloud:
    """A region of a Google Cloud project."""

    name: str
    project: str
    region: str
    network: str = "default"
    """VPC network of the machines; empty: whichever `subnetwork` is in."""
    subnetwork: str | None = None
    """None: the network's own of the region, as networks in auto mode have it."""
    host_project: str | None = None
    """Project that network and subnetwork are shared from (Shared VPC); None: `project` itself."""
    impersonate: str | None = None
    """E-mail of the service account that works there; None: who is found by Google's own chain works itself."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """On everything that is made and can bear labels; `tags` in phoenix.yaml, as on other clouds."""
    secure_boot: bool = False
    """Whether machines start signed kernels alone; a vTPM and integrity monitoring they always have."""
    builder: GcpBuilder = field(default_factory=GcpBuilder)
    images: GcpImageOptions = field(default_factory=GcpImageOptions)

    kind: CloudKind = CloudKind.GCP

    @property
    def network_path(self) -> str:
        """The network as calls name it, `projects/P/global/networks/N`; empty where the subnetwork says it."""
        host = self.host_project or self.project
        return f"projects/{host}/global/networks/{self.network}" if self.network else ""

    @property
    def subnetwork_path(self) -> str:
        """The subnetwork as calls name it; empty where the network's own of the region is meant."""
        host = self.host_project or self.project
        return f"projects/{host}/regions/{self.region}/subnetworks/{self.subnetwork}" if self.subnetwork else ""

    @property
    def architecture(self) -> str:
        """That of its machines, as Debian calls it: a bake's own machine tells it by its type."""
        return "arm64" if self.builder.type.partition("-")[0] in _ARM_FAMILIES else "amd64"

    @property
    def builder_zone(self) -> str:
        """Where machines of bakes run."""
        return self.builder.zone or f"{self.region}-b"


class AwsReach(StrEnum):
    """How phoenix reaches the machine that an image is built on, or proven on."""

    PUBLIC = "public"
    """By SSH at its public address."""
    PRIVATE = "private"
    """By SSH at its private address."""
    SSM = "ssm"
    """By Session Manager: no port is open."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsBuilder:
    """The machine that images are built on and proven on."""

    type: str = "t3.medium"
    disk: int | None = None
    """Bytes; None: as large as the base image's."""
    profile: str | None = None
    """Instance profile."""
    subnet: str | None = None
    """None: the first of the cloud's."""
    firewall: tuple[str, ...] = ()
    """Security groups; empty: one of its own, which lets in SSH alone and is gone with the machine."""
    reach: AwsReach = AwsReach.PUBLIC
    spot: bool = False
    tenancy: str = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsAmis:
    """How AMIs are kept."""

    encrypt: bool = True
    kms: str | None = None
    """Id, alias or ARN of the key; None: the account's own key for EBS."""
    deprecate_after: float | None = None
    """Seconds after which nobody else finds the AMI by search any more; None: never."""
    architecture: str = "x86_64"


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsCloud:
    """An AWS region with the subnets that machines start in."""

    name: str
    region: str
    subnets: tuple[str, ...]
    profile: str | None = None
    """Profile of the SDK's configuration files; None: what its own chain finds."""
    assume_role: str | None = None
    """ARN of the role that works there; None: who is found by the chain works itself."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """On everything that is made."""
    builder: AwsBuilder = field(default_factory=AwsBuilder)
    images: AwsAmis = field(default_factory=AwsAmis)

    kind: CloudKind = CloudKind.AWS

    @property
    def architecture(self) -> str:
        """That of its machines, as Debian calls it."""
        return _AS_DEBIAN_SAYS.get(self.images.architecture, self.images.architecture)


CloudSpec = LocalCloud | GcpCloud | AwsCloud
