"""The form of a service's `environments`: size, machine, balancer, strategy."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from phoenix import units
from phoenix.manner import HEADERS, Forwarded
from phoenix.model import CloudMachine, LocalMachine, MachineKind, Proof
from phoenix.spec.clouds import AwsCloud, CloudSpec, GcpCloud, LocalCloud
from phoenix.spec.form.fields import (
    Boolean,
    Bytes,
    Duration,
    Form,
    Integer,
    Matches,
    Name,
    Packages,
    Setting,
    Share,
    Text,
    Unit,
    Word,
    written,
    wrong,
)
from phoenix.spec.form.health import HealthForm
from phoenix.spec.form.hooks import HooksOverForm, none_written
from phoenix.spec.services import (
    MOST_MACHINES,
    AwsBalancer,
    Balancer,
    BlueGreen,
    Canary,
    EnvironmentSpec,
    GcpBackendService,
    GcpUrlMap,
    LocalBalancer,
    Rolling,
    Size,
    Strategy,
)

_BYTE = "[0-9]{1,3}"
Listen = Annotated[
    str,
    Matches(
        re.compile(rf"(({_BYTE}\.){{3}}{_BYTE}|localhost|\[[0-9A-Fa-f:.]{{2,45}}\]):[0-9]{{1,5}}", re.ASCII),
        "address",
        "IP:PORT such as 127.0.0.1:8000, localhost:8000 or [::1]:8000",
    ),
]
Address = Annotated[
    str,
    Matches(
        re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?"),
        "address",
        "http(s)://HOST, with :PORT and /PATH if need be; the service's health path where there is no path",
    ),
]
AlarmName = Annotated[
    str, Matches(re.compile(r"[^\s\0]([^\0\n]{0,253}[^\s\0])?"), "alarm", "its name, at most 255 characters")
]


def _some_headers(size: int) -> int:
    if not FEWEST_HEADERS <= size <= MOST_HEADERS:
        raise wrong(f"{size} bytes are no size of headers; accepted: 4K to 256K")
    return size


FEWEST_HEADERS, MOST_HEADERS = 4 * 1024, 256 * 1024
"""Bytes: of fewer a browser's own would be refused; and HAProxy keeps twice so many for each connection."""
Headers = Annotated[Bytes, AfterValidator(_some_headers)]
Alarms = Annotated[list[AlarmName], Field(max_length=100)]
ALARMS = "Alarms of the cloud: the roll is undone while one rings (aws)."
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html: priorities are 1 to 50000
_PRIORITY = re.compile(r"default|[1-9][0-9]{0,3}|[1-4][0-9]{4}|50000", re.ASCII)
Rule = Annotated[str, Matches(_PRIORITY, "rule", "default, or a priority, 1 to 50000")]


LIFE_FORM = f"never, or {units.DURATION_FORM}"


def _life(text: str) -> float | None:
    if text != "never" and not units.DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no duration; accepted: {LIFE_FORM}")
    return None if text == "never" else units.duration(text)


Life = Annotated[
    float | None,
    BeforeValidator(Unit(_life, "duration", LIFE_FORM, "2h"), json_schema_input_type=str),
]
"""Seconds; None: without an end."""
Count = Annotated[Integer, Field(ge=1, le=MOST_MACHINES)]
Percent = Annotated[Integer, Field(ge=1, le=100)]


def _some(percent: int) -> int:
    if percent < 1:
        raise wrong("0% is no load to aim at; accepted: 1% to 100%")
    return percent


class SizeForm(Form):
    """How many machines, between `min` and `max` by load."""

    min: Count = Field(description="Machines there always are.", examples=[4])
    max: Count = Field(description="Machines there are at most.", examples=[20])
    cpu: Annotated[Share, AfterValidator(_some)] | None = Field(
        default=None, description="Load that the autoscaler aims at; there is no autoscaler.", examples=["60%"]
    )

    def read(self) -> Size:
        """The frozen value."""
        return Size(minimum=self.min, maximum=self.max, cpu=self.cpu)


def _long_size(value: object) -> object:
    number = isinstance(value, int) and not isinstance(value, bool)
    return {"min": value, "max": value} if number else value


