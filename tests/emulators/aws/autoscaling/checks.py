"""What a group looks after again and again: ill instances, and zones that became uneven.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html
"""

from __future__ import annotations

from functools import partial

from tests.emulators.aws.autoscaling.engine import Engine
from tests.emulators.aws.autoscaling.model import Group, Member

RUNNING = ("pending", "running")


class Checks:
    """The looks of all groups, each at its own time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, group: Group) -> None:
        """Look at a new group from now on."""
        clock, settings = self._engine.emulated.clock, self._engine.emulated.settings
        clock.later(settings.check, partial(self._look, group))

    def _look(self, group: Group) -> None:
        if self._engine.groups.get((group.region, group.name)) is not group:
            return
        self.look(group)
        self.begin(group)

    def look(self, group: Group) -> None:
        """Mark who is ill, replace them, even the zones out."""
        if group.deleting:
            return
        if group.does("HealthCheck"):
            for member in group.counted:
                member.healthy = member.healthy and self._well(group, member)
        if group.does("ReplaceUnhealthy"):
            self._replace(group)
        self._rebalance(group)

    def _well(self, group: Group, member: Member) -> bool:
        if self._engine.instances.state(member.id) not in RUNNING:
            return False
        if group.health_check == "EC2" or member.in_service is None:
            return True
        if self._engine.emulated.clock.now < member.in_service + group.grace:
            return True
        states = {self._engine.targets.health_of(arn, member.id).state for arn in group.target_groups}
        return "unhealthy" not in states

    def _replace(self, group: Group) -> None:
        """Terminated before it is replaced; with Terminate suspended neither happens.

        https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
        """
        ill = [member for member in group.members.values() if not member.healthy and _held(member)]
        if not ill or not group.does("Terminate"):
            return
        for member in ill:
            self._engine.end(group, member, "an instance was taken out of service in response to a health check")
        self._engine.settle(group, "an instance was launched in response to an unhealthy instance")

    def _rebalance(self, group: Group) -> None:
        """A new instance in the emptiest zone first, then one of the fullest ends.

        https://docs.aws.amazon.com/autoscaling/ec2/userguide/auto-scaling-benefits.html
        """
        engine, settings = self._engine, self._engine.emulated.settings
        extra = [member for member in group.counted if member.rebalancing]
        for member in extra:
            if member.state == "InService":
                member.rebalancing = False
                engine.settle(group, "instances were balanced over the Availability Zones")
        if extra or not all(group.does(process) for process in ("AZRebalance", "Launch", "Terminate")):
            return
        counted = group.by_zone
        open_zones = {counted[zone] for zone in group.zones if zone not in settings.short}
        outside = any(count for zone, count in counted.items() if zone not in group.zones)
        if open_zones and (outside or max(counted.values()) - min(open_zones) > 1):
            for member in engine.launch(group, 1, "an instance was launched to balance the Availability Zones"):
                member.rebalancing = member.state != "InService"
                if not member.rebalancing:
                    engine.settle(group, "instances were balanced over the Availability Zones")


def _held(member: Member) -> bool:
    return not member.state.startswith(("Terminating", "Standby", "EnteringStandby", "Detaching"))
