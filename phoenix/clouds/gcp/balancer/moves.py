"""What a URL map is to become: with a preview more, with other shares, with the route as it was, without a group. Pure.

Each move is the whole map as it is to be written, or None where it is as it should be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from phoenix.clouds.gcp import links
from phoenix.clouds.gcp.balancer import notes, preview, route
from phoenix.clouds.gcp.balancer.preview import Preview
from phoenix.clouds.gcp.balancer.services import is_service
from phoenix.clouds.gcp.balancer.url_map import There
from phoenix.clouds.gcp.balancer.whole import Json
from phoenix.errors import RefusedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """A backend service that a group fills."""

    group: str
    made: bool
    """Whether phoenix made it."""


def shown(there: There, service: str, filled: Filled) -> Json | None:
    """The map where the group has its preview, open."""
    now = there.preview(service)
    if now is not None and not now.leaving and now.host:
        return None
    new = preview.opened(now) if now is not None else preview.new(filled.group, service, made=filled.made)
    return there.with_previews((*(each for each in there.previews if each is not now), new))


def shifted(there: There, weights: Mapping[str, int], filled: Mapping[str, Filled]) -> Json | None:
    """The map where the route gives these backend services these weights, and every preview knows what it did before.

    `filled`: each backend service of the route that has a group. What loses its share by this gets a preview, else
    nobody would check it any longer.
    """
    before = there.live.does if untouched(there, filled) else there.before
    previews = list(there.previews)
    for service in sorted(set(there.live.weights) & set(filled)):
        if there.preview(service) is None:
            each = filled[service]
            previews.append(preview.new(each.group, service, made=each.made))
    previews = [replace(each, before=before) for each in previews]
    does = route.to(there.live, weights)
    if there.live.same(does) and _alike(previews, there.previews):
        return None
    return route.written(there.with_previews(tuple(previews)), there.at.route, does)


def put_back(there: There, filled: Mapping[str, Filled]) -> Json | None:
    """The map where the route does again what it did before phoenix. RefusedError where nobody knows that any more."""
    if untouched(there, filled):
        return None
    if there.before is None:
        raise RefusedError(
            f"nobody knows what {there.at} did before phoenix",
            details="the previews that said so are gone, or were changed by somebody else",
            resolution="Set the route by hand; phoenix left it as it is.",
        )
    return None if there.live.same(there.before) else route.written(there.told, there.at.route, there.before)


def without(there: There, group: str, filled: Mapping[str, Filled], *, drains: bool) -> Json | None:
    """The map without the group's preview and without what is left of it in the route at weight 0.

    `drains`: its manager still needs the backend service, so the preview stays, where nobody is let in by it. Previews
    of others' groups go with the last of phoenix's where these alone serve: the route has them checked.
    """
    previews = []
    for each in there.previews:
        if each.group != group:
            previews.append(each)
        elif drains:
            previews.append(each if each.leaving else preview.closed(each))
    of_it = {service for service, each in filled.items() if each.group == group}
    weights = {service: weight for service, weight in there.live.weights.items() if service not in of_it}
    if not any(each.made for each in previews) and untouched(there, filled):
        previews = [each for each in previews if each.service not in weights]
    dropped = weights != there.live.weights and any(weights.values())
    if _alike(previews, there.previews) and not dropped:
        return None
    changed = there.with_previews(tuple(previews))
    return route.written(changed, there.at.route, route.to(there.live, weights)) if dropped else changed


def untouched(there: There, filled: Mapping[str, Filled]) -> bool:
    """Whether nothing of what the route does is phoenix's."""
    ours = {service for service, each in filled.items() if each.made} | there.ours
    return not ours & set(there.live.weights)


def elsewhere(there: There, service: str) -> tuple[str, ...]:
    """Which other routes of the map send to the backend service, besides the live one and previews.

    Also those of another place, as where a service was renamed: no client's request comes by a preview.
    """
    found = []
    for matcher in there.told.get("pathMatchers", ()):
        name = matcher.get("name")
        if notes.read(matcher.get("description")) is not None:
            continue
        rest = {key: value for key, value in matcher.items() if name != there.at.route or key not in route.DOES}
        if service in _services(rest):
            found.append(f"the path matcher {name}" if name != there.at.route else f"a rule of the route {name}")
    if there.at.route != route.DEFAULT and service in _services({k: there.told.get(k) for k in route.DOES}):
        found.append("the default route")
    return tuple(found)


def entangled(service: str, why: str) -> RefusedError:
    """What is said of a backend service whose traffic is not one route's to move."""
    return RefusedError(
        f"the backend service {links.name_of(service)} is not for one route to decide",
        details=f"{why}; moving its traffic at one place alone would leave the rest behind",
        resolution="Give the service one route, one backend service and one managed group, then say it again.",
    )


def named_by(told: Json, service: str) -> bool:
    """Whether anything in a URL map sends to the backend service."""
    return service in _services({key: value for key, value in told.items() if key != "tests"})


def _alike(one: Iterable[Preview], other: Iterable[Preview]) -> bool:
    """Whether these are the same previews, in whatever order."""
    return sorted(map(repr, one)) == sorted(map(repr, other))


def _services(value: Any) -> frozenset[str]:
    """Every backend service that something in it is a link to."""
    if isinstance(value, Mapping):
        return frozenset().union(*map(_services, value.values()))
    if isinstance(value, list | tuple):
        return frozenset().union(*map(_services, value))
    link = links.short(value) if isinstance(value, str) else ""
    return frozenset({link}) if is_service(link) else frozenset()
