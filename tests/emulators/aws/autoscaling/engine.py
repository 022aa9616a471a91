"""What groups do by themselves: launch, put into service, scale in, end.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from moto.core.exceptions import ServiceException

from tests.emulators.aws.autoscaling.model import Activity, Group, Hook, Member, Waiting, first_to_go
from tests.emulators.aws.autoscaling.templates import Resolved, resolved, wanted_of
from tests.emulators.aws.ec2.instances import Instances
from tests.emulators.aws.elbv2 import using
from tests.emulators.aws.elbv2.targets import Targets
from tests.emulators.aws.emulated import Emulated
from tests.emulators.aws.faults import RefusedError

LAUNCHING, TERMINATING = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"
NO_CAPACITY = (
    "We currently do not have sufficient {type} capacity in the Availability Zone you requested ({zone}). "
    "Our system will be working on provisioning additional capacity."
)
NO_TARGET_GROUP = "One or more target groups not found. Validating load balancer configuration failed."
LAUNCH_FAILED = " Launching EC2 instance failed."


class Engine:
    """All groups of the account, and what happens to them."""

    def __init__(self, emulated: Emulated, instances: Instances, targets: Targets) -> None:
        self.emulated = emulated
        self.instances = instances
        self.targets = targets
        self.groups: dict[tuple[str, str], Group] = {}

    def forget(self) -> None:
        """None is left."""
        self.groups.clear()

    def group_of(self, instance: str) -> tuple[Group, Member] | None:
        """The group that an instance belongs to."""
        for group in self.groups.values():
            if instance in group.members:
                return group, group.members[instance]
        return None

    def settle(self, group: Group, cause: str) -> None:
        """Launch what lacks, end what is too much."""
        missing = group.desired - sum(not member.rebalancing for member in group.counted)
        if group.deleting:
            return
        if missing > 0 and group.does("Launch"):
            self.launch(group, missing, cause)
        elif missing < 0 and group.does("Terminate"):
            for member in first_to_go(group, -missing):
                self.end(group, member, cause)

    def launch(self, group: Group, count: int, cause: str) -> list[Member]:
        """Start so many instances, evenly over the zones; those that could be."""
        started: list[Member] = []
        if any(using.target_group(arn) is None for arn in group.target_groups):
            self._failed(group, cause, NO_TARGET_GROUP)
            return started
        try:
            template = resolved(group.region, group.refreshing or group.template or {})
        except RefusedError as error:
            self._failed(group, cause, error.message)
            return started
        short, counted = set(self.emulated.settings.short), group.by_zone
        plan = {zone: counted[zone] for zone in group.zones}
        for zone, number in _spread(plan, count, short).items():
            started += self._start(group, template, zone, number, cause)
        if len(started) < count and set(group.zones) <= short:
            zone = min(group.zones)
            self._failed(group, cause, NO_CAPACITY.format(type=template.data.get("InstanceType"), zone=zone))
        return started

    def _start(self, group: Group, template: Resolved, zone: str, count: int, cause: str) -> list[Member]:
        wanted, free = wanted_of(group, template, zone), self._free()
        fault = self.emulated.faults.met("autoscaling", "Launch")
        if fault:
            self._failed(group, cause, fault.message or fault.code)
            return []
        if free < count:
            self._failed(group, cause, NO_CAPACITY.format(type=wanted.type, zone=zone))
        try:
            found = self.instances.run(group.region, wanted, min(free, count)) if free else []
        except ServiceException as error:
            self._failed(group, cause, error.message)
            return []
        return [self._add(group, instance, template, cause) for instance in found]

    def _free(self) -> int:
        most = self.emulated.settings.capacity
        if most is None:
            return 1_000_000
        return max(0, most - sum(len(group.members) for group in self.groups.values()))

    def _add(self, group: Group, instance: Any, template: Resolved, cause: str) -> Member:
        member = Member(
            id=instance.id,
            zone=instance.availability_zone,
            type=instance.instance_type,
            image=instance.image_id,
            template=template.shape,
            launched=self.emulated.clock.now,
            protected=group.protect_new,
            activity=self.begin(group, f"Launching a new EC2 instance: {instance.id}", cause),
        )
        group.members[member.id] = member
        self._after(self.emulated.settings.pending, self._launched, group, member)
        return member

    def _failed(self, group: Group, cause: str, why: str) -> None:
        activity = self.begin(group, "Launching a new EC2 instance.", cause)
        words = why if why == NO_TARGET_GROUP else why.removesuffix(LAUNCH_FAILED) + LAUNCH_FAILED
        activity.end("Failed", self.emulated.clock.date, words)
        if not group.retrying:
            group.retrying = True
            self.emulated.clock.later(self.emulated.settings.retry, partial(self._retry, group, cause))

    def _retry(self, group: Group, cause: str) -> None:
        group.retrying = False
        if self.groups.get((group.region, group.name)) is group:
            self.settle(group, cause)

    def _launched(self, group: Group, member: Member) -> None:
        if member.state != "Pending" or self.instances.state(member.id) not in ("pending", "running"):
            return
        if not self.wait(group, member, LAUNCHING):
            self.put_into_service(group, member)

    def put_into_service(self, group: Group, member: Member) -> None:
        """It is one of the group's from now on, and gets requests."""
        member.state, member.in_service, member.waiting = "InService", self.emulated.clock.now, {}
        member.activity.end("Successful", self.emulated.clock.date)
        if group.does("AddToLoadBalancer"):
            for arn in group.target_groups:
                self.targets.register(arn, member.id)

    def begin(self, group: Group, description: str, cause: str) -> Activity:
        """Write an activity down. https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-monitor.html"""
        activity = Activity(group=group.name, description=description, cause=cause, begun=self.emulated.clock.date)
        group.activities.insert(0, activity)
        return activity

    def end(self, group: Group, member: Member, cause: str, *, patient: bool = True) -> Activity:
        """Take it out of the balancers, let it drain, ask the hooks, and terminate it."""
        if member.state.startswith("Terminating"):
            return member.activity
        if not member.activity.ended:
            member.activity.end("Cancelled", self.emulated.clock.date)
        member.state, member.waiting = "Terminating", {}
        member.activity = self.begin(group, f"Terminating EC2 instance: {member.id}", cause)
        drain = self.leave_balancers(group, member)
        if not patient or self.instances.state(member.id) != "running":
            self._terminate(group, member)
        else:
            member.activity.status = "WaitingForELBConnectionDraining" if drain else "InProgress"
            self._after(drain, self._drained, group, member)
        return member.activity

    def leave_balancers(self, group: Group, member: Member) -> float:
        """Deregister it everywhere; seconds until the last target has drained."""
        drains = [
            self.targets.drain(arn)
            for arn in group.target_groups
            if self.targets.used(arn) and self.targets.registered(arn, member.id)
        ]
        for arn in group.target_groups:
            self.targets.deregister(arn, member.id)
        return max(drains, default=0.0)

    def _drained(self, group: Group, member: Member) -> None:
        if member.state == "Terminating" and not self.wait(group, member, TERMINATING):
            self._terminate(group, member)

    def _terminate(self, group: Group, member: Member) -> None:
        member.state, member.waiting = "Terminating:Proceed", {}
        self.instances.terminate(group.region, member.id)
        self._after(self.emulated.settings.terminating, self._gone, group, member)

    def _gone(self, group: Group, member: Member) -> None:
        if group.members.pop(member.id, None):
            member.activity.end("Successful", self.emulated.clock.date)
        if group.deleting and not group.members:
            self.groups.pop((group.region, group.name), None)

    def wait(self, group: Group, member: Member, transition: str) -> bool:
        """Have it wait for the hooks of a transition; False where there are none.

        https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html
        """
        hooks = [hook for hook in group.hooks.values() if hook.transition == transition]
        if not hooks:
            return False
        member.state = f"{member.state.partition(':')[0]}:Wait"
        member.activity.status = "MidLifecycleAction"
        for hook in hooks:
            now = self.emulated.clock.now
            member.waiting[hook.name] = Waiting(token=str(uuid.uuid4()), begun=now, until=now + hook.timeout)
            self.emulated.clock.later(hook.timeout, partial(self._timed_out, group, member, hook))
        return True

    def _timed_out(self, group: Group, member: Member, hook: Hook) -> None:
        waiting = member.waiting.get(hook.name)
        if waiting and self.emulated.clock.now >= waiting.until:
            self.complete(group, member, hook.name, hook.default)

    def beat(self, group: Group, member: Member, hook: Hook) -> None:
        """RecordLifecycleActionHeartbeat: the hook's time begins anew."""
        member.waiting[hook.name].until = self.emulated.clock.now + hook.timeout
        self.emulated.clock.later(hook.timeout, partial(self._timed_out, group, member, hook))

    def complete(self, group: Group, member: Member, hook: str, result: str) -> None:
        """One hook is done. ABANDON of a launch ends the instance; of a termination it ends the waiting."""
        member.waiting.pop(hook, None)
        ending = member.state.startswith("Terminating")
        if result == "ABANDON" and not ending:
            member.activity.end("Cancelled", self.emulated.clock.date, "Lifecycle action was abandoned")
            self.end(group, member, "a lifecycle hook was abandoned")
            self.settle(group, "an instance was launched in response to an abandoned one")
        elif member.waiting and result != "ABANDON":
            return
        elif ending:
            self._terminate(group, member)
        else:
            self.put_into_service(group, member)

    def _after(self, seconds: float, action: Any, group: Group, member: Member) -> None:
        """Now, where it takes no time."""
        if seconds > 0:
            self.emulated.clock.later(seconds, partial(action, group, member))
        else:
            action(group, member)


def _spread(there: dict[str, int], count: int, without: set[str]) -> dict[str, int]:
    """So many more, each into the zone with the fewest of those that have room."""
    open_zones = sorted(zone for zone in there if zone not in without)
    plan, full = dict.fromkeys(open_zones, 0), dict(there)
    for _each in range(count if open_zones else 0):
        zone = min(open_zones, key=lambda zone: (full[zone], zone))
        plan[zone] += 1
        full[zone] += 1
    return {zone: number for zone, number in plan.items() if number}
