"""What AWS says of an Auto Scaling group and its machines, as frozen values: nothing here asks AWS.

The keys are those of DescribeAutoScalingGroups and DescribeInstances
(https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from phoenix.clock import from_rfc3339
from phoenix.clouds.aws import labels
from phoenix.clouds.aws.machines.activities import Trouble
from phoenix.errors import CloudError
from phoenix.model import BootState, Group, Instance, InstanceState, Release


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateVersion:
    """A launch template and the number of its version: such data never change."""

    id: str
    number: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A machine as its group knows it."""

    id: str
    type: str
    zone: str
    lifecycle: str
    well: bool
    """False: it is marked unhealthy, and will be replaced."""
    protected: bool
    """From being chosen when the group is made smaller."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What EC2 knows of a machine, and its group does not. Neither changes while it lives."""

    ip: str
    since: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """An Auto Scaling group as it is now."""

    name: str
    size: int
    least: int
    most: int
    created: datetime
    members: tuple[Member, ...]
    tags: Mapping[str, str]
    template: TemplateVersion | None
    """None: it has a launch configuration, or several instance types."""
    suspended: frozenset[str]
    """The processes that somebody, or a pin, stopped."""
    target_groups: tuple[str, ...]
    subnets: tuple[str, ...]
    ending: bool
    """It is being deleted."""

    @property
    def made(self) -> bool:
        """Whether phoenix made it, for whichever project."""
        return bool(self.tags.get(labels.PROJECT))

    @property
    def short(self) -> bool:
        """Whether machines that it wants are not in service."""
        return self.size > sum(1 for member in self.members if member.lifecycle == "InService" and member.well)


def found(answer: Mapping[str, Any]) -> Found:
    """One of the AutoScalingGroups of an answer."""
    return Found(
        name=answer["AutoScalingGroupName"],
        size=int(answer["DesiredCapacity"]),
        least=int(answer["MinSize"]),
        most=int(answer["MaxSize"]),
        created=answer["CreatedTime"].astimezone(UTC),
        members=tuple(_member(each) for each in answer.get("Instances", ())),
        tags=labels.read(answer.get("Tags", ())),
        template=_template(answer.get("LaunchTemplate")),
        suspended=frozenset(each["ProcessName"] for each in answer.get("SuspendedProcesses", ())),
        target_groups=tuple(answer.get("TargetGroupARNs", ())),
        subnets=tuple(filter(None, answer.get("VPCZoneIdentifier", "").split(","))),
        ending=bool(answer.get("Status")),  # it has one while it is deleted, and only then
    )


def machines(reservations: Iterable[Mapping[str, Any]]) -> dict[str, Machine]:
    """The machines of DescribeInstances by their ids."""
    return {
        each["InstanceId"]: Machine(ip=each.get("PrivateIpAddress", ""), since=_utc(each.get("LaunchTime")))
        for reservation in reservations
        for each in reservation["Instances"]
    }


def group(
    seen: Found,
    *,
    release: Release | None,
    machines: Mapping[str, Machine],
    port: str,
    trouble: Trouble | None,
) -> Group:
    """The group as phoenix sees it; `port` is that of its service, empty where nobody knows."""
    tags = seen.tags
    created = _moment(seen, labels.CREATED)
    instances = (instance(member, seen.name, machines.get(member.id), port) for member in seen.members)
    return Group(
        name=seen.name,
        project=tags.get(labels.PROJECT, ""),
        service=tags.get(labels.SERVICE, ""),
        environment=tags.get(labels.ENVIRONMENT, ""),
        release=release if seen.made else None,
        size=seen.size,
        created=created if created and seen.made else seen.created,
        instances=tuple(sorted(instances, key=lambda i: (i.since is None, i.since and i.since.timestamp(), i.id))),
        keep_until=_moment(seen, labels.KEEP_UNTIL),
        run=tags.get(labels.RUN, ""),
        shape=tags.get(labels.SHAPE, ""),
        made=seen.made,
        pinned_until=_moment(seen, labels.PINNED_UNTIL),
        trouble=trouble.words if trouble else "",
        hopeless=trouble is not None and trouble.certain,
    )


def instance(member: Member, group: str, machine: Machine | None, port: str) -> Instance:
    """One machine; its address is unknown until EC2 has told of it."""
    state, detail = state_of(member)
    return Instance(
        id=member.id,
        group=group,
        state=state,
        boot=BootState.UNKNOWN,
        address=f"{machine.ip}:{port}" if machine and machine.ip and port else "",
        engine=member.type,
        detail=detail,
        zone=member.zone,
        since=machine.since if machine else None,
        protected=member.protected,
    )


def state_of(member: Member) -> tuple[InstanceState, str]:
    """The state of a machine, and in words what is special about it.

    What is in standby or leaving counts for nothing that a group wants: AWS does not count it either
    (https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-enter-exit-standby.html). A state that is not known here
    is not ready.
    """
    lifecycle = member.lifecycle
    if lifecycle in ("InService", "RootVolumeReplaced"):
        if not member.well:
            return InstanceState.DEAD, "marked unhealthy: it is to be replaced"
        return InstanceState.RUNNING, "protected from scale-in" if member.protected else ""
    if lifecycle in ("Standby", "EnteringStandby"):
        return InstanceState.LEAVING, "in standby: somebody has set it aside"
    if lifecycle.removeprefix("Warmed:").startswith(("Terminat", "Detach")):
        return InstanceState.LEAVING, _waiting(lifecycle)
    if lifecycle.startswith(("Pending", "Warmed:", "ReplacingRootVolume")):
        return InstanceState.STARTING, _waiting(lifecycle)
    return InstanceState.UNKNOWN, f"in the state {lifecycle}"


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None


def _waiting(lifecycle: str) -> str:
    if lifecycle.endswith(":Wait"):
        return "waiting for a lifecycle hook"
    return "kept by a lifecycle hook that failed" if lifecycle.endswith(":Retained") else ""


def _member(answer: Mapping[str, Any]) -> Member:
    return Member(
        id=answer["InstanceId"],
        type=answer.get("InstanceType", ""),
        zone=answer.get("AvailabilityZone", ""),
        lifecycle=answer["LifecycleState"],
        well=answer.get("HealthStatus", "Healthy").lower() == "healthy",
        protected=bool(answer.get("ProtectedFromScaleIn")),
    )


def _template(answer: Mapping[str, Any] | None) -> TemplateVersion | None:
    if not answer or "LaunchTemplateId" not in answer or "Version" not in answer:
        return None
    return TemplateVersion(id=answer["LaunchTemplateId"], number=str(answer["Version"]))


def _moment(seen: Found, key: str) -> datetime | None:
    text = seen.tags.get(key)
    if not text:
        return None
    try:
        return from_rfc3339(text)
    except ValueError as error:
        raise CloudError(
            f"the tag {key} of the group {seen.name} cannot be read",
            details=f"it says {text!r}, and a moment such as 2026-01-31T12:00:00Z was expected",
            resolution="Somebody changed it: set it right, or take it off.",
        ) from error
