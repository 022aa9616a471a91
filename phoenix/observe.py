"""What is there now: a cloud's and a balancer's fresh answers and the record's memory as one frozen value."""

from __future__ import annotations

from dataclasses import replace

from phoenix.clouds.api import Cloud
from phoenix.model import Group, Observed, Place
from phoenix.record.history import History


def service(cloud: Cloud, place: Place, history: History) -> Observed:
    """One service in one environment. Raises CloudError where the cloud or the balancer gives no answer."""
    observed = replace(
        standing(cloud, place, cloud.groups.list()),
        last_number=history.last_number(place.service, place.environment),
        served=history.served(place.service, place.environment),
    )
    former = observed.former  # whoever made it: a rollback goes back to it
    if former is None or observed.group(former):
        return observed
    return replace(observed, groups=_with_foreign(cloud, place, observed.groups, [former]))


def standing(cloud: Cloud, place: Place, listed: tuple[Group, ...]) -> Observed:
    """The same without the record's memory, where the cloud's groups have just been `listed`.

    What the balancer knows is among its groups whoever made it: one that phoenix made for another place, as where a
    service was renamed, is not this place's (`made` is False).
    """
    mine = tuple(g for g in listed if (g.service, g.environment) == (place.service, place.environment))
    traffic = cloud.traffic(place)
    route = traffic.read()
    return Observed(
        groups=_with_foreign(cloud, place, mine, [backend.group for backend in route.backends]),
        route=route,
        abilities=cloud.abilities,
        manner=traffic.manner,
    )


def _with_foreign(cloud: Cloud, place: Place, groups: tuple[Group, ...], named: list[str]) -> tuple[Group, ...]:
    """The groups, with those of the named ones that phoenix did not make for the place, sorted by name."""
    there = {group.name for group in groups}
    others = (cloud.groups.find(name) for name in named if name not in there)
    foreign = (replace(group, made=False) for group in others if group is not None and not _is_of(group, place))
    return tuple(sorted((*groups, *foreign), key=lambda group: group.name))


def _is_of(group: Group, place: Place) -> bool:
    return group.made and (group.service, group.environment) == (place.service, place.environment)
