"""The nouns of phoenix, frozen. What a cloud says ends in these; what a plan decides starts from them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from phoenix.manner import Abilities, Manner


class CloudKind(StrEnum):
    """The clouds phoenix knows."""

    LOCAL = "local"
    GCP = "gcp"
    AWS = "aws"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Place:
    """A service in an environment, by their names: what has one balancer, and one run at a time."""

    service: str
    environment: str


class ImageType(StrEnum):
    """The three layers, lowest first."""

    OS = "os"
    FOUNDATION = "foundation"
    IMMUTABLE = "immutable"

    @property
    def rank(self) -> int:
        """0 for the lowest layer; an image is only ever baked onto a lower rank."""
        return list(ImageType).index(self)


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Package:
    """One exact `.deb`: what an instance that starts next week installs, too."""

    name: str
    version: str
    sha256: str
    repository: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a recipe came from: git commit and whether the tree had uncommitted changes."""

    commit: str = ""
    dirty: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TestResult:
    """One command of an image's verification, and how it ended."""

    __test__ = False  # not a pytest class
    name: str
    ok: bool
    output: str = ""


class Proof(StrEnum):
    """What kind of machine an image was verified on."""

    LIGHT = "light"
    """It has the computer's kernel: it proves no kernel, no initrd and no fstab of the image."""
    QEMU = "qemu"
    """It boots as any machine does, with the image's own kernel."""

    def covers(self, wanted: Proof) -> bool:
        """Whether what was verified on this is good enough for `wanted`."""
        return self is Proof.QEMU or wanted is Proof.LIGHT


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A baked, immutable disk, as its labels and manifest describe it."""

    id: str
    type: ImageType
    name: str
    cloud: str
    key: str
    parent: str | None
    created: datetime
    verified: bool
    builder: str
    source: Source = field(default_factory=Source)
    packages: tuple[Package, ...] = ()
    tests: tuple[TestResult, ...] = ()
    size: int = 0
    verified_on: Proof = Proof.QEMU
    """How it was verified, where it was; before light trials there were, every image was by a whole boot."""

    @property
    def ref(self) -> str:
        """`TYPE/NAME@KEYPREFIX`, as people type it."""
        return f"{self.type}/{self.name}@{self.key[:12]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """An apt source as a machine needs it. `key`: armoured, empty where unsigned; `keys`: its fingerprints."""

    name: str
    url: str
    distribution: str
    component: str = "main"
    key: str = ""
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """One image, exact packages, settings: everything that decides what a group's instances run."""

    image: str
    image_ref: str
    packages: tuple[Package, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    repositories: tuple[Repository, ...] = ()
    boot_playbook: Package | None = None
    """The `phoenix-boot-KEY` package whose playbook installs the stack at boot (image type `os`)."""
    new_conffiles: bool = False
    """Whether boot work puts the packages' configuration files in the place of those that the image has."""

    @property
    def id(self) -> str:
        """A short digest of what this release runs. A repository's URL or key is a way there, not a part of it."""
        identity = asdict(self)
        del identity["repositories"], identity["image_ref"]
        if not self.new_conffiles:
            del identity["new_conffiles"]  # as releases were told apart before there was a choice
        return hashlib.sha256(json.dumps(identity, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:12]


class InstanceState(StrEnum):
    """What a cloud says of a machine."""

    STARTING = "starting"
    RUNNING = "running"
    LEAVING = "leaving"
    """It finishes its last requests and ends: nobody counts on it any more."""
    DEAD = "dead"
    UNKNOWN = "unknown"


class BootState(StrEnum):
    """How far the boot work of a machine is."""

    UNKNOWN = "unknown"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One machine of a group. `address`: `host:port`, empty while unknown. `protected`: its cloud is not to end it."""

    id: str
    group: str
    state: InstanceState
    boot: BootState
    address: str
    engine: str
    detail: str = ""
    """In words: why it is dead, where its boot work stands, how often its service crashed."""
    failed_units: tuple[str, ...] = ()
    """Service units that entered the failed state, a crash loop that hit its start limit among them."""
    zone: str = ""
    since: datetime | None = None
    """When it was started, as far as the cloud says."""
    restarts: int | None = None
    """How often its services were started again; None: nobody tells."""
    touched: str = ""
    """Who was inside of it last, and when."""
    inside: bool = False
    """Whether somebody is inside of it now, as far as that is known."""
    protected: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalMachine:
    """What an instance on this computer is cut to; the memory in bytes."""

    cpus: int = 1
    memory: int = 512 * 1024 * 1024


Machine = LocalMachine
"""As the programs that run machines of this computer call it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CloudMachine:
    """What an instance of a cloud is made of; the cloud sells machines by types."""

    type: str
    disk: int | None = None
    """Bytes; None: as large as the image's."""
    identity: str | None = None
    """Service account or instance profile."""
    firewall: tuple[str, ...] = ()
    """Network tags or security groups."""
    public_ip: bool = False
    spot: bool = False
    network: str = ""
    """VPC network, where the cloud's entry names one."""
    subnets: tuple[str, ...] = ()
    """Where machines start, and so in which zones."""
    scopes: tuple[str, ...] = ()
    """What its identity's tokens are good for, on clouds that limit them; empty: all that its roles allow."""


MachineKind = CloudMachine | LocalMachine
"""In this order: what has no type is read as a machine of this computer, also where a former version wrote it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How many instances a group wants now, and between which bounds its autoscaler may move that."""

    wanted: int
    least: int
    most: int
    cpu: int | None = None
    """Percent of load that the autoscaler aims at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """How a machine proves that its service works. Times in seconds."""

    path: str = "/healthz"
    status: int = 200
    interval: float = 2.0
    healthy_after: float = 5.0
    """How long it must answer without a break before it counts as healthy."""
    deadline: float = 300.0
    """How long after its start a group may take to become healthy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchTemplate:
    """What a group starts its instances from: frozen when the group is created."""

    image: str
    machine: MachineKind
    port: int
    health: Health
    user_data: str
    """The boot work: a small POSIX shell script."""
    born_with: tuple[str, ...] = ()
    """What the balancer wants a group to be made with (`Traffic.prepare`): a target group, a named port."""
    size: Size | None = None
    """The size it begins with, and its bounds once no pin holds it; None (of a former version): as the group wants."""
    zones: tuple[str, ...] = ()
    """Where its machines are spread; empty: wherever the cloud likes."""
    like: str = ""
    """The group whose schedules, hooks and policies it takes over, as far as its cloud can; empty: none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A managed set of identical instances. One that phoenix did not make serves as well, and is only watched."""

    name: str
    project: str
    service: str
    environment: str
    release: Release | None
    """None: phoenix did not make it, or nobody knows."""
    size: int
    """How many instances are wanted."""
    created: datetime
    instances: tuple[Instance, ...] = ()
    keep_until: datetime | None = None
    """Set on a former group: `tend` burns it after this moment."""
    run: str = ""
    """The run that made it; empty where phoenix did not write it down."""
    shape: str = ""
    """Digest of what its machines are made of and checked by (`shape`)."""
    made: bool = True
    """Whether phoenix made it, for the place that is looked at: others are observed and never changed or deleted."""
    pinned_until: datetime | None = None
    """Set while no autoscaler may make it smaller: `tend` gives it back after this moment."""
    trouble: str = ""
    hopeless: bool = False
    """What keeps it from its size, in the cloud's words, and whether that is certain not to pass by itself."""

    @property
    def staying(self) -> tuple[Instance, ...]:
        """Its instances without those that are leaving."""
        return tuple(i for i in self.instances if i.state is not InstanceState.LEAVING)

    def without(self, instances: frozenset[str]) -> Group:
        """The group as it is without those instances."""
        return replace(self, instances=tuple(i for i in self.instances if i.id not in instances))


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """A group as the balancer sees it."""

    group: str
    share: int
    """0-100: the part of new requests it gets."""
    healthy: int
    """Instances that the balancer's own health check passes; `well` are their ids."""
    total: int
    requests: int | None
    """Requests under way; None where this balancer does not show it."""
    well: frozenset[str] = frozenset()
    leaving: int = 0
    """Requests under way at machines that were taken out of the group and get no new ones."""
    seen: str = ""
    checks: tuple[tuple[str, str], ...] = ()
    """What its check saw of those that are not healthy, in the balancer's own words: of all, and by machine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """The balancer's own view of one service: which group gets which share. Sorted by group."""

    address: str
    """Where clients reach the service."""
    backends: tuple[Backend, ...] = ()
    version: str = ""
    """Of the balancer's route as it was read, where it has one: who writes says on what he decided."""
    elsewhere: str = ""
    """What else than groups gets traffic, in the balancer's words, such as a redirect; empty where nothing does."""

    def backend(self, group: str) -> Backend | None:
        """The balancer's view of `group`, or None where it is not attached."""
        return next((b for b in self.backends if b.group == group), None)

    @property
    def shares(self) -> tuple[tuple[str, int], ...]:
        """The groups that get traffic with their shares, also one that somebody removed by hand. Sorted by group."""
        return tuple((backend.group, backend.share) for backend in self.backends if backend.share)

    @property
    def stable(self) -> str | None:
        """The group that serves: the one with the largest share above 0, of two alike the one that was there first."""
        serving = [b for b in self.backends if b.share > 0]
        return min(serving, key=lambda b: (-b.share, len(b.group), b.group)).group if serving else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A group that took traffic, with what it ran and who served before it: the way back after the group is gone."""

    group: str
    release: Release
    run: str
    at: str
    former: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """One service in one environment, as the cloud, the balancer and the record say it is now."""

    groups: tuple[Group, ...]
    route: Route
    abilities: Abilities
    manner: Manner
    last_number: int = 0
    """The highest group number ever used, from the record: numbers are not used again."""
    served: tuple[Served, ...] = ()
    """The groups that served, oldest first, from the record."""

    def group(self, name: str) -> Group | None:
        """The group of that name, or None."""
        return next((g for g in self.groups if g.name == name), None)

    def turn(self, group: str) -> Served | None:
        """What the record knows of the group's turn at serving, or None."""
        return next((turn for turn in self.served if turn.group == group), None)

    @property
    def stable(self) -> Group | None:
        """The group that the balancer serves now, or None before the first roll."""
        return self.group(self.route.stable) if self.route.stable else None

    @property
    def former(self) -> str | None:
        """The group that served before the one that serves now, as the record tells."""
        turn = self.turn(self.route.stable) if self.route.stable else None
        return turn.former if turn else None
