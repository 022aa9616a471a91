"""Which Auto Scaling group fills which target group.

Only the groups know: a target group tells of instances, and one without instances of nothing. AWS has no filter for
it, so every page of the region's groups is read (100 of them a call), and only where a target group that phoenix did
not make serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from phoenix.clouds.aws.calls import Calls

_LOAD_BALANCED = "elbv2"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachments:
    """The target groups of each group, by the groups' names."""

    of: Mapping[str, frozenset[str]]

    def behind(self, target_group: str) -> tuple[str, ...]:
        """The groups that have the target group attached. Sorted."""
        return tuple(sorted(name for name, arns in self.of.items() if target_group in arns))


def parsed(answers: Iterable[Mapping[str, Any]]) -> Attachments:
    """The AutoScalingGroups of an answer, which tell of target groups in two ways (API_TrafficSourceIdentifier)."""
    return Attachments(of={each["AutoScalingGroupName"]: _target_groups(each) for each in answers})


def of_region(calls: Calls) -> Attachments:
    """Of every group of the region, as they are now."""
    return parsed(calls.pages("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", MaxRecords=100))


def of_group(calls: Calls, *names: str) -> Attachments:
    """Of the groups of these names, as they are now: those that stand."""
    answer = calls.ask("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=list(names))
    return parsed(answer["AutoScalingGroups"])


def _target_groups(group: Mapping[str, Any]) -> frozenset[str]:
    sources = group.get("TrafficSources") or ()
    told = (each["Identifier"] for each in sources if each.get("Type", _LOAD_BALANCED) == _LOAD_BALANCED)
    return frozenset((*(group.get("TargetGroupARNs") or ()), *told))
