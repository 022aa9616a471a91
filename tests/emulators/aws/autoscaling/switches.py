"""What steers a group: suspended processes, lifecycle hooks, tags, metrics, limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.emulators.aws.answers import Answers, Asked, Shape, paged
from tests.emulators.aws.autoscaling.engine import Engine
from tests.emulators.aws.autoscaling.found import named, standing
from tests.emulators.aws.autoscaling.groups import tags_of
from tests.emulators.aws.autoscaling.model import PROCESSES, Group
from tests.emulators.aws.autoscaling.records import hook_of
from tests.emulators.aws.faults import RefusedError

MOST_TAGS = 50
METRICS = (
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupStandbyInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
)


class Switches:
    """Answers about what steers groups."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_to(self, answers: Answers) -> None:
        """Answer instead of moto."""
        answers.add(
            "autoscaling",
            SuspendProcesses=self._suspend,
            ResumeProcesses=self._resume,
            DescribeScalingProcessTypes=lambda asked: {"Processes": [{"ProcessName": name} for name in PROCESSES]},
            PutLifecycleHook=self._put_hook,
            DescribeLifecycleHooks=self._describe_hooks,
            DeleteLifecycleHook=self._delete_hook,
            CreateOrUpdateTags=self._tag,
            DeleteTags=self._untag,
            DescribeTags=self._describe_tags,
            EnableMetricsCollection=self._enable_metrics,
            DisableMetricsCollection=self._disable_metrics,
            DescribeAccountLimits=self._describe_account_limits,
        )

    def _suspend(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SuspendProcesses.html: none named are all"""
        standing(self._engine, asked).suspended |= _processes(asked)
        return {}

    def _resume(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_ResumeProcesses.html

        What was launched while AddToLoadBalancer was suspended is not registered afterwards.
        https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
        """
        group = standing(self._engine, asked)
        group.suspended -= _processes(asked)
        self._engine.settle(group, "processes were resumed")
        return {}

    def _put_hook(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutLifecycleHook.html"""
        group, name = standing(self._engine, asked), asked.get("LifecycleHookName")
        known = group.hooks.get(name)
        kept = {"LifecycleTransition": known.transition, "DefaultResult": known.default, **known.more} if known else {}
        if not known and not asked.get("LifecycleTransition"):
            raise RefusedError("ValidationError", "LifecycleTransition is required for new lifecycle hooks")
        group.hooks[name] = hook_of({**kept, **asked.parameters})
        return {}

    def _describe_hooks(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeLifecycleHooks.html"""
        group, wanted = named(self._engine, asked), asked.get("LifecycleHookNames", [])
        return {
            "LifecycleHooks": [
                {
                    "LifecycleHookName": hook.name,
                    "AutoScalingGroupName": group.name,
                    "LifecycleTransition": hook.transition,
                    "HeartbeatTimeout": hook.timeout,
                    "GlobalTimeout": min(172800, hook.timeout * 100),
                    "DefaultResult": hook.default,
                    **hook.more,
                }
                for hook in group.hooks.values()
                if not wanted or hook.name in wanted
            ]
        }

    def _delete_hook(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteLifecycleHook.html

        "If there are any outstanding lifecycle actions, they are completed first (ABANDON for launching instances,
        CONTINUE for terminating instances)."
        """
        group, name = standing(self._engine, asked), asked.get("LifecycleHookName")
        if group.hooks.pop(name, None) is None:
            raise RefusedError("ValidationError", f"No Lifecycle Hook found with name {name}")
        for member in [one for one in group.members.values() if name in one.waiting]:
            ending = member.state.startswith("Terminating")
            self._engine.complete(group, member, name, "CONTINUE" if ending else "ABANDON")
        return {}

    def _tag(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateOrUpdateTags.html

        They are propagated to instances that are launched later.
        """
        for tag in asked.get("Tags", []):
            group = self._tagged(asked, tag)
            tags = {**group.tags, **tags_of([tag])}
            if len(tags) > MOST_TAGS:
                raise RefusedError("LimitExceeded", f"The limit of {MOST_TAGS} tags is reached")
            group.tags = tags
        return {}

    def _untag(self, asked: Asked) -> Shape:
        for tag in asked.get("Tags", []):
            self._tagged(asked, tag).tags.pop(tag["Key"], None)
        return {}

    def _tagged(self, asked: Asked, tag: Mapping[str, Any]) -> Group:
        group = self._engine.groups.get((asked.region, tag.get("ResourceId", "")))
        if group is None:
            raise RefusedError("ValidationError", f"No AutoScalingGroup found with name {tag.get('ResourceId')}")
        return group

    def _describe_tags(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeTags.html"""
        shown = [
            tag
            for group in self._engine.groups.values()
            for tag in group.tag_shapes()
            if group.region == asked.region and all(_passes(tag, one) for one in asked.get("Filters", []))
        ]
        return paged(asked, "Tags", shown)

    def _enable_metrics(self, asked: Asked) -> Shape:
        group = standing(self._engine, asked)
        group.metrics = sorted({*group.metrics, *(asked.get("Metrics") or METRICS)})
        return {}

    def _disable_metrics(self, asked: Asked) -> Shape:
        group, off = standing(self._engine, asked), asked.get("Metrics") or METRICS
        group.metrics = [name for name in group.metrics if name not in off]
        return {}

    def _describe_account_limits(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAccountLimits.html"""
        return {
            "MaxNumberOfAutoScalingGroups": self._engine.emulated.settings.groups,
            "MaxNumberOfLaunchConfigurations": 200,
            "NumberOfAutoScalingGroups": sum(region == asked.region for region, _name in self._engine.groups),
            "NumberOfLaunchConfigurations": 0,
        }


def _processes(asked: Asked) -> set[str]:
    wanted = asked.get("ScalingProcesses") or PROCESSES
    for name in wanted:
        if name not in PROCESSES:
            raise RefusedError("ValidationError", f"Invalid scaling process: {name}")
    return set(wanted)


def _passes(tag: Mapping[str, Any], condition: Mapping[str, Any]) -> bool:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Filter.html"""
    shown = {
        "auto-scaling-group": tag["ResourceId"],
        "key": tag["Key"],
        "value": tag["Value"],
        "propagate-at-launch": str(tag["PropagateAtLaunch"]).lower(),
    }
    if condition["Name"] not in shown:
        raise RefusedError("ValidationError", f"Filter '{condition['Name']}' is not valid")
    return shown[condition["Name"]] in condition.get("Values", [])
