"""What is there now: a cloud's and a balancer's fresh answers and the record's memory as one frozen value."""

from __future__ import annotations

from phoenix.clouds.api import Cloud
from phoenix.model import Group, Observed, Place
from phoenix.record.history import History


def service(cloud: Cloud, place: Place, history: History) -> Observed:
    """One service in one environment. Raises CloudError where the cloud or the balancer gives no answer."""
    observed = standing(cloud, place, cloud.groups.list())
    return Observed(
        groups=observed.groups,
        route=observed.route,
        abilities=observed.abilities,
        manner=observed.manner,
        last_number=history.last_number(place.service, place.environment),
        served=history.served(place.service, place.environment),
    )


def standing(cloud: Cloud, place: Place, listed: tuple[Group, ...]) -> Observed:
    """The same without the record's memory, where the cloud's groups have just been `listed`.

    What serves is among its groups whoever made it.
    """
    mine = tuple(g for g in listed if (g.service, g.environment) == (place.service, place.environment))
    traffic = cloud.traffic(place)
    route = traffic.read()
    named = {group.name for group in mine}
    others = (cloud.groups.find(name) for name, _share in route.shares if name not in named)
    foreign = tuple(group for group in others if group is not None and not group.made)
    return Observed(
        groups=tuple(sorted((*mine, *foreign), key=lambda g: g.name)),
        route=route,
        abilities=cloud.abilities,
        manner=traffic.manner,
    )
