"""The URL map whose route serves a place, as that place sees it at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phoenix.clouds.gcp.balancer import preview, route, whole
from phoenix.clouds.gcp.balancer.preview import Preview
from phoenix.clouds.gcp.balancer.route import Live
from phoenix.clouds.gcp.balancer.scope import Scope
from phoenix.clouds.gcp.balancer.services import is_service
from phoenix.clouds.gcp.balancer.whole import Json
from phoenix.clouds.gcp.calls import Calls, RefusedCallError
from phoenix.errors import RefusedError
from phoenix.model import Place
from phoenix.spec.services import GcpUrlMap

MAPS = "urlMaps"


@dataclass(frozen=True, kw_only=True, slots=True)
class At:
    """A route of a URL map, and the place that it serves."""

    scope: Scope
    url_map: str
    route: str
    project: str
    """Phoenix's own."""
    place: Place

    @property
    def link(self) -> str:
        """The URL map's."""
        return self.scope.link(MAPS, self.url_map)

    def service(self, name: str) -> str:
        """The link to the backend service of that name."""
        return self.scope.link("backendServices", name)

    def __str__(self) -> str:
        which = "the default route" if self.route == route.DEFAULT else f"the route {self.route}"
        return f"{which} of the URL map {self.url_map}"


@dataclass(frozen=True, kw_only=True, slots=True)
class There:
    """The map as it is now."""

    at: At
    told: Json
    live: Live
    previews: tuple[Preview, ...]
    """Those of the place, also of groups that are leaving."""

    @property
    def attached(self) -> tuple[str, ...]:
        """The backend services that have a share, or a preview that lets somebody in. Sorted."""
        live = {each for each in self.live.weights if is_service(each)}
        return tuple(sorted(live | {each.service for each in self.previews if not each.leaving}))

    def preview(self, service: str) -> Preview | None:
        """The preview of the backend service, also of one that is leaving."""
        return next((each for each in self.previews if each.service == service), None)

    @property
    def ours(self) -> frozenset[str]:
        """The backend services that phoenix made for the place, as far as the map tells."""
        return frozenset(each.service for each in self.previews if each.made)

    @property
    def before(self) -> Json | None:
        """What the route did before phoenix, as the previews tell; None where they do not."""
        return next((each.before for each in self.previews if each.before is not None), None)

    def with_previews(self, shown: Mapping[str, Preview] | tuple[Preview, ...]) -> dict[str, Any]:
        """The map with exactly these previews of the place."""
        wanted = tuple(shown.values()) if isinstance(shown, Mapping) else shown
        return preview.put(self.told, wanted, self.live, self.at.project, self.at.place)


def seen(told: Json, at: At) -> There:
    """What the map tells. RefusedError where it has no such route."""
    live = route.live(told, at.route)
    if live is None:
        names = ", ".join(["default", *(str(each.get("name")) for each in told.get("pathMatchers", ()))])
        raise RefusedError(
            f"the URL map {at.url_map} has no route {at.route}",
            details=f"it has {names}",
            resolution="Name `default` or one of its path matchers in `load_balancer.route` of phoenix.yaml.",
        )
    return There(at=at, told=told, live=live, previews=preview.found(told, at.project, at.place))


def read(calls: Calls, at: At) -> There:
    """The map as it is now. RefusedError where there is none, or no such route."""
    told = whole.read(calls, at.link)
    if told is None:
        raise RefusedError(
            f"there is no URL map {at.url_map} ({at.scope})",
            details=f"Google Cloud has no {at.link}",
            resolution="See `load_balancer.url_map` and `load_balancer.region` in phoenix.yaml: without a region a "
            "global one is meant.",
        )
    return seen(told, at)


def services_before(there: There) -> frozenset[str]:
    """The services (and buckets) that the route sent to before phoenix, as far as it is known."""
    return route.services_of(there.before) if there.before is not None else frozenset()


def unwritable(there: There, error: RefusedCallError) -> RefusedError:
    """What is said where Google takes a URL map for wrong: most often it is the map's own tests that fail."""
    tested = bool(there.told.get("tests")) and "test" in error.details.lower()
    return RefusedError(
        f"the URL map's own tests refuse it: {there.at.url_map} was not written"
        if tested
        else f"Google Cloud does not take {there.at.url_map} as it was to be",
        details=error.details,
        resolution="Change those tests, so that they hold whichever group serves."
        if tested
        else "See Google's words above; the URL map is as it was.",
    )


def at_of(spec: GcpUrlMap, gcp_project: str, project: str, place: Place) -> At:
    """The route that phoenix.yaml names."""
    scope = Scope(project=gcp_project, region=spec.region)
    return At(scope=scope, url_map=spec.url_map, route=spec.route, project=project, place=place)
