"""The target group of each group: made with the health check of the service, found by name and label, removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from phoenix.clouds.aws import labels
from phoenix.clouds.aws.balancer import attachments, elb_tags
from phoenix.clouds.aws.balancer.target_health import Target
from phoenix.clouds.aws.balancer.target_health import parsed as targets_of
from phoenix.clouds.aws.calls import Calls, RefusedCallError
from phoenix.errors import CloudError, RefusedError
from phoenix.model import Health

_NOT_FOUND = "TargetGroupNotFound"
_DRAIN = "deregistration_delay.timeout_seconds"
_CARRIED = ("load_balancing.", "slow_start.", "stickiness.", "target_group_health.")
"""What a target group of phoenix's takes over from the one that serves: whatever phoenix.yaml does not say."""
_INTERVAL, _LONGEST_INTERVAL = 5, 300
_THRESHOLD, _HIGHEST_THRESHOLD = 2, 10
_LONGEST_DRAIN = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetGroup:
    """A target group, and what is written on it."""

    arn: str
    name: str
    tags: Mapping[str, str]
    balancers: tuple[str, ...] = ()
    """The load balancers whose rules use it."""


def checks(health: Health) -> dict[str, Any]:
    """The health check that the service asks for, within what AWS allows (API_CreateTargetGroup).

    A machine is healthy when it has answered for `healthy_after` seconds, and ill after two checks that failed.
    """
    interval = min(_LONGEST_INTERVAL, max(_INTERVAL, ceil(health.interval)))
    healthy = ceil(health.healthy_after / interval) + 1
    return {
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckPath": health.path,
        "HealthCheckIntervalSeconds": interval,
        "HealthCheckTimeoutSeconds": min(5, interval - 1),
        "HealthyThresholdCount": min(_HIGHEST_THRESHOLD, max(_THRESHOLD, healthy)),
        "UnhealthyThresholdCount": _THRESHOLD,
        "Matcher": {"HttpCode": str(health.status)},
    }


def attributes(now: Mapping[str, str], serving: Mapping[str, str], drain: float) -> dict[str, str]:
    """What is to be set on a target group whose attributes are `now`: the service's drain, and what the target group
    that serves has besides (stickiness, slow start, the way of balancing).
    """
    carried = {key: value for key, value in serving.items() if key.startswith(_CARRIED) and value}
    wanted = {**carried, _DRAIN: str(min(_LONGEST_DRAIN, max(0, ceil(drain))))}
    return {key: value for key, value in wanted.items() if now.get(key) != value}


def find(calls: Calls, name: str) -> TargetGroup | None:
    """The target group of that name with its tags, as they are now, or None."""
    try:
        there = calls.ask("elbv2", "describe_target_groups", Names=[name])["TargetGroups"]
        if not there:
            return None
        arn = there[0]["TargetGroupArn"]
        tags = elb_tags.tags_of(calls, [arn]).get(arn, {})
    except RefusedCallError as error:
        if error.said == _NOT_FOUND:
            return None
        raise
    return TargetGroup(arn=arn, name=name, tags=tags, balancers=tuple(there[0].get("LoadBalancerArns") or ()))


def own(calls: Calls, name: str, wanted: Mapping[str, str]) -> TargetGroup | None:
    """The target group of that name, or None. RefusedError where it does not bear these labels of phoenix's."""
    found = find(calls, name)
    if found is None or elb_tags.bear(found.tags, wanted):
        return found
    project = found.tags.get(labels.PROJECT)
    raise RefusedError(
        f"phoenix did not make the target group {name} for this service",
        details=f"its labels are of {project}/{found.tags.get(labels.SERVICE)}/{found.tags.get(labels.ENVIRONMENT)}"
        if project
        else "it has no labels of phoenix",
        resolution="Rename it or delete it, where nobody needs it; phoenix leaves it as it is.",
    )


