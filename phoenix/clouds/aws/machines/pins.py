"""Pins: what keeps a group from being made smaller by itself, and what has to be given back afterwards.

MinSize := DesiredCapacity holds policies and schedules off, and AZRebalance is stopped, which ends machines as it
likes. Nothing that makes the group larger is stopped (an alarm would be, with AlarmNotification:
https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html). What was before stands in
tags of the group, beside the pin's end, so that whoever finds the pin over can give it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from phoenix.clouds.aws import labels
from phoenix.clouds.aws.machines.group_reading import Found

REBALANCING, SCHEDULES = "AZRebalance", "ScheduledActions"
TAGS = (labels.PINNED_UNTIL, labels.PINNED_LEAST, labels.PINNED_STOPPED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Owed:
    """What a pin gives back."""

    least: int | None
    """The MinSize before; None: nobody wrote it down."""
    stopped: tuple[str, ...]
    """The processes that the pin itself stopped."""


def born(least: int, carried: frozenset[str], *, schedules: bool) -> Owed:
    """Of a group that is born pinned: its own schedules wait, too, until its size is decided."""
    stop = {REBALANCING, SCHEDULES} if schedules else {REBALANCING}
    return Owed(least=least, stopped=tuple(sorted(stop - carried)))


def owed(group: Found) -> Owed | None:
    """What the group's pin has to give back; None where it has none. Whoever pins again does not forget it."""
    if labels.PINNED_UNTIL not in group.tags:
        return None
    least = group.tags.get(labels.PINNED_LEAST, "")
    stopped = group.tags.get(labels.PINNED_STOPPED, "")
    return Owed(least=int(least) if least.isdecimal() else None, stopped=tuple(stopped.split()))


def taken(group: Found) -> Owed:
    """What a pin of this group will have to give back: what the one before it owes, else what there is now."""
    there = owed(group)
    if there is not None:
        return there
    return Owed(least=group.least, stopped=tuple(sorted({REBALANCING} - group.suspended)))


def tags(pin: Owed) -> Mapping[str, str]:
    """How it is written on the group."""
    least = "" if pin.least is None else str(pin.least)
    return {labels.PINNED_LEAST: least, labels.PINNED_STOPPED: " ".join(pin.stopped)}
