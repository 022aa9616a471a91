"""What a call is about: the group, the instance, or the error that names neither."""

from __future__ import annotations

from tests.emulators.aws.answers import Asked
from tests.emulators.aws.autoscaling.engine import Engine
from tests.emulators.aws.autoscaling.model import Group, Member
from tests.emulators.aws.faults import RefusedError


def named(engine: Engine, asked: Asked) -> Group:
    """The group that a call is about. ValidationError where there is none."""
    name = asked.get("AutoScalingGroupName")
    group = engine.groups.get((asked.region, str(name)))
    if group is None:
        raise RefusedError("ValidationError", f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return group


def standing(engine: Engine, asked: Asked) -> Group:
    """The group that a call changes. One that is being deleted is not changed any more.

    The words are those of https://github.com/kubernetes/kops/issues/844.
    """
    group = named(engine, asked)
    if group.deleting:
        raise RefusedError("ValidationError", "The AutoScaling group may not be modified while it is pending delete")
    return group


def at_most(most: int, named: list[str]) -> None:
    """ValidationError where one call names more."""
    if len(named) > most:
        raise RefusedError("ValidationError", f"A call may name at most {most} of them, and names {len(named)}")


def managed(engine: Engine, instance: str) -> tuple[Group, Member]:
    """An instance by its id alone. ValidationError where it is no group's."""
    found = engine.group_of(instance)
    if found is None:
        raise RefusedError(
            "ValidationError", f"Instance Id not found - No managed instance found for instance ID: {instance}"
        )
    return found


def members(group: Group, ids: list[str], *, most: int) -> list[Member]:
    """Instances of a group. ValidationError where one is not of it, or where they are too many for one call."""
    at_most(most, ids)
    for id in ids:
        if id not in group.members:
            raise RefusedError("ValidationError", f"The instance {id} is not part of Auto Scaling group {group.name}.")
    return [group.members[id] for id in ids]
