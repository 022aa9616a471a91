"""Groups by the API: made, changed, sized, deleted, shown.

moto overwrites a group of the same name, deletes one with instances, and sizes one beyond its maximum.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException

from tests.emulators.aws import behind
from tests.emulators.aws.answers import Answers, Asked, Shape, paged
from tests.emulators.aws.autoscaling.checks import Checks
from tests.emulators.aws.autoscaling.engine import Engine
from tests.emulators.aws.autoscaling.found import named, standing
from tests.emulators.aws.autoscaling.model import Attached, Group
from tests.emulators.aws.autoscaling.records import hook_of
from tests.emulators.aws.autoscaling.templates import check_image, specified
from tests.emulators.aws.elbv2 import using
from tests.emulators.aws.faults import RefusedError

BY_USER = "a user request"


class Groups:
    """Answers about groups as wholes."""

    def __init__(self, engine: Engine, checks: Checks) -> None:
        self._engine = engine
        self._checks = checks

    def add_to(self, answers: Answers) -> None:
        """Answer instead of moto."""
        answers.add(
            "autoscaling",
            CreateAutoScalingGroup=self._create,
            UpdateAutoScalingGroup=self._update,
            DeleteAutoScalingGroup=self._delete,
            DescribeAutoScalingGroups=self._describe,
            SetDesiredCapacity=self._set_desired_capacity,
            DescribeScalingActivities=self._describe_scaling_activities,
        )

    def _create(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html"""
        name, region, emulated = asked.get("AutoScalingGroupName"), asked.region, self._engine.emulated
        if (region, name) in self._engine.groups:
            raise RefusedError(
                "AlreadyExists",
                f"AutoScalingGroup by this name already exists - A group with the name {name} already exists",
            )
        if sum(of == region for of, _name in self._engine.groups) >= emulated.settings.groups:
            raise RefusedError("LimitExceeded", "You have reached the limit of Auto Scaling groups")
        template = specified(region, asked.parameters)
        if template is None:
            raise RefusedError("ValidationError", "Valid requests must contain either LaunchTemplate or others")
        check_image(region, template)
        zones, subnets = _places(region, asked)
        least, most = int(asked.get("MinSize")), int(asked.get("MaxSize"))
        group = Group(
            name=name,
            region=region,
            created=emulated.clock.date,
            minimum=least,
            maximum=most,
            desired=int(asked.get("DesiredCapacity", least)),
            zones=zones,
            subnets=subnets,
            template=template,
            attached=_attached(asked),
            tags=tags_of(asked.get("Tags", [])),
            hooks={
                entry["LifecycleHookName"]: hook_of(entry) for entry in asked.get("LifecycleHookSpecificationList", [])
            },
        )
        _take_over(group, asked)
        _check_sizes(group)
        self._engine.groups[region, group.name] = group
        self._checks.begin(group)
        self._engine.settle(group, f"{BY_USER} created the group, with a desired capacity of {group.desired}")
        return {}

    def _update(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html

        "If a new value for MinSize is specified without setting DesiredCapacity, and the new MinSize is larger than the
        current size of the group, this sets the group's DesiredCapacity to the new MinSize value"; MaxSize likewise.
        """
        group = standing(self._engine, asked)
        least, most = int(asked.get("MinSize", group.minimum)), int(asked.get("MaxSize", group.maximum))
        desired = asked.get("DesiredCapacity")
        if desired is None:
            desired = max(least, min(group.desired, most)) if least <= most else group.desired
        sized = Group(**{**vars(group), "minimum": least, "maximum": most, "desired": int(desired)})
        _check_sizes(sized)
        template = specified(group.region, asked.parameters)
        if asked.get("VPCZoneIdentifier") or asked.get("AvailabilityZones"):
            group.zones, group.subnets = _places(group.region, asked)
        if template:
            group.template = template
        group.minimum, group.maximum, group.desired = least, most, int(desired)
        _take_over(group, asked)
        self._engine.settle(group, f"{BY_USER} updated the group, with a desired capacity of {group.desired}")
        return {}

    def _delete(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteAutoScalingGroup.html"""
        group, force = named(self._engine, asked), bool(asked.get("ForceDelete"))
        protection = group.given.get("DeletionProtection", "none")
        if protection == "prevent-all-deletion" or (force and protection == "prevent-force-deletion"):
            raise RefusedError("ValidationError", f"The group {group.name} has deletion protection: {protection}")
        if group.members and not force and not group.deleting:
            if all(member.state.startswith("Terminating") for member in group.members.values()):
                raise RefusedError(
                    "ScalingActivityInProgress",
                    "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that "
                    "group.",
                )
            raise RefusedError(
                "ResourceInUse",
                "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) "
                "still in the group.",
            )
        group.deleting, group.desired, group.minimum = True, 0, 0
        for member in list(group.members.values()):
            self._engine.end(group, member, f"{BY_USER} force-deleted the group", patient=False)
        if not group.members:
            self._engine.groups.pop((group.region, group.name), None)
        return {}

    def _describe(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html"""
        wanted, filters = asked.get("AutoScalingGroupNames", []), asked.get("Filters", [])
        shown = [
            group
            for (region, name), group in sorted(self._engine.groups.items())
            if region == asked.region and (not wanted or name in wanted) and all(_passes(group, one) for one in filters)
        ]
        page = paged(asked, "AutoScalingGroups", shown)
        return page | {"AutoScalingGroups": [_shape(group, asked) for group in page["AutoScalingGroups"]]}

    def _set_desired_capacity(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetDesiredCapacity.html"""
        group, wanted = standing(self._engine, asked), int(asked.get("DesiredCapacity"))
        for beyond, bound, word in (
            (wanted > group.maximum, group.maximum, "above max"),
            (wanted < group.minimum, group.minimum, "below min"),
        ):
            if beyond:
                raise RefusedError(
                    "ValidationError",
                    f"New SetDesiredCapacity value {wanted} is {word} value {bound} for the AutoScalingGroup.",
                )
        former, group.desired = group.desired, wanted
        self._engine.settle(
            group,
            f"{BY_USER} explicitly set group desired capacity changing the desired capacity from {former} to {wanted}",
        )
        return {}

    def _describe_scaling_activities(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScalingActivities.html"""
        wanted = set(asked.get("ActivityIds", []))
        groups = (
            [named(self._engine, asked)] if asked.get("AutoScalingGroupName") else list(self._engine.groups.values())
        )
        shown = [
            activity
            for group in groups
            if group.region == asked.region
            for activity in group.activities
            if not wanted or activity.id in wanted
        ]
        page = paged(asked, "Activities", shown, usual=100)
        return page | {"Activities": [activity.shape() for activity in page["Activities"]]}


def _shape(group: Group, asked: Asked) -> Shape:
    return group.shape() if asked.get("IncludeInstances", True) else group.shape() | {"Instances": []}


def tags_of(given: list[Mapping[str, Any]]) -> dict[str, tuple[str, bool]]:
    """Tags as a group keeps them."""
    return {
        tag["Key"]: (tag.get("Value") or "", str(tag.get("PropagateAtLaunch", False)).lower() == "true")
        for tag in given
    }


def _take_over(group: Group, asked: Asked) -> None:
    group.health_check = asked.get("HealthCheckType") or group.health_check
    group.grace = int(asked.get("HealthCheckGracePeriod", group.grace))
    group.cooldown = int(asked.get("DefaultCooldown", group.cooldown))
    group.policies = asked.get("TerminationPolicies") or group.policies
    group.protect_new = bool(asked.get("NewInstancesProtectedFromScaleIn", group.protect_new))
    group.rebalance_capacity = bool(asked.get("CapacityRebalance", group.rebalance_capacity))
    other = {"LaunchTemplate": "MixedInstancesPolicy", "MixedInstancesPolicy": "LaunchTemplate"}
    replaced = {other[name] for name in other if asked.get(name)}
    group.given = {name: value for name, value in group.given.items() if name not in replaced} | dict(asked.parameters)


def _check_sizes(group: Group) -> None:
    if group.minimum > group.maximum:
        raise RefusedError(
            "ValidationError",
            f"Max bound, {group.maximum}, must be greater than or equal to min bound, {group.minimum}",
        )
    if not group.minimum <= group.desired <= group.maximum:
        raise RefusedError(
            "ValidationError",
            f"Desired capacity:{group.desired} must be between the specified min size:{group.minimum} "
            f"and max size:{group.maximum}",
        )


def _places(region: str, asked: Asked) -> tuple[list[str], dict[str, str]]:
    backend, subnets = behind.ec2(region), {}
    for id in filter(None, (asked.get("VPCZoneIdentifier") or "").replace(" ", "").split(",")):
        try:
            subnets[backend.get_subnet(id).availability_zone] = id
        except ServiceException as error:
            raise RefusedError("ValidationError", f"The subnet ID '{id}' does not exist") from error
    zones = sorted(subnets) or sorted(asked.get("AvailabilityZones") or [])
    if not zones:
        raise RefusedError("ValidationError", "At least one Availability Zone or VPC Subnet is required.")
    return zones, subnets


def _attached(asked: Asked) -> list[Attached]:
    groups = [Attached(identifier=arn) for arn in asked.get("TargetGroupARNs", [])]
    sources = [
        Attached(identifier=one["Identifier"], type=one.get("Type") or "elbv2", by_source=True)
        for one in asked.get("TrafficSources", [])
    ]
    check_target_groups([one.identifier for one in groups + sources if one.type == "elbv2"])
    return groups + sources


def check_target_groups(arns: list[str]) -> None:
    """ValidationError where one is not there."""
    if any(using.target_group(arn) is None for arn in arns):
        raise RefusedError(
            "ValidationError", "Provided Target Groups may not be valid. Please ensure they exist and try again."
        )


def _passes(group: Group, condition: Mapping[str, Any]) -> bool:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Filter.html"""
    name, values = condition["Name"], condition.get("Values", [])
    if name == "tag-key":
        return any(key in values for key in group.tags)
    if name == "tag-value":
        return any(value in values for value, _propagated in group.tags.values())
    if name.startswith("tag:"):
        return group.tags.get(name.removeprefix("tag:"), ("", False))[0] in values and name[4:] in group.tags
    raise RefusedError("ValidationError", f"Filter '{name}' is not valid")