def make(calls: Calls, name: str, *, port: int, vpc: str, health: Health, tags: Mapping[str, str]) -> str:
    """Make the target group; its ARN. Whoever comes second, also by a call that was made twice, gets the same."""
    try:
        answer = calls.ask(
            "elbv2",
            "create_target_group",
            Name=name,
            Protocol="HTTP",
            Port=port,
            VpcId=vpc,
            TargetType="instance",
            Tags=labels.written(tags),
            **checks(health),
        )
    except RefusedCallError as error:
        if error.said == "TooManyTargetGroups":
            raise RefusedError(
                "the region has as many target groups as it may",
                details=error.details,
                resolution="Remove those that nobody needs, or ask AWS for a higher quota.",
            ) from error
        found = find(calls, name) if error.said == "DuplicateTargetGroupName" else None
        if found is not None and elb_tags.bear(found.tags, tags):
            return found.arn
        raise
    return str(answer["TargetGroups"][0]["TargetGroupArn"])


def set_attributes(calls: Calls, arn: str, *, like: str | None, drain: float) -> None:
    """Give it the service's drain, and what the target group `like`, which serves, has besides."""
    serving = _attributes(calls, like) if like and like != arn else {}
    wanted = attributes(_attributes(calls, arn), serving, drain)
    if wanted:
        calls.ask("elbv2", "modify_target_group_attributes", TargetGroupArn=arn, Attributes=labels.written(wanted))


def targets(calls: Calls, arn: str) -> tuple[Target, ...]:
    """Its machines with what its checks say, in one call however many they are; none where somebody deleted it."""
    try:
        answer = calls.ask("elbv2", "describe_target_health", TargetGroupArn=arn)
    except RefusedCallError as error:
        if error.said == _NOT_FOUND:
            return ()
        raise
    return targets_of(answer["TargetHealthDescriptions"])


def exist(calls: Calls, arns: frozenset[str]) -> bool:
    """Whether all of these target groups are there."""
    try:
        calls.ask("elbv2", "describe_target_groups", TargetGroupArns=sorted(arns))
    except RefusedCallError as error:
        if error.said == _NOT_FOUND:
            return False
        raise
    return True


def balancers(calls: Calls, arns: frozenset[str]) -> frozenset[str]:
    """The load balancers whose rules use one of these target groups, as far as these are there.

    Of one that is gone AWS makes an error of the whole question: each is then asked for by itself.
    """
    if not arns:
        return frozenset()
    try:
        there = calls.ask("elbv2", "describe_target_groups", TargetGroupArns=sorted(arns))["TargetGroups"]
    except RefusedCallError as error:
        if error.said != _NOT_FOUND:
            raise
        alone = (frozenset({arn}) for arn in sorted(arns)) if len(arns) > 1 else ()
        return frozenset().union(*(balancers(calls, each) for each in alone))
    return frozenset(arn for each in there for arn in each.get("LoadBalancerArns") or ())


def delete(calls: Calls, found: TargetGroup) -> None:
    """Remove a target group that `own` has just found."""
    try:
        calls.ask("elbv2", "delete_target_group", TargetGroupArn=found.arn)
    except RefusedCallError as error:
        if error.said != "ResourceInUse":
            raise
        raise in_use(found.name, error.details) from error


def in_use(name: str, details: str) -> CloudError:
    """What is said of a target group that cannot be removed."""
    return CloudError(
        f"the target group {name} is in use and stays",
        details=details,
        resolution="See which other rule of the load balancer names it, and change that.",
    )


def ensure_attached(calls: Calls, group: str, arn: str) -> None:
    """See that the group fills its target group, where the group stands; it was born with it."""
    there = attachments.of_group(calls, group).of.get(group)
    if there is not None and arn not in there:
        calls.ask(
            "autoscaling",
            "attach_load_balancer_target_groups",
            AutoScalingGroupName=group,
            TargetGroupARNs=[arn],
        )


def _attributes(calls: Calls, arn: str) -> dict[str, str]:
    answer = calls.ask("elbv2", "describe_target_group_attributes", TargetGroupArn=arn)
    return labels.read(answer["Attributes"])
