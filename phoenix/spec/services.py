"""The `services` of `phoenix.yaml`: what is rolled, and the environments it lives in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from phoenix.manner import HEADERS, Forwarded, Timeouts
from phoenix.model import Health, MachineKind, Proof
from phoenix.model import Size as Limits
from phoenix.spec.images import ImageName, PackageWish


@dataclass(frozen=True, kw_only=True, slots=True)
class Hook:
    """A command run at a point of a roll; it fails the roll where it exits non-zero or outlasts `timeout` seconds."""

    command: str
    timeout: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Hooks:
    """The points of a roll at which hooks run."""

    before_traffic: tuple[Hook, ...] = ()
    after_traffic: tuple[Hook, ...] = ()
    on_abort: tuple[Hook, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BlueGreen:
    """Start a whole candidate group, move all traffic at once, keep the former group for `keep` seconds."""

    keep: float
    alarms: tuple[str, ...] = ()
    """The roll is undone while one of these rings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rolling:
    """Grow the candidate by a step, move that share, shrink the stable group by as many."""

    step: int
    """Instances per step, or percent where `percent`."""
    percent: bool
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Canary:
    """Give the candidate growing shares, watch each for `soak` seconds, hold for a human at some."""

    steps: tuple[int, ...]
    soak: float
    hold: tuple[int, ...]
    keep: float
    alarms: tuple[str, ...] = ()


Strategy = BlueGreen | Rolling | Canary


MOST_MACHINES = 1000
"""Machines of one group, whoever asks for them: a larger number is a slip of the hand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How many instances: fixed where `minimum == maximum`. `cpu` is the autoscaler's target share."""

    minimum: int
    maximum: int
    cpu: int | None = None

    @property
    def limits(self) -> Limits:
        """As a group of this size is told."""
        return Limits(wanted=self.minimum, least=self.minimum, most=self.maximum, cpu=self.cpu)


LONGEST = 7 * 86400.0
"""Seconds that a time limit of a balancer may have; HAProxy counts milliseconds in 31 bits."""


def longest(drain: float) -> float:
    """Seconds that a machine may be silent while it owes an answer, where the file does not say."""
    return min(max(Timeouts().response, drain), LONGEST)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalBalancer:
    """A HAProxy of the service's own on this computer."""

    listen: str
    """IP:PORT."""
    headers: int = HEADERS
    """Bytes that the headers of a request, and of an answer, may have."""
    forwarded: Forwarded = Forwarded.REPLACE
    """What becomes of addresses that a client says a request came by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsBalancer:
    """A rule of a load balancer's listener."""

    listener: str
    """Its ARN."""
    rule: str
    """`default`, or the rule's priority."""
    address: str | None = None
    """Url of the service: it is asked there after each shift. None: the balancer's own view alone counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GcpUrlMap:
    """A route of a URL map, which gives each backend service its exact share."""

    url_map: str
    route: str
    """`default`, or the name of a path matcher."""
    region: str | None = None
    """Of a regional load balancer; None: a global one."""
    address: str | None = None
    """As of an `AwsBalancer`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GcpBackendService:
    """One backend service with several groups behind it, which share by their capacity."""

    backend_service: str
    region: str | None = None
    """As of a `GcpUrlMap`."""
    address: str | None = None
    """As of an `AwsBalancer`."""


GcpBalancer = GcpUrlMap | GcpBackendService
Balancer = LocalBalancer | AwsBalancer | GcpBalancer
"""Where clients reach the service."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentSpec:
    """Where a service lives: cloud, size, machine, balancer, strategy."""

    name: str
    cloud: str
    size: Size
    machine: MachineKind
    load_balancer: Balancer
    verify: Proof | None = None
    """How images are verified for it (local); None: as its machines are."""
    strategy: Strategy
    touched_for: float | None = None
    """Seconds that a machine somebody was inside of may live (local); None: as long as its group."""
    zones: tuple[str, ...] = ()
    """Where machines are spread; empty: over all of the region, or wherever the cloud's subnets are."""
    accepts_not_carried: bool = False
    """Whether a roll may leave settings of the live group behind that a new group cannot be given."""
    health: Health | None = None
    """How machines prove themselves here; None: as the service says."""
    settings: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[PackageWish, ...] = ()
    hooks: Mapping[str, tuple[Hook, ...]] = field(default_factory=dict)
    """What it has over the service's own: by setting, by package, by point of a roll."""
    stands_on: tuple[tuple[str, str], ...] = ()
    """The outputs of stacks that it, its service or its cloud refers to, and what they came to."""

    @property
    def own(self) -> tuple[str, ...]:
        """What it has over the service's own, in words."""
        packages = [f"{each.name}={each.version}" if each.version else each.name for each in self.packages]
        parts = {"settings": sorted(self.settings), "packages": packages, "hooks": sorted(self.hooks)}
        return tuple(f"{kind} {', '.join(names)}" for kind, names in parts.items() if names)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceSpec:
    """The thing that is rolled."""

    name: str
    image: ImageName
    packages: tuple[PackageWish, ...]
    settings: Mapping[str, str]
    port: int
    health: Health
    drain: float
    min_healthy: int | None
    """Percent; None is the default: 100 below 10 instances, 90 from there."""
    hooks: Hooks
    foundation: ImageName | None = None
    """The foundation recipe whose playbook installs the stack at boot, where `image` is an os image."""
    orphan: str
    """What `tend` does with a run whose process died: `abort` or `resume`."""
    timeouts: Timeouts | None = None
    """The time limits of its balancer, where that is phoenix's own; None: the file says nothing."""
    new_conffiles: bool = False
    """Whether its packages' configuration files take the place of those that the image has."""
    environments: Mapping[str, EnvironmentSpec]

    @property
    def limits(self) -> Timeouts:
        """The time limits of its balancer: by themselves so long that it cuts no request that `drain` would spare."""
        return self.timeouts or Timeouts(response=longest(self.drain))

    def at(self, environment: EnvironmentSpec) -> ServiceSpec:
        """The service as it is in that environment of it."""
        packages = {each.name: each for each in (*self.packages, *environment.packages)}
        return replace(
            self,
            health=environment.health or self.health,
            settings={**self.settings, **environment.settings},
            packages=tuple(packages.values()),
            hooks=replace(self.hooks, **environment.hooks),
        )
