"""Which machines of a group are missed least when it is made smaller."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from itertools import groupby

from phoenix.model import Instance, InstanceState

Missed = tuple[bool, bool, bool, bool]
Age = tuple[float, int, list[int]]


def worst_first(
    instances: tuple[Instance, ...], well: frozenset[str], beside: Iterable[Instance] = ()
) -> list[Instance]:
    """Dead ones, those that fail, those that do not answer, then the youngest; last those that are protected.

    Of those that are missed alike the fullest zone gives first: a service that gives up machines keeps some in every
    zone as long as it has enough. `beside`: machines of other groups that serve with these.
    """
    left = Counter(each.zone for each in (*instances, *beside))
    ordered = sorted(instances, key=lambda each: (_missed(each, well), _age(each)))
    classes = groupby(ordered, key=lambda each: _missed(each, well))
    return [each for _missed_alike, alike in classes for each in _fullest_first(alike, left)]


def _fullest_first(youngest_first: Iterable[Instance], left: Counter[str]) -> Iterator[Instance]:
    """In turns from the zone that has most `left`, which is counted down."""
    zones: dict[str, deque[Instance]] = {}
    for each in youngest_first:
        zones.setdefault(each.zone, deque()).append(each)
    while zones:
        zone = min(zones, key=lambda name: (-left[name], _age(zones[name][0])))
        left[zone] -= 1
        yield zones[zone].popleft()
        if not zones[zone]:
            del zones[zone]


def _missed(instance: Instance, well: frozenset[str]) -> Missed:
    dead, fails = instance.state is InstanceState.DEAD, bool(instance.failed_units)
    return instance.protected, not dead, not fails, instance.id in well


def _age(instance: Instance) -> Age:
    """The youngest first, and of machines that are numbered the last one."""
    started = instance.since.timestamp() if instance.since else 0.0
    return -started, -len(instance.id), [-ord(letter) for letter in instance.id]
