"""Ending machines of a group: exactly those that are named, or all of them with the group; always drained.

TerminateInstanceInAutoScalingGroup takes a machine off its balancer, waits for the balancer's delay and for hooks, and
then ends it. ForceDelete, which waits for nothing, is never used.
"""

from __future__ import annotations

import re

from phoenix.clock import Clock
from phoenix.clouds.api import Between
from phoenix.clouds.aws.calls import Calls, RefusedCallError
from phoenix.clouds.aws.machines.group_reading import Found, Member, state_of
from phoenix.clouds.aws.machines.looks import Looks
from phoenix.clouds.aws.machines.successions import Successions
from phoenix.errors import CloudError, RefusedError
from phoenix.model import InstanceState
from phoenix.wait import Look, Verdict, retry_while_unknown, wait_for

ENDING = 600.0
"""Seconds that a machine, and then its group, may take to be gone once it is drained."""
LOOK = 2.0
"""Seconds between two looks."""
_GONE = re.compile("no managed instance found", re.IGNORECASE)
"""AWS has no code of its own for it."""
_IN_USE = "ResourceInUse"
"""A machine came in the meantime."""


class Endings:
    """How machines of groups end."""

    def __init__(self, calls: Calls, looks: Looks, successions: Successions, clock: Clock) -> None:
        self._calls = calls
        self._looks = looks
        self._successions = successions
        self._clock = clock

    def end(self, group: Found, instances: frozenset[str], *, size: int, between: Between) -> None:
        """End exactly these; as many of them as the group is larger than `size` are not replaced."""
        leaving = [each for each in group.members if each.id in instances and not _leaves(each)]
        _refuse_held(group.name, leaving)
        surplus = max(0, group.size - size)
        if surplus and leaving and group.least > size:
            self._calls.ask("autoscaling", "update_auto_scaling_group", AutoScalingGroupName=group.name, MinSize=size)
        for index, each in enumerate(leaving):
            between()
            self._end(each, replaced=index >= surplus)

    def _end(self, member: Member, *, replaced: bool) -> None:
        try:
            self._calls.ask(
                "autoscaling",
                "terminate_instance_in_auto_scaling_group",
                InstanceId=member.id,
                ShouldDecrementDesiredCapacity=not replaced,
            )
        except RefusedCallError as error:
            if not _GONE.search(error.details):  # it ended by itself since the last look
                raise

    def empty(self, group: Found, between: Between) -> None:
        """End all machines, wait until they are gone, and remove the group.

        RefusedError where all that is left is protected from scale-in, or set aside: somebody wants it to stay.
        """
        if not group.ending:
            _refuse_endless(group)
            if group.size or group.least or group.members:
                self._calls.ask(
                    "autoscaling",
                    "update_auto_scaling_group",
                    AutoScalingGroupName=group.name,
                    MinSize=0,
                    DesiredCapacity=0,
                )
        drain = self._successions.drains(group.name, group.target_groups) if group.members else 0.0
        self._wait(group.name, drain + ENDING, between)

    def await_gone(self, name: str, between: Between) -> None:
        """Wait until a group that is being deleted is gone."""
        self._wait(name, ENDING, between)

    def _wait(self, name: str, deadline: float, between: Between) -> None:
        wait_for(
            f"the end of {name}",
            lambda: self._look(name),
            clock=self._clock,
            deadline=deadline,
            interval=LOOK,
            between=between,
        )

    def _look(self, name: str) -> Look:
        """Whether the group is gone; it is removed as soon as it has no machine."""
        try:
            group = self._looks.found(name)
            if group is None:
                return Look(verdict=Verdict.PASS, seen="gone")
            if not group.members and not group.ending:
                self._calls.ask("autoscaling", "delete_auto_scaling_group", AutoScalingGroupName=name)
                self._looks.forget(name)
                if self._looks.found(name) is None:
                    return Look(verdict=Verdict.PASS, seen="gone")
        except RefusedCallError as error:
            if error.said != _IN_USE:
                raise
            return retry_while_unknown(error)
        except CloudError as error:
            return retry_while_unknown(error)
        held = [each for each in group.members if _held(each)]
        if held and len(held) == len(group.members):
            _refuse_held(name, held)
        there = [f"{each.id} {each.lifecycle}" for each in group.members[:3]]
        seen = f"{len(group.members)} machines are left: {', '.join(there)}" if there else "being deleted"
        return Look(verdict=Verdict.UNKNOWN, seen=seen)


def _leaves(member: Member) -> bool:
    return state_of(member)[0] is InstanceState.LEAVING and "Standby" not in member.lifecycle


def _held(member: Member) -> bool:
    return "Standby" in member.lifecycle or (member.protected and not _leaves(member))


def _refuse_held(name: str, members: list[Member]) -> None:
    held = [each for each in members if _held(each)]
    if held:
        raise RefusedError(
            f"machines of {name} are to stay",
            details="; ".join(f"{each.id}: {_why(each)}" for each in held),
            resolution="Take the protection off or the machine out of standby where that is over, then say it again.",
        )


def _refuse_endless(group: Found) -> None:
    if "Terminate" in group.suspended:
        raise RefusedError(
            f"nothing ends the machines of {group.name}",
            details="its process Terminate is suspended",
            resolution="Resume it (`aws autoscaling resume-processes`), then say it again.",
        )


def _why(member: Member) -> str:
    return "in standby" if "Standby" in member.lifecycle else "protected from scale-in"
