"""How a roll keeps an autoscaler from making a group smaller while its traffic moves, and lets it again."""

from __future__ import annotations

from datetime import timedelta

from phoenix.clock import rfc3339
from phoenix.execute.outcomes import Outcome
from phoenix.execute.perform.outcomes import NotThere, Pinned
from phoenix.execute.perform.world import World
from phoenix.plan.roll_actions import Pin, Unpin


def pin(world: World, action: Pin) -> Pinned | NotThere:
    """Write the pin and its end on the group."""
    if world.groups.find(action.group) is None:
        return NotThere(group="gone")
    until = world.clock.now() + timedelta(seconds=action.seconds)
    world.groups.pin(action.group, until=until)
    return Pinned(pinned_until=rfc3339(until))


def unpin(world: World, action: Unpin) -> Outcome:
    """Give the pin back; a group that is kept without traffic stays pinned until it is burnt."""
    group = world.groups.find(action.group)
    if group is None or group.pinned_until is None:
        return Outcome()
    if group.keep_until is not None:
        return Pinned(pinned_until=rfc3339(group.pinned_until))
    world.groups.unpin(action.group)
    return Pinned(pinned_until=None)