class MachineForm(Form):
    """What a machine is made of: `cpus` and `memory` on the local cloud, a `type` elsewhere."""

    cpus: Annotated[Integer, Field(ge=1, le=64)] = Field(default=1, description="Processors (local).", examples=[2])
    memory: Bytes = Field(default=written("512M"), description="Memory (local).", examples=["1G"])
    type: Word | None = Field(default=None, description="Machine type (gcp, aws); needed there.", examples=["t3.small"])
    disk: Bytes | None = Field(default=None, description="Size of the disk (gcp, aws); as large as the image's.")
    identity: Word | None = Field(
        default=None, description="Service account or instance profile (gcp, aws).", examples=["web-profile"]
    )
    firewall: list[Word] = Field(
        default=[], description="Network tags or security groups (gcp, aws).", examples=[["sg-0a1b2c3d"]]
    )
    public_ip: Boolean = Field(default=False, description="Whether machines get public addresses (gcp, aws).")
    spot: Boolean = Field(default=False, description="Whether they may be spot machines (gcp, aws).")
    scopes: list[Word] = Field(
        default=[],
        description="Scopes of the service account's tokens (gcp); cloud-platform, so that roles decide.",
        examples=[["https://www.googleapis.com/auth/cloud-platform"]],
    )

    def read(self, cloud: CloudSpec) -> MachineKind:
        """The frozen value of a machine of that cloud."""
        if isinstance(cloud, LocalCloud):
            return LocalMachine(cpus=self.cpus, memory=self.memory)
        return CloudMachine(
            type=self.type or "",
            disk=self.disk,
            identity=self.identity,
            firewall=tuple(self.firewall),
            public_ip=self.public_ip,
            spot=self.spot,
            scopes=tuple(self.scopes),
            network=cloud.network_path if isinstance(cloud, GcpCloud) else "",
            subnets=_subnets(cloud),
        )


def _subnets(cloud: GcpCloud | AwsCloud) -> tuple[str, ...]:
    if isinstance(cloud, AwsCloud):
        return cloud.subnets
    return (cloud.subnetwork_path,) if cloud.subnetwork_path else ()


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class LoadBalancerForm(Form):
    """Where clients reach the service; which keys are needed depends on the cloud."""

    listen: Listen | None = Field(
        default=None,
        description="Address HAProxy listens on (local), IPv4 or IPv6; needed there.",
        examples=["127.0.0.1:8000"],
    )
    headers: Headers | None = Field(
        default=None,
        description="Bytes that the headers of a request or an answer may have (local); 16K.",
        examples=["32K"],
    )
    forwarded: Literal["replace", "append"] | None = Field(
        default=None,
        description="Whether a client's own X-Forwarded-For goes or stays in front (local); it goes.",
        examples=["append"],
    )
    listener: Word | None = Field(
        default=None,
        description="ARN of the listener (aws); needed there.",
        examples=["arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/1a2b/3c4d"],
    )
    rule: Annotated[Rule, BeforeValidator(_text, json_schema_input_type=str | int)] | None = Field(
        default=None, description="`default`, or a rule's priority (aws); `default`.", examples=["default"]
    )
    url_map: Word | None = Field(
        default=None,
        description="URL map, for exact shares (gcp); needed there, or `backend_service`.",
        examples=["web"],
    )
    route: Word | None = Field(
        default=None, description="`default`, or a path matcher of the URL map (gcp); `default`.", examples=["default"]
    )
    backend_service: Word | None = Field(
        default=None,
        description="Backend service, for blue-green and rolling (gcp); needed there, or `url_map`.",
        examples=["web"],
    )
    region: Word | None = Field(
        default=None, description="Region of a regional load balancer (gcp); a global one.", examples=["us-central1"]
    )
    address: Address | None = Field(
        default=None,
        description="Url asked after each shift (gcp, aws); the balancer's own view alone counts.",
        examples=["https://www.acme.example"],
    )

    def read(self) -> Balancer:
        """The frozen value; which one is told by the one key that says where."""
        if self.listener is not None:
            return AwsBalancer(listener=self.listener, rule=self.rule or "default", address=self.address)
        if self.url_map is not None:
            return GcpUrlMap(
                url_map=self.url_map, route=self.route or "default", region=self.region, address=self.address
            )
        if self.backend_service is not None:
            return GcpBackendService(backend_service=self.backend_service, region=self.region, address=self.address)
        return LocalBalancer(
            listen=re.sub("^localhost:", "127.0.0.1:", self.listen or ""),
            headers=self.headers or HEADERS,
            forwarded=Forwarded(self.forwarded or "replace"),
        )


class BlueGreenForm(Form):
    """Start a whole group, move all traffic at once, keep the former group for a while."""

    kind: Literal["blue-green"] = Field(description="How the new group gets its traffic.")
    keep: Duration = Field(default=written("30m"), description="How long the former group stands by.", examples=["1h"])
    alarms: Alarms = Field(default=[], description=ALARMS, examples=[["web-5xx"]])

    def read(self) -> Strategy:
        """The frozen value."""
        return BlueGreen(keep=self.keep, alarms=tuple(self.alarms))


def _step(value: Any) -> Any:
    accepted = "a number of machines from 1, or a share from 1% to 100%"
    text = f"{value}"
    number = re.fullmatch(r"([0-9]{1,3})%?", text, re.ASCII)
    if isinstance(value, bool) or not number or not 1 <= int(number[1]) <= (100 if text.endswith("%") else 999):
        raise wrong(f"{value!r} is no step; accepted: {accepted}")
    return text


