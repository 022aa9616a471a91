"""URL maps and backend services as Compute Engine tells them, for tests of what phoenix makes of them."""

from __future__ import annotations

from typing import Any

from phoenix.clouds.gcp.balancer import url_map
from phoenix.clouds.gcp.balancer.moves import Filled
from phoenix.clouds.gcp.balancer.url_map import At, There
from phoenix.model import Place
from phoenix.spec.services import GcpUrlMap

API = "https://www.googleapis.com/compute/v1/"
PLACE = Place(service="web", environment="prod")
OLD, NEW, LEGACY = "web-prod-v001", "web-prod-v002", "legacy"


def service(name: str) -> str:
    """The link to a global backend service, in the one form."""
    return f"projects/p/global/backendServices/{name}"


def at(route: str = "default") -> At:
    return url_map.at_of(GcpUrlMap(url_map="www", route=route), "p", "shop", PLACE)


def told(**more: Any) -> dict[str, Any]:
    """A URL map that sends all it gets to what was there before phoenix."""
    return {
        "kind": "compute#urlMap",
        "name": "www",
        "selfLink": f"{API}projects/p/global/urlMaps/www",
        "fingerprint": "abc=",
        "defaultService": API + service("legacy-backend"),
        **more,
    }


def there(url: dict[str, Any] | None = None, route: str = "default") -> There:
    return url_map.seen(told() if url is None else url, at(route))


def filled(*made: str, foreign: str = "") -> dict[str, Filled]:
    """The groups of these names that phoenix made, each behind its backend service, and one that it did not make."""
    others = {service(f"{foreign}-backend"): Filled(group=foreign, made=False)} if foreign else {}
    return {**{service(name): Filled(group=name, made=True) for name in made}, **others}
