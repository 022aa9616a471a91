"""A route of a URL map: how its shares are read, and how they are rewritten with everything else as it was. Pure.

A route is what a URL map, or one of its path matchers, does where nothing more special applies: a service, weights of
several services, or a redirect, of which only one may be there, beside an action (rewrites, timeouts, retries) that is
never changed (https://cloud.google.com/compute/docs/reference/rest/v1/urlMaps). A URL map has no verb that takes a key
out: with PATCH a `defaultService` would stay beside the weights and be refused. So it is written whole, as it was read.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phoenix.clouds import rules
from phoenix.clouds.gcp import links

DEFAULT = "default"
MOST_WEIGHT = 1000
_SERVICE, _ACTION, _REDIRECT = "defaultService", "defaultRouteAction", "defaultUrlRedirect"
_WEIGHTED = "weightedBackendServices"
DOES = (_SERVICE, _ACTION, _REDIRECT)
"""The keys of a route that say what it does."""

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """What the route does."""

    does: Json
    """Those of its keys that say so."""
    headers: Json | None = None
    """What the path matcher does to headers, where the route is one's."""

    @property
    def weights(self) -> dict[str, int]:
        """The weight of each service (or bucket) that it forwards to, by link; nothing for a redirect."""
        weighted = self.does.get(_ACTION, {}).get(_WEIGHTED) or ()
        if weighted:
            return {links.short(each["backendService"]): int(each.get("weight", 0)) for each in weighted}
        service = self.does.get(_SERVICE)
        return {links.short(service): 1} if service else {}

    @property
    def shares(self) -> dict[str, int]:
        """The same as whole percents; a service of weight 0 has share 0."""
        return {**dict.fromkeys(self.weights, 0), **rules.percents(self.weights)}

    def elsewhere(self, known: frozenset[str]) -> str:
        """What else than the services of `known` gets requests: a redirect, say; empty where nothing does."""
        if _REDIRECT in self.does:
            return "a redirect"
        others = sorted(link for link, share in self.shares.items() if share and link not in known)
        return ", ".join(others)

    @property
    def version(self) -> str:
        """A digest of what it does. Another one: somebody has changed it."""
        text = json.dumps(_plain(self.does), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def action(self) -> dict[str, Any]:
        """What it does to requests besides sending them to a service."""
        action = self.does.get(_ACTION, {})
        return {key: value for key, value in action.items() if key != _WEIGHTED}

    def same(self, does: Json) -> bool:
        """Whether it does that."""
        return bool(_plain(self.does) == _plain(does))


def live(url_map: Json, route: str) -> Live | None:
    """What the route of that name does: `default`, or a path matcher; None where the map has none of that name."""
    at = _at(url_map, route)
    if at is None:
        return None
    return Live(does={key: at[key] for key in DOES if key in at}, headers=at.get("headerAction"))


def to(there: Live, weights: Mapping[str, int]) -> Json:
    """What the route has to do so that these services have these weights, and nothing else is changed.

    One alone is named as a single service is, for weights stand above session affinity.
    """
    headers = next((each["headerAction"] for each in _weighted(there) if "headerAction" in each), None)
    action = dict(there.action)
    if len(weights) == 1 and headers is None:
        return {_SERVICE: links.full(next(iter(weights))), **({_ACTION: action} if action else {})}
    more = {} if headers is None else {"headerAction": headers}
    action[_WEIGHTED] = [
        {"backendService": links.full(link), "weight": n, **more} for link, n in sorted(weights.items())
    ]
    return {_ACTION: action}


def written(url_map: Json, route: str, does: Json) -> dict[str, Any]:
    """The map with another route of that name, all else as it is."""
    changed = copy.deepcopy(dict(url_map))
    at = _at(changed, route)
    assert at is not None, "it was read from this map"
    for key in DOES:
        at.pop(key, None)
    at.update(copy.deepcopy(dict(does)))
    return changed


def services_of(does: Json) -> frozenset[str]:
    """The services (and buckets) that the route forwards to where it does that."""
    return frozenset(Live(does=does).weights)


def _at(url_map: Any, route: str) -> Any:
    if route == DEFAULT:
        return url_map
    return next((each for each in url_map.get("pathMatchers", ()) if each.get("name") == route), None)


def _weighted(there: Live) -> list[Json]:
    return list(there.does.get(_ACTION, {}).get(_WEIGHTED) or ())


def _plain(value: Any) -> Any:
    """So that two that do the same are the same, however links are spelt and services are ordered."""
    if isinstance(value, Mapping):
        plain = {key: _plain(each) for key, each in value.items()}
        if _WEIGHTED in plain:
            plain[_WEIGHTED] = sorted(plain[_WEIGHTED], key=lambda each: str(each["backendService"]))
        return plain
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return links.short(value) if isinstance(value, str) else value
