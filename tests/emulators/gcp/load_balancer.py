"""What a load balancer does with a request: by its URL map, the weights in it, and what the machines can bear.

https://cloud.google.com/load-balancing/docs/https/traffic-management-global
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import urlsplit

from tests.emulators.gcp.balancing.picture import Drawn, Served
from tests.emulators.gcp.balancing.routes import destination
from tests.emulators.machines.proxy import Choice, Place, Request, Turns

NOBODY = Choice(status=503, body="no healthy upstream")


class Chooser:
    """Chooses for one forwarding rule."""

    def __init__(self, rule: str, picture: Callable[[], Drawn], now: Callable[[], float]) -> None:
        self._rule = rule
        self._picture = picture
        self._now = now
        self._turns = Turns()

    def choose(self, request: Request) -> Choice:
        """A backend service in turn by the weights, then a machine of it."""
        drawn = self._picture()
        url_map = drawn.maps.get(self._rule)
        if not url_map:
            return Choice(status=404)
        host, path = request.headers.get("host", ""), urlsplit(request.target).path
        where = destination(url_map, host, path, request.headers)
        if where.redirect:
            return Choice(status=301)
        service = self._turns.next(f"{where.matcher} of {self._rule}", where.services)
        if service is None or service not in drawn.services:
            return NOBODY
        return self._machine(service, drawn.services[service], request)

    def _machine(self, service: str, served: Served, request: Request) -> Choice:
        """The machine that the client's cookie names, as long as it is healthy and its group gets traffic."""
        able = {place.id: place for group, bears in served.backends.items() if bears for place in served.places[group]}
        place = able.get(self._read(request.cookies.get(served.cookie, ""))) if served.cookie else None
        group = self._turns.next(service, list(served.backends.items()))
        if place is None and group is not None:
            place = self._next(service, group, served.places[group])
        if place is None:
            return NOBODY
        headers = (self._cookie(served, place),) if served.cookie else ()
        return Choice(place=place, headers=headers, patience=served.patience)

    def _next(self, service: str, group: str, places: tuple[Place, ...]) -> Place | None:
        named = {place.id: place for place in places}
        return named.get(self._turns.next(f"{group} in {service}", [(name, 1) for name in named]) or "")

    def _cookie(self, served: Served, place: Place) -> tuple[str, str]:
        until = self._now() + served.lasts if served.lasts else None
        kept = base64.urlsafe_b64encode(json.dumps([place.id, until]).encode()).decode().rstrip("=")
        return "Set-Cookie", f"{served.cookie}={kept}; Path=/" + f"; Max-Age={served.lasts}" * bool(served.lasts)

    def _read(self, kept: str) -> str:
        """The machine that a cookie names, as long as it is valid; empty for none."""
        try:
            place, until = json.loads(base64.urlsafe_b64decode(kept + "=" * (-len(kept) % 4)))
        except (ValueError, TypeError):
            return ""
        return str(place) if until is None or self._now() < until else ""
