"""What of a live group its successor gets: what AWS tells of the one, turned into what is asked of the other.

Size, machines and release are phoenix.yaml's. Hooks, schedules, target tracking, stopped processes and a few plain
attributes are taken over; what is not is named, so that nobody finds out at night.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from phoenix.clouds.aws import labels
from phoenix.clouds.aws.machines.group_reading import found
from phoenix.clouds.aws.machines.launch import CPU_POLICY

Answer = Mapping[str, Any]
TRACKING = "TargetTrackingScaling"
ESSENTIAL = frozenset({"Launch", "Terminate", "AddToLoadBalancer"})
"""Without these no group can take over: they are named, and not stopped in the successor."""
_PLAIN = (
    "AvailabilityZoneDistribution",
    "AvailabilityZoneImpairmentPolicy",
    "CapacityRebalance",
    "DefaultCooldown",
    "DefaultInstanceWarmup",
    "InstanceLifecyclePolicy",
    "InstanceMaintenancePolicy",
    "MaxInstanceLifetime",
    "PlacementGroup",
    "ServiceLinkedRoleARN",
    "TerminationPolicies",
)
"""What CreateAutoScalingGroup takes just as DescribeAutoScalingGroups tells it."""
_USUAL_ROLE = "/AWSServiceRoleForAutoScaling"
"""What every group has that names none: naming it would need the right to pass it."""
_HOOK = (
    "LifecycleHookName",
    "LifecycleTransition",
    "NotificationMetadata",
    "HeartbeatTimeout",
    "DefaultResult",
    "NotificationTargetARN",
    "RoleARN",
)
_SCHEDULE = (
    "ScheduledActionName",
    "StartTime",
    "EndTime",
    "Recurrence",
    "MinSize",
    "MaxSize",
    "DesiredCapacity",
    "TimeZone",
)
_POLICY = ("PolicyName", "PolicyType", "TargetTrackingConfiguration", "EstimatedInstanceWarmup", "Enabled")
_WORDS = {
    "StepScaling": "step scaling policy",
    "SimpleScaling": "simple scaling policy",
    "PredictiveScaling": "predictive scaling policy",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """What AWS tells of a live group, call by call."""

    group: Answer
    policies: tuple[Answer, ...] = ()
    schedules: tuple[Answer, ...] = ()
    hooks: tuple[Answer, ...] = ()
    notifications: tuple[Answer, ...] = ()
    refreshes: tuple[Answer, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """What is asked for the successor, each as the call takes it that makes it."""

    plain: Mapping[str, Any]
    """For CreateAutoScalingGroup."""
    hooks: tuple[Answer, ...]
    policies: tuple[Answer, ...]
    schedules: tuple[Answer, ...]
    stopped: frozenset[str]
    """Processes that are suspended."""
    metrics: tuple[str, ...]
    """Group metrics that are collected."""


NOTHING = Carried(plain={}, hooks=(), policies=(), schedules=(), stopped=frozenset(), metrics=())


def carried(live: Live, *, to: str, target_groups: tuple[str, ...], cpu: bool, now: datetime) -> Carried:
    """What the group `to` gets of `live`. `cpu`: phoenix.yaml has a policy for the load, which wins."""
    names = _renamed(live.group, to, target_groups)
    return Carried(
        plain=_plain(live.group),
        hooks=tuple(_only(hook, _HOOK) for hook in live.hooks),
        policies=tuple(_replaced(_only(each, _POLICY), names) for each in live.policies if _kept(each, cpu=cpu)),
        schedules=tuple(_schedules(live.schedules, now)),
        stopped=_stopped(live) - ESSENTIAL,
        metrics=tuple(sorted(each["Metric"] for each in live.group.get("EnabledMetrics", ()))),
    )


def not_carried(live: Live) -> tuple[str, ...]:
    """What the successor would lack, in words, each with its name."""
    return tuple(_not_carried(live))


def _not_carried(live: Live) -> Iterator[str]:
    group = live.group
    for policy in live.policies:
        if policy["PolicyType"] != TRACKING:
            yield f"{_WORDS.get(policy['PolicyType'], policy['PolicyType'])} {policy['PolicyName']}"
    if group.get("WarmPoolConfiguration"):
        yield "warm pool"
    for topic in sorted({each["TopicARN"] for each in live.notifications}):
        yield f"notifications to {topic}"
    if group.get("MixedInstancesPolicy"):
        yield "mixed instances policy"
    if group.get("NewInstancesProtectedFromScaleIn"):
        yield "protection of new machines from scale-in"
    for name in group.get("LoadBalancerNames", ()):
        yield f"classic load balancer {name}"
    for source in group.get("TrafficSources", ()):
        if source.get("Type", "elbv2") not in ("elbv2", "elb"):
            yield f"traffic source {source['Identifier']}"
    for process in sorted(_stopped(live) & ESSENTIAL):
        yield f"suspended process {process}"


def told(live: Live) -> tuple[str, ...]:
    """What is special about the machines of the live group."""
    members = found(live.group).members
    return (
        *(f"{each.id} is in standby" for each in members if "Standby" in each.lifecycle),
        *(f"{each.id} is protected from scale-in" for each in members if each.protected),
    )


def busy(live: Live) -> str:
    """What replaces the machines of the live group by itself just now; empty: nothing."""
    for refresh in live.refreshes:
        if refresh["Status"] in ("Pending", "InProgress", "Cancelling", "RollbackInProgress", "Baking"):
            done = f", {refresh['PercentageComplete']} % done" if "PercentageComplete" in refresh else ""
            return f"the instance refresh {refresh['InstanceRefreshId']} is {refresh['Status']}{done}"
    return ""


def _plain(group: Answer) -> Answer:
    """What is set; zonal shift only where it is on, and the role only where it is another than AWS's usual one."""
    found = {key: group[key] for key in _PLAIN if group.get(key) not in (None, "", [], False)}
    if not found.get("AvailabilityZoneImpairmentPolicy", {}).get("ZonalShiftEnabled"):
        found.pop("AvailabilityZoneImpairmentPolicy", None)
    if str(found.get("ServiceLinkedRoleARN", "")).endswith(_USUAL_ROLE):
        del found["ServiceLinkedRoleARN"]
    return found


