"""Asking what a live group has beyond its machines, and giving it to its successor."""

from __future__ import annotations

from typing import Any

from phoenix.clouds.aws.calls import Answer, Calls, RefusedCallError
from phoenix.clouds.aws.machines.carried import Carried, Live
from phoenix.errors import CloudError

SCHEDULES = 50
"""So many scheduled actions fit in a call."""


class Successions:
    """What groups have of their own: policies, schedules, hooks."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def live(self, name: str, *, whole: bool = True) -> Live | None:
        """All that the group has, or without `whole` what its successor gets; None where there is no such group."""
        of_it: dict[str, Any] = {"AutoScalingGroupName": name}
        answer = self._calls.ask("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[name])
        if not answer["AutoScalingGroups"]:
            return None
        hooks = self._calls.ask("autoscaling", "describe_lifecycle_hooks", **of_it)
        return Live(
            group=answer["AutoScalingGroups"][0],
            policies=self._all("describe_policies", "ScalingPolicies", **of_it),
            schedules=self._all("describe_scheduled_actions", "ScheduledUpdateGroupActions", **of_it),
            hooks=tuple(hooks["LifecycleHooks"]),
            notifications=self._notifications(name) if whole else (),
            refreshes=self._refreshes(name) if whole else (),
        )

    def _notifications(self, name: str) -> tuple[Answer, ...]:
        return self._all(
            "describe_notification_configurations", "NotificationConfigurations", AutoScalingGroupNames=[name]
        )

    def _refreshes(self, name: str) -> tuple[Answer, ...]:
        """The newest come first."""
        answer = self._calls.ask("autoscaling", "describe_instance_refreshes", AutoScalingGroupName=name)
        return tuple(answer["InstanceRefreshes"])

    def give(self, name: str, carried: Carried) -> None:
        """Give the group what it was not made with; hooks again, for it may be there already. Twice is once."""
        of_it: dict[str, Any] = {"AutoScalingGroupName": name}
        if carried.stopped:
            stopped = sorted(carried.stopped)
            self._calls.ask("autoscaling", "suspend_processes", **of_it, ScalingProcesses=stopped)
        for hook in carried.hooks:
            self._calls.ask("autoscaling", "put_lifecycle_hook", **of_it, **hook)
        for policy in carried.policies:
            self._calls.ask("autoscaling", "put_scaling_policy", **of_it, **policy)
        for start in range(0, len(carried.schedules), SCHEDULES):
            self._schedule(name, carried.schedules[start : start + SCHEDULES])
        if carried.metrics:
            metrics = list(carried.metrics)
            self._calls.ask("autoscaling", "enable_metrics_collection", **of_it, Granularity="1Minute", Metrics=metrics)

    def drains(self, name: str, target_groups: tuple[str, ...]) -> float:
        """Seconds that a machine of the group may take to leave: its balancer's delay, and the group's own hooks."""
        hooks = self._calls.ask("autoscaling", "describe_lifecycle_hooks", AutoScalingGroupName=name)
        waits = [
            hook.get("HeartbeatTimeout", 0)
            for hook in hooks["LifecycleHooks"]
            if hook["LifecycleTransition"].endswith("TERMINATING")
        ]
        return max([self._delay(arn) for arn in target_groups], default=0.0) + float(sum(waits))

    def _schedule(self, name: str, actions: tuple[Answer, ...]) -> None:
        answer = self._calls.ask(
            "autoscaling",
            "batch_put_scheduled_update_group_action",
            AutoScalingGroupName=name,
            ScheduledUpdateGroupActions=list(actions),
        )
        failed = answer.get("FailedScheduledUpdateGroupActions", ())
        if failed:
            raise CloudError(
                f"{name} cannot have the schedules of the group that it follows",
                details="; ".join(f"{each['ScheduledActionName']}: {each.get('ErrorMessage', '')}" for each in failed),
                resolution="Mend or delete these scheduled actions of the live group, then roll again.",
            )

    def _delay(self, arn: str) -> float:
        try:
            answer = self._calls.ask("elbv2", "describe_target_group_attributes", TargetGroupArn=arn)
        except RefusedCallError as error:
            if error.said == "TargetGroupNotFound":
                return 0.0
            raise
        found = {each["Key"]: each["Value"] for each in answer["Attributes"]}
        return float(found.get("deregistration_delay.timeout_seconds", "300"))

    def _all(self, action: str, key: str, **parameters: Any) -> tuple[Answer, ...]:
        return tuple(self._calls.pages("autoscaling", action, key, **parameters))
