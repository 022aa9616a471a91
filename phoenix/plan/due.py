"""Which groups are to be burnt without anybody asking: the one answer for `tend`, which does it, and for `status`."""

from __future__ import annotations

from datetime import datetime

from phoenix.clock import from_rfc3339
from phoenix.model import Group, Instance, Observed


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


def snowflakes(observed: Observed, now: datetime, touched_for: float) -> tuple[tuple[Group, Instance], ...]:
    """Machines with traffic that somebody was inside of, so many seconds ago or longer, in groups that are well.

    One that somebody is inside of now, or of which nobody can tell when it was, is not among them; nor is one whose
    group has a machine that is ill: there a new machine would prove nothing.
    """
    well = {backend.group: len(backend.well) for backend in observed.route.backends if backend.share}
    groups = [group for group in observed.groups if group.made and len(group.staying) == well.get(group.name)]
    return tuple((group, each) for group in groups for each in group.staying if _age_of_touch(each, now) >= touched_for)


def _age_of_touch(instance: Instance, now: datetime) -> float:
    """Seconds since somebody was inside last; less than none where nobody was, somebody is, or nobody can tell."""
    if instance.inside:
        return -1.0
    try:
        return (now - from_rfc3339(instance.touched.rpartition(" at ")[2])).total_seconds()
    except ValueError:
        return -1.0
