"""Which groups are to be burnt without anybody asking: the one answer for `tend`, which does it, and for `status`."""

from __future__ import annotations

from datetime import datetime

from phoenix.model import Group, Observed


def idle(observed: Observed) -> tuple[Group, ...]:
    """The groups that get no traffic."""
    routed = dict(observed.route.shares)
    return tuple(group for group in observed.groups if group.name not in routed)


def due(observed: Observed, now: datetime, undone: frozenset[str]) -> tuple[Group, ...]:
    """Groups without traffic whose time is over: former ones, and those of a run that was undone without them.

    The latter come about where a process hung in its call to make a group while another undid its run. `undone`: the
    ids of the runs that were undone, as far as a group without a time limit names them.
    """
    mine = (g for g in idle(observed) if g.made)
    return tuple(g for g in mine if (g.keep_until <= now if g.keep_until else g.run in undone))


def overdue_pins(observed: Observed, now: datetime) -> tuple[Group, ...]:
    """Groups whose pin is over: a run that died or failed has left it. Kept groups stay pinned until they are burnt."""
    pinned = (g for g in observed.groups if g.pinned_until is not None and g.keep_until is None)
    return tuple(g for g in pinned if g.pinned_until is not None and g.pinned_until <= now)