class RollingForm(Form):
    """Grow the new group by a step, move that share, shrink the old group by as many."""

    kind: Literal["rolling"] = Field(description="How the new group gets its traffic.")
    step: Annotated[str, BeforeValidator(_step, json_schema_input_type=str | int)] = Field(
        default="25%", description="Machines per step, such as 2, or their share.", examples=["25%"]
    )
    alarms: Alarms = Field(default=[], description=ALARMS, examples=[["web-5xx"]])

    def read(self) -> Strategy:
        """The frozen value."""
        return Rolling(step=int(self.step.rstrip("%")), percent=self.step.endswith("%"), alarms=tuple(self.alarms))


class CanaryForm(Form):
    """Give the new group growing shares, watch each for a time, hold for a human at some."""

    kind: Literal["canary"] = Field(description="How the new group gets its traffic.")
    steps: Annotated[list[Percent], Field(min_length=1)] = Field(
        description="Shares in percent, growing to 100.", examples=[[5, 25, 50, 100]]
    )
    soak: Duration = Field(default=written("10m"), description="How long each share is watched.")
    hold: list[Percent] = Field(default=[], description="Shares at which a human promotes.", examples=[[25]])
    keep: Duration = Field(default=written("30m"), description="How long the former group stands by.", examples=["1h"])
    alarms: Alarms = Field(default=[], description=ALARMS, examples=[["web-5xx"]])

    def read(self) -> Strategy:
        """The frozen value."""
        return Canary(
            steps=tuple(self.steps),
            soak=self.soak,
            hold=tuple(self.hold),
            keep=self.keep,
            alarms=tuple(self.alarms),
        )


class EnvironmentForm(Form):
    """Where a service lives."""

    cloud: Name = Field(description="Cloud of this file.", examples=["local"])
    size: Annotated[SizeForm, BeforeValidator(_long_size, json_schema_input_type=Count | SizeForm)] = Field(
        description="How many machines: a number, or {min, max, cpu} where the cloud has an autoscaler.", examples=[2]
    )
    machine: MachineForm = Field(
        default_factory=MachineForm, description="What a machine is made of.", examples=[{"cpus": 1, "memory": "512M"}]
    )
    load_balancer: LoadBalancerForm = Field(
        description="Where clients reach the service.", examples=[{"listen": "127.0.0.1:8000"}]
    )
    strategy: Annotated[BlueGreenForm | RollingForm | CanaryForm, Field(discriminator="kind")] = Field(
        default_factory=lambda: BlueGreenForm(kind="blue-green"),
        description="How a new release gets its traffic; `blue-green`.",
        examples=[{"kind": "blue-green", "keep": "1h"}],
    )
    verify: Literal["light", "qemu"] | None = Field(
        default=None,
        description="How its images are verified (local): on a light machine, or booted in QEMU; as its machines.",
        examples=["qemu"],
    )
    touched_for: Life = Field(
        default=written("never"),
        description="How long a machine somebody was inside of may live (local); then `tend` replaces it.",
    )
    zones: Annotated[list[Word], Field(min_length=1)] | None = Field(
        default=None,
        description="Zones that machines are spread over (gcp); all of the region.",
        examples=[["us-central1-b", "us-central1-c"]],
    )
    not_carried: Literal["accept"] | None = Field(
        default=None, description="A roll may leave settings of the live group behind, which its plan names (gcp, aws)."
    )

    settings: dict[Setting, Text] = Field(
        default={}, description="Over the service's own, key by key.", examples=[{"GREETING": "Hello there"}]
    )
    packages: Packages = Field(
        default=[],
        description="Over the service's own, name by name.",
        examples=[[{"name": "hello", "version": "1.2.3"}]],
    )
    hooks: HooksOverForm = Field(
        default_factory=none_written,
        description="Over the service's own, point by point.",
        examples=[{"before_traffic": []}],
    )

    def read(
        self, name: str, cloud: CloudSpec, health: HealthForm, repositories: tuple[str, ...] = ()
    ) -> EnvironmentSpec:
        """The frozen value, on that cloud; `repositories` are those of the file."""
        return EnvironmentSpec(
            name=name,
            cloud=self.cloud,
            size=self.size.read(),
            machine=self.machine.read(cloud),
            load_balancer=self.load_balancer.read(),
            strategy=self.strategy.read(),
            touched_for=self.touched_for,
            verify=Proof(self.verify) if self.verify else None,
            zones=tuple(self.zones or ()),
            accepts_not_carried=self.not_carried is not None,
            health=None if isinstance(cloud, LocalCloud) else health.read(cloud.kind),
            settings=self.settings,
            packages=tuple(package.read(repositories) for package in self.packages),
            hooks=self.hooks.read(),
        )