def _kept(policy: Answer, *, cpu: bool) -> bool:
    """Whether a policy is one that is taken over: two for the same load would pull at each other."""
    if policy["PolicyType"] != TRACKING or policy["PolicyName"] == CPU_POLICY:
        return False
    predefined = policy["TargetTrackingConfiguration"].get("PredefinedMetricSpecification", {})
    return not (cpu and predefined.get("PredefinedMetricType") == "ASGAverageCPUUtilization")


def _schedules(actions: Iterable[Answer], now: datetime) -> Iterator[Answer]:
    """Those that are still to come: AWS takes no time that is over."""
    for action in actions:
        wanted = dict(_only(action, _SCHEDULE))
        if "EndTime" in wanted and wanted["EndTime"] <= now:
            continue
        if "StartTime" in wanted and wanted["StartTime"] <= now:
            if "Recurrence" not in wanted:
                continue
            del wanted["StartTime"]
        yield wanted


def _stopped(live: Live) -> frozenset[str]:
    """Processes that a person stopped: no pin, and not AWS, which stops a group that fails for a day."""
    pinned = labels.read(live.group.get("Tags", ())).get(labels.PINNED_STOPPED, "").split()
    by_people = {
        each["ProcessName"]
        for each in live.group.get("SuspendedProcesses", ())
        if "administrative" not in each.get("SuspensionReason", "").lower()
    }
    return frozenset(by_people - set(pinned))


def _renamed(group: Answer, to: str, target_groups: tuple[str, ...]) -> Mapping[str, str]:
    """What stands for the live group in a policy, and what for its successor: its name, its target group."""
    names = {group["AutoScalingGroupName"]: to}
    theirs = group.get("TargetGroupARNs", ())
    if len(theirs) == len(target_groups) == 1:
        names[_resource(theirs[0])] = _resource(target_groups[0])
    return names


def _resource(arn: str) -> str:
    """`targetgroup/NAME/ID`, as metrics call a target group."""
    return arn.rpartition(":")[2]


def _replaced(value: Any, names: Mapping[str, str]) -> Any:
    """The value with these names exchanged, wherever they stand alone or at the end of a resource label."""
    if isinstance(value, str):
        for old, new in names.items():
            if value == old or value.endswith(f"/{old}"):
                return value.removesuffix(old) + new
        return value
    if isinstance(value, Mapping):
        return {key: _replaced(each, names) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(each, names) for each in value]
    return value


def _only(answer: Answer, keys: tuple[str, ...]) -> Answer:
    return {key: answer[key] for key in keys if key in answer}
