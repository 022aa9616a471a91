"""Groups, their instances and their activities: what is known of them, and how the API shows it.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.emulators.aws.answers import Shape
from tests.emulators.aws.emulated import ACCOUNT

PROCESSES = (
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
)
"""https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html"""
CONFIGURATION = "LaunchConfigurationName"
ON_THE_WAY = frozenset({"Pending", "Pending:Wait", "Pending:Proceed"})
COUNTED = ON_THE_WAY | {"InService"}
"""The states that count towards the desired capacity."""
SHOWN_AS_GIVEN = (
    "MixedInstancesPolicy",
    "PlacementGroup",
    "VPCZoneIdentifier",
    "ServiceLinkedRoleARN",
    "MaxInstanceLifetime",
    "Context",
    "DesiredCapacityType",
    "DefaultInstanceWarmup",
    "InstanceMaintenancePolicy",
    "DeletionProtection",
    "AvailabilityZoneDistribution",
    "AvailabilityZoneImpairmentPolicy",
    "CapacityReservationSpecification",
    "WarmPoolConfiguration",
)


@dataclass
class Activity:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Activity.html"""

    group: str
    description: str
    cause: str
    begun: datetime
    status: str = "InProgress"
    message: str = ""
    ended: datetime | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def end(self, status: str, at: datetime, message: str = "") -> None:
        """Over, and how."""
        self.status, self.ended, self.message = status, at, message

    def shape(self) -> Shape:
        """As the API shows it."""
        shape: Shape = {
            "ActivityId": self.id,
            "AutoScalingGroupName": self.group,
            "Description": self.description,
            "Cause": self.cause,
            "StartTime": self.begun,
            "StatusCode": self.status,
            "Progress": 100 if self.ended else 50,
            "Details": "{}",
        }
        if self.ended:
            shape["EndTime"] = self.ended
        if self.message:
            shape["StatusMessage"] = self.message
        return shape


@dataclass
class Waiting:
    """A lifecycle hook that an instance waits for."""

    token: str
    begun: float
    until: float


@dataclass
class Member:
    """One instance of a group. https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Instance.html"""

    id: str
    zone: str
    type: str
    image: str
    template: Mapping[str, str]
    """Id, name and the number of the version that it was started from."""
    launched: float
    activity: Activity
    """The one under way, or the last."""
    state: str = "Pending"
    healthy: bool = True
    protected: bool = False
    in_service: float | None = None
    """Since when."""
    waiting: dict[str, Waiting] = field(default_factory=dict)
    """By the hook's name."""
    rebalancing: bool = False
    """It was launched beyond the desired capacity, to even the zones out."""

    @property
    def counted(self) -> bool:
        """Whether it counts towards the desired capacity."""
        return self.state in COUNTED

    def shape(self) -> Shape:
        """As the API shows it."""
        return {
            "InstanceId": self.id,
            "InstanceType": self.type,
            "AvailabilityZone": self.zone,
            "LifecycleState": self.state,
            "HealthStatus": "Healthy" if self.healthy else "Unhealthy",
            "ProtectedFromScaleIn": self.protected,
            "ImageId": self.image,
            **started_from(self.template),
        }


