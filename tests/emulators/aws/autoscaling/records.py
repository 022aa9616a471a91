"""What of a group is only written down here: policies, scheduled actions, hooks, warm pools, notifications, tags.

Nothing acts by itself: a test that wants an autoscaler or a scheduled action says so (`Emulator.autoscale`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from tests.emulators.aws.answers import Answers, Asked, Shape, paged
from tests.emulators.aws.autoscaling.engine import Engine
from tests.emulators.aws.autoscaling.found import named, standing
from tests.emulators.aws.autoscaling.model import Group, Hook
from tests.emulators.aws.emulated import ACCOUNT
from tests.emulators.aws.faults import RefusedError

HOOK_TIMES = range(30, 7201)
"""Seconds. https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutLifecycleHook.html"""


class Records:
    """Answers about what is written down beside groups; it goes with its group."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: dict[str, dict[str, dict[str, Shape]]] = {}
        """By the group's ARN, kind and name."""

    def add_to(self, answers: Answers) -> None:
        """Answer instead of moto."""
        answers.add(
            "autoscaling",
            PutScalingPolicy=self._put_policy,
            DescribePolicies=self._describe_policies,
            DeletePolicy=self._delete_policy,
            PutScheduledUpdateGroupAction=self._put_scheduled,
            BatchPutScheduledUpdateGroupAction=self._batch_put_scheduled,
            DescribeScheduledActions=self._describe_scheduled,
            DeleteScheduledAction=self._delete_scheduled,
            BatchDeleteScheduledAction=self._batch_delete_scheduled,
            PutWarmPool=self._put_warm_pool,
            DescribeWarmPool=self._describe_warm_pool,
            DeleteWarmPool=self._delete_warm_pool,
            PutNotificationConfiguration=self._put_notification,
            DescribeNotificationConfigurations=self._describe_notifications,
            DeleteNotificationConfiguration=self._delete_notification,
        )

    def forget(self) -> None:
        """Nothing is written down."""
        self._kept.clear()

    def _of(self, group: Group, kind: str) -> dict[str, Shape]:
        return self._kept.setdefault(group.arn, {}).setdefault(kind, {})

    def _all(self, asked: Asked, kind: str) -> list[Shape]:
        """Of the group that is asked about, or of all of the region."""
        if asked.get("AutoScalingGroupName"):
            groups = [named(self._engine, asked)]
        else:
            groups = [group for group in self._engine.groups.values() if group.region == asked.region]
        return [shape for group in groups for shape in self._of(group, kind).values()]

    def _put_policy(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScalingPolicy.html"""
        group, name = standing(self._engine, asked), asked.get("PolicyName")
        known = self._of(group, "policy").get(name)
        arn = (known or {}).get("PolicyARN") or (
            f"arn:aws:autoscaling:{group.region}:{ACCOUNT}:scalingPolicy:{uuid.uuid4()}:"
            f"autoScalingGroupName/{group.name}:policyName/{name}"
        )
        kind = asked.get("PolicyType") or "SimpleScaling"
        alarms = [_alarm(group, name, word) for word in ("High", "Low")] if kind == "TargetTrackingScaling" else []
        self._of(group, "policy")[name] = {
            "Enabled": True,
            **asked.parameters,
            "PolicyARN": arn,
            "PolicyType": kind,
            "Alarms": alarms,
        }
        return {"PolicyARN": arn, "Alarms": alarms}

    def _describe_policies(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribePolicies.html"""
        names, kinds = asked.get("PolicyNames", []), asked.get("PolicyTypes", [])
        shown = [
            policy
            for policy in self._all(asked, "policy")
            if (not names or policy["PolicyName"] in names or policy["PolicyARN"] in names)
            and (not kinds or policy["PolicyType"] in kinds)
        ]
        return paged(asked, "ScalingPolicies", shown)

    def _delete_policy(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeletePolicy.html: by name, or by ARN alone"""
        wanted = asked.get("PolicyName")
        for kinds in self._kept.values():
            for name, policy in list(kinds.get("policy", {}).items()):
                by_name = name == wanted and policy["AutoScalingGroupName"] == asked.get("AutoScalingGroupName")
                if by_name or policy["PolicyARN"] == wanted:
                    del kinds["policy"][name]
        return {}

    def _put_scheduled(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScheduledUpdateGroupAction.html"""
        self._schedule(standing(self._engine, asked), asked.parameters)
        return {}

    def _schedule(self, group: Group, given: Mapping[str, Any]) -> None:
        name = given["ScheduledActionName"]
        arn = (
            f"arn:aws:autoscaling:{group.region}:{ACCOUNT}:scheduledUpdateGroupAction:{uuid.uuid4()}:"
            f"autoScalingGroupName/{group.name}:scheduledActionName/{name}"
        )
        known = {key: value for key, value in given.items() if key != "Time"}
        self._of(group, "scheduled")[name] = {
            **known,
            "AutoScalingGroupName": group.name,
            "ScheduledActionARN": arn,
        }

    def _batch_put_scheduled(self, asked: Asked) -> Shape:
        group = standing(self._engine, asked)
        for entry in asked.get("ScheduledUpdateGroupActions", []):
            self._schedule(group, entry)
        return {"FailedScheduledUpdateGroupActions": []}

    def _describe_scheduled(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScheduledActions.html"""
        names = asked.get("ScheduledActionNames", [])
        shown = [one for one in self._all(asked, "scheduled") if not names or one["ScheduledActionName"] in names]
        return paged(asked, "ScheduledUpdateGroupActions", shown)

    def _delete_scheduled(self, asked: Asked) -> Shape:
        self._unschedule(standing(self._engine, asked), asked.get("ScheduledActionName"))
        return {}

    def _unschedule(self, group: Group, name: str) -> None:
        if self._of(group, "scheduled").pop(name, None) is None:
            raise RefusedError("ValidationError", f"Scheduled action name not found: {name}")

    def _batch_delete_scheduled(self, asked: Asked) -> Shape:
        group = standing(self._engine, asked)
        for name in asked.get("ScheduledActionNames", []):
            self._of(group, "scheduled").pop(name, None)
        return {"FailedScheduledActions": []}

    def _put_warm_pool(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutWarmPool.html: nothing warms up here."""
        group = standing(self._engine, asked)
        pool = {key: value for key, value in asked.parameters.items() if key != "AutoScalingGroupName"}
        self._of(group, "warm")["pool"] = {"MinSize": 0, "PoolState": "Stopped", **pool}
        group.given["WarmPoolConfiguration"] = self._of(group, "warm")["pool"]
        return {}

    def _describe_warm_pool(self, asked: Asked) -> Shape:
        pool = self._of(named(self._engine, asked), "warm").get("pool")
        return {"WarmPoolConfiguration": pool, "Instances": []} if pool else {"Instances": []}

    def _delete_warm_pool(self, asked: Asked) -> Shape:
        group = standing(self._engine, asked)
        self._of(group, "warm").clear()
        group.given.pop("WarmPoolConfiguration", None)
        return {}

    def _put_notification(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutNotificationConfiguration.html"""
        group, topic = standing(self._engine, asked), asked.get("TopicARN")
        for kind in asked.get("NotificationTypes", []):
            self._of(group, "notification")[f"{topic} {kind}"] = {
                "AutoScalingGroupName": group.name,
                "TopicARN": topic,
                "NotificationType": kind,
            }
        return {}

    def _describe_notifications(self, asked: Asked) -> Shape:
        names = asked.get("AutoScalingGroupNames", [])
        shown = [
            shape
            for group in self._engine.groups.values()
            if group.region == asked.region and (not names or group.name in names)
            for shape in self._of(group, "notification").values()
        ]
        return paged(asked, "NotificationConfigurations", shown)

    def _delete_notification(self, asked: Asked) -> Shape:
        kept = self._of(standing(self._engine, asked), "notification")
        for name in [name for name in kept if name.startswith(f"{asked.get('TopicARN')} ")]:
            del kept[name]
        return {}


def hook_of(given: Mapping[str, Any]) -> Hook:
    """A lifecycle hook as a group keeps it. ValidationError for a time that is none."""
    timeout = int(given.get("HeartbeatTimeout") or 3600)
    if timeout not in HOOK_TIMES:
        raise RefusedError("ValidationError", "HeartbeatTimeout must be between 30 and 7200 seconds")
    more = ("NotificationTargetARN", "RoleARN", "NotificationMetadata")
    return Hook(
        name=given["LifecycleHookName"],
        transition=given.get("LifecycleTransition") or "autoscaling:EC2_INSTANCE_LAUNCHING",
        timeout=timeout,
        default=given.get("DefaultResult") or "ABANDON",
        more={name: given[name] for name in more if given.get(name)},
    )


def _alarm(group: Group, policy: str, word: str) -> Shape:
    name = f"TargetTracking-{group.name}-Alarm{word}-{policy}"
    return {"AlarmName": name, "AlarmARN": f"arn:aws:cloudwatch:{group.region}:{ACCOUNT}:alarm:{name}"}
