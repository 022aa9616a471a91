"""Single instances of groups by the API: ended, put aside, protected, declared ill, handed over."""

from __future__ import annotations

from functools import partial

from tests.emulators.aws.answers import Answers, Asked, Shape, paged
from tests.emulators.aws.autoscaling.checks import Checks
from tests.emulators.aws.autoscaling.engine import Engine
from tests.emulators.aws.autoscaling.found import managed, members, named, standing
from tests.emulators.aws.autoscaling.model import Activity, Group, Hook, Member
from tests.emulators.aws.faults import RefusedError

BY_USER = "a user request"
ENDABLE = ("InService", "Standby")
"""In any other state an activity is in progress: https://github.com/kubernetes/kops/issues/6900."""
MOST, MOST_SHOWN = 20, 50
"""Instances in one call. https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_EnterStandby.html"""


class GroupInstances:
    """Answers about instances of groups."""

    def __init__(self, engine: Engine, checks: Checks) -> None:
        self._engine = engine
        self._checks = checks

    def add_to(self, answers: Answers) -> None:
        """Answer instead of moto."""
        answers.add(
            "autoscaling",
            TerminateInstanceInAutoScalingGroup=self._terminate,
            EnterStandby=self._enter_standby,
            ExitStandby=self._exit_standby,
            SetInstanceProtection=self._set_instance_protection,
            SetInstanceHealth=self._set_instance_health,
            AttachInstances=self._attach_instances,
            DetachInstances=self._detach_instances,
            DescribeAutoScalingInstances=self._describe,
            CompleteLifecycleAction=self._complete_lifecycle_action,
            RecordLifecycleActionHeartbeat=self._record_heartbeat,
        )

    def _terminate(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_TerminateInstanceInAutoScalingGroup.html"""
        ids = asked.get("InstanceIds") or [asked.get("InstanceId")]
        activities = [self._terminated(*managed(self._engine, id), asked) for id in ids]
        shapes = [activity.shape() for activity in activities]
        return {"Activities": shapes} if asked.get("InstanceIds") else {"Activity": shapes[0]}

    def _terminated(self, group: Group, member: Member, asked: Asked) -> Activity:
        if member.state not in ENDABLE:
            raise RefusedError(
                "ScalingActivityInProgress",
                f"Activity {member.activity.id} is in progress.",
            )
        if asked.get("ShouldDecrementDesiredCapacity") and member.counted:
            _shrink(group, 1, "Terminating instance without replacement")
        activity = self._engine.end(group, member, f"{BY_USER} took the instance out of service")
        self._engine.settle(
            group, "an instance was started in response to a difference between desired and actual capacity"
        )
        return activity

    def _enter_standby(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_EnterStandby.html"""
        group = standing(self._engine, asked)
        chosen = members(group, asked.get("InstanceIds", []), most=MOST)
        for member in chosen:
            if member.state != "InService":
                raise RefusedError("ValidationError", f"The instance {member.id} is not in InService.")
        if asked.get("ShouldDecrementDesiredCapacity"):
            _shrink(group, len(chosen), "Entering standby")
        activities = [self._put_aside(group, member) for member in chosen]
        self._engine.settle(group, "an instance was launched in place of one on standby")
        return {"Activities": [activity.shape() for activity in activities]}

    def _put_aside(self, group: Group, member: Member) -> Activity:
        """It is out of the balancers first, and keeps running."""
        member.activity = self._engine.begin(group, f"Moving EC2 instance to Standby: {member.id}", BY_USER)
        drain = self._engine.leave_balancers(group, member)
        member.state = "EnteringStandby" if drain else "Standby"
        if drain:
            self._engine.emulated.clock.later(drain, partial(_aside, self._engine, member))
        else:
            _aside(self._engine, member)
        return member.activity

    def _exit_standby(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_ExitStandby.html: the desired capacity grows."""
        group = standing(self._engine, asked)
        chosen = members(group, asked.get("InstanceIds", []), most=MOST)
        if any(member.state != "Standby" for member in chosen):
            raise RefusedError("ValidationError", "An instance is not in Standby.")
        if group.desired + len(chosen) > group.maximum:
            raise RefusedError(
                "ValidationError", f"ExitStandby would bring the group beyond its max size of {group.maximum}."
            )
        group.desired += len(chosen)
        for member in chosen:
            member.activity = self._engine.begin(group, f"Moving EC2 instance out of Standby: {member.id}", BY_USER)
            member.state = "Pending"
            self._engine.emulated.clock.later(
                self._engine.emulated.settings.pending, partial(self._back, group, member)
            )
        self._engine.emulated.clock.settle()
        return {"Activities": [member.activity.shape() for member in chosen]}

    def _back(self, group: Group, member: Member) -> None:
        if member.state == "Pending":
            self._engine.put_into_service(group, member)

    def _set_instance_protection(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetInstanceProtection.html"""
        for member in members(standing(self._engine, asked), asked.get("InstanceIds", []), most=MOST_SHOWN):
            member.protected = bool(asked.get("ProtectedFromScaleIn"))
        return {}

    def _set_instance_health(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetInstanceHealth.html

        The grace period is respected unless the call says otherwise.
        """
        group, member = managed(self._engine, asked.get("InstanceId"))
        respected = asked.get("ShouldRespectGracePeriod", True)
        young = member.in_service is None or self._engine.emulated.clock.now < member.in_service + group.grace
        if asked.get("HealthStatus") == "Healthy":
            member.healthy = True
        elif not (respected and young):
            member.healthy = False
            self._engine.emulated.clock.later(0, partial(self._checks.look, group))
        return {}

    def _attach_instances(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AttachInstances.html"""
        group, ids = standing(self._engine, asked), asked.get("InstanceIds", [])
        for id in ids:
            if self._engine.instances.state(id) != "running" or self._engine.group_of(id):
                raise RefusedError("ValidationError", f"Instance {id} is not running, or is part of a group.")
        if group.desired + len(ids) > group.maximum:
            raise RefusedError("ValidationError", f"AttachInstances would bring the group beyond {group.maximum}.")
        group.desired += len(ids)
        for id in ids:
            found = self._engine.instances.get(id)
            assert found is not None
            member = Member(
                id=id,
                zone=found.availability_zone,
                type=found.instance_type,
                image=found.image_id,
                template={},
                launched=self._engine.emulated.clock.now,
                activity=self._engine.begin(group, f"Attaching an existing EC2 instance: {id}", BY_USER),
            )
            group.members[id] = member
            self._engine.put_into_service(group, member)
        return {}

    def _detach_instances(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DetachInstances.html: they keep running."""
        group = standing(self._engine, asked)
        chosen = members(group, asked.get("InstanceIds", []), most=MOST)
        if asked.get("ShouldDecrementDesiredCapacity"):
            _shrink(group, sum(member.counted for member in chosen), "Detaching")
        shapes = []
        for member in chosen:
            activity = self._engine.begin(group, f"Detaching EC2 instance: {member.id}", BY_USER)
            member.state = "Detaching"
            drain = self._engine.leave_balancers(group, member)
            self._engine.emulated.clock.later(drain, partial(self._detached, group, member, activity))
            shapes.append(activity.shape())
        self._engine.emulated.clock.settle()
        self._engine.settle(group, "an instance was launched in place of a detached one")
        return {"Activities": shapes}

    def _detached(self, group: Group, member: Member, activity: Activity) -> None:
        group.members.pop(member.id, None)
        activity.end("Successful", self._engine.emulated.clock.date)

    def _describe(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingInstances.html"""
        wanted = set(asked.get("InstanceIds", []))
        shown = [
            member.shape()
            | {"AutoScalingGroupName": group.name, "HealthStatus": "HEALTHY" if member.healthy else "UNHEALTHY"}
            for group in self._engine.groups.values()
            for member in group.members.values()
            if group.region == asked.region and (not wanted or member.id in wanted)
        ]
        return paged(asked, "AutoScalingInstances", shown, most=MOST_SHOWN)

    def _complete_lifecycle_action(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CompleteLifecycleAction.html"""
        group, member, hook = self._waiting(asked)
        self._engine.complete(group, member, hook.name, asked.get("LifecycleActionResult"))
        return {}

    def _record_heartbeat(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RecordLifecycleActionHeartbeat.html"""
        self._engine.beat(*self._waiting(asked))
        return {}

    def _waiting(self, asked: Asked) -> tuple[Group, Member, Hook]:
        group, hook = named(self._engine, asked), asked.get("LifecycleHookName")
        token, id = asked.get("LifecycleActionToken"), asked.get("InstanceId")
        for member in group.members.values():
            waiting = member.waiting.get(hook)
            if waiting and (waiting.token == token or member.id == id):
                return group, member, group.hooks[hook]
        raise RefusedError("ValidationError", f"No active Lifecycle Action found with instance ID {id}")


def _aside(engine: Engine, member: Member) -> None:
    if member.state in ("EnteringStandby", "Standby"):
        member.state = "Standby"
        member.activity.end("Successful", engine.emulated.clock.date)


def _shrink(group: Group, count: int, doing: str) -> None:
    if group.desired - count < group.minimum:
        raise RefusedError(
            "ValidationError",
            f"Currently, desiredSize equals minSize ({group.minimum}). {doing} will violate group's min size "
            "constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.",
        )
    group.desired -= count