@dataclass
class Hook:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LifecycleHook.html"""

    name: str
    transition: str
    timeout: int = 3600
    default: str = "ABANDON"
    more: Shape = field(default_factory=dict)


@dataclass
class Attached:
    """A target group that is attached, or a traffic source of another type."""

    identifier: str
    type: str = "elbv2"
    by_source: bool = False
    """By AttachTrafficSources, and not by AttachLoadBalancerTargetGroups."""
    removing: bool = False


@dataclass
class Group:
    """One Auto Scaling group."""

    name: str
    region: str
    created: datetime
    minimum: int
    maximum: int
    desired: int
    zones: list[str]
    subnets: dict[str, str]
    """The subnet of each zone; none without a VPC."""
    template: Mapping[str, str] | None
    """Id, name and version, as the group was given it."""
    refreshing: Mapping[str, str] | None = None
    """What a refresh under way launches from instead."""
    health_check: str = "EC2"
    grace: int = 0
    cooldown: int = 300
    policies: list[str] = field(default_factory=lambda: ["Default"])
    protect_new: bool = False
    rebalance_capacity: bool = False
    attached: list[Attached] = field(default_factory=list)
    tags: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Value, and whether it is propagated at launch, by key."""
    suspended: set[str] = field(default_factory=set)
    metrics: list[str] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    activities: list[Activity] = field(default_factory=list)
    """The newest first."""
    hooks: dict[str, Hook] = field(default_factory=dict)
    given: Shape = field(default_factory=dict)
    deleting: bool = False
    retrying: bool = False
    """The next try of a failed launch stands in the agenda."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def arn(self) -> str:
        """Its name in policies."""
        return (
            f"arn:aws:autoscaling:{self.region}:{ACCOUNT}:autoScalingGroup:{self.id}:autoScalingGroupName/{self.name}"
        )

    @property
    def counted(self) -> list[Member]:
        """The instances that count towards the desired capacity."""
        return [member for member in self.members.values() if member.counted]

    @property
    def by_zone(self) -> Counter[str]:
        """How many are counted in each zone, with those that have none."""
        found = Counter(dict.fromkeys(self.zones, 0))
        found.update(member.zone for member in self.counted)
        return found

    @property
    def target_groups(self) -> list[str]:
        """The ARNs of the target groups that instances are registered with."""
        return [one.identifier for one in self.attached if one.type == "elbv2" and not one.removing]

    def does(self, process: str) -> bool:
        """Whether a process is not suspended."""
        return process not in self.suspended

    def shape(self) -> Shape:
        """As the API shows it."""
        shape: Shape = {
            "AutoScalingGroupName": self.name,
            "AutoScalingGroupARN": self.arn,
            "MinSize": self.minimum,
            "MaxSize": self.maximum,
            "DesiredCapacity": self.desired,
            "DefaultCooldown": self.cooldown,
            "AvailabilityZones": list(self.zones),
            "LoadBalancerNames": [],
            "TargetGroupARNs": [one.identifier for one in self.attached if one.type == "elbv2"],
            "HealthCheckType": self.health_check,
            "HealthCheckGracePeriod": self.grace,
            "Instances": [member.shape() for member in self.members.values()],
            "CreatedTime": self.created,
            "SuspendedProcesses": [
                {"ProcessName": name, "SuspensionReason": "User suspended"} for name in sorted(self.suspended)
            ],
            "EnabledMetrics": [{"Metric": name, "Granularity": "1Minute"} for name in self.metrics],
            "Tags": self.tag_shapes(),
            "TerminationPolicies": list(self.policies),
            "NewInstancesProtectedFromScaleIn": self.protect_new,
            "CapacityRebalance": self.rebalance_capacity,
            "TrafficSources": [{"Identifier": one.identifier, "Type": one.type} for one in self.attached],
        }
        if self.template and not self.given.get("MixedInstancesPolicy"):
            shape |= started_from(self.template)
        if self.deleting:
            shape["Status"] = "Delete in progress"
        return shape | {name: self.given[name] for name in SHOWN_AS_GIVEN if self.given.get(name) is not None}

    def tag_shapes(self) -> list[Shape]:
        """Its tags as the API shows them."""
        return [
            {
                "ResourceId": self.name,
                "ResourceType": "auto-scaling-group",
                "Key": key,
                "Value": value,
                "PropagateAtLaunch": propagated,
            }
            for key, (value, propagated) in self.tags.items()
        ]


def started_from(template: Mapping[str, str]) -> Shape:
    """A launch template as the API shows it, or the name of a launch configuration."""
    return dict(template) if CONFIGURATION in template else {"LaunchTemplate": dict(template)}


def first_to_go(group: Group, count: int) -> list[Member]:
    """Whom a scale-in ends: outside the group's zones, else in the fullest one; of the oldest template, the oldest.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html
    """
    chosen: list[Member] = []
    full = Counter(group.by_zone)

    def order(member: Member) -> tuple[Any, ...]:
        return (
            member.zone in group.zones,
            -full[member.zone],
            int(member.template.get("Version", 0)),
            member.launched,
            member.id,
        )

    for _each in range(count):
        free = [member for member in group.counted if not member.protected and member not in chosen]
        if not free:
            break
        chosen.append(min(free, key=order))
        full[chosen[-1].zone] -= 1
    return chosen
