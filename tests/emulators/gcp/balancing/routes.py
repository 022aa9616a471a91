"""Where a URL map sends a request: pure, of a map and a request.

https://cloud.google.com/load-balancing/docs/url-map-concepts
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.emulators.gcp.api.errors import Json


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Backend services with their weights, or a redirect."""

    services: tuple[tuple[str, int], ...] = ()
    """URLs as the map has them; the weights are parts of their sum."""
    redirect: bool = False
    matcher: str = ""
    """The path matcher that was asked; empty for the map's own default."""


def destination(url_map: Json, host: str, path: str, headers: Mapping[str, str] | None = None) -> Destination:
    """Where a request goes. `headers` by their names in small letters."""
    name = _matcher_name(url_map, host.lower())
    matcher = next((one for one in url_map.get("pathMatchers", []) if one["name"] == name), None)
    if matcher is None:
        return _read(url_map, "default", "")
    for rule in sorted(matcher.get("routeRules", []), key=lambda rule: int(rule.get("priority", 0))):
        if any(_fits(match, path, headers or {}) for match in rule.get("matchRules", [{}])):
            return _read(rule, "", matcher["name"])
    fitting = [
        (len(pattern), rule)
        for rule in matcher.get("pathRules", [])
        for pattern in rule.get("paths", [])
        if _path_fits(pattern, path)
    ]
    if fitting:
        return _read(max(fitting, key=lambda one: one[0])[1], "", matcher["name"])
    return _read(matcher, "default", matcher["name"])


def _matcher_name(url_map: Json, host: str) -> str | None:
    """A whole name goes before a pattern, a longer pattern before a shorter one."""
    fitting = [
        ("*" not in pattern, len(pattern), rule["pathMatcher"])
        for rule in url_map.get("hostRules", [])
        for pattern in rule["hosts"]
        if host_fits(pattern.lower(), host)
    ]
    return str(max(fitting)[2]) if fitting else None


def host_fits(pattern: str, host: str) -> bool:
    """`*`, `*.example.com`, `a.example.com`, with or without a port."""
    bare = host if ":" in pattern else host.partition(":")[0]
    return bare == pattern or bool(re.fullmatch(re.escape(pattern).replace(r"\*", r"[a-z0-9.:-]*"), bare))


def _path_fits(pattern: str, path: str) -> bool:
    if pattern.endswith("/*"):
        return path.startswith(pattern[:-1]) or path == pattern[:-2]
    return path == pattern


def _fits(match: Json, path: str, headers: Mapping[str, str]) -> bool:
    if "fullPathMatch" in match and path != match["fullPathMatch"]:
        return False
    if "prefixMatch" in match and not path.startswith(match["prefixMatch"]):
        return False
    if "regexMatch" in match and not re.fullmatch(match["regexMatch"], path):
        return False
    return all(_header_fits(one, headers) for one in match.get("headerMatches", []))


def _header_fits(match: Json, headers: Mapping[str, str]) -> bool:
    value = headers.get(match["headerName"].lower())
    if match.get("presentMatch"):
        fits = value is not None
    elif "exactMatch" in match:
        fits = value == match["exactMatch"]
    elif "prefixMatch" in match:
        fits = value is not None and value.startswith(match["prefixMatch"])
    else:
        fits = value is not None and bool(re.fullmatch(match.get("regexMatch", ".*"), value))
    return fits != bool(match.get("invertMatch"))


def _read(rule: Json, prefix: str, matcher: str) -> Destination:
    def field(name: str) -> str:
        return f"{prefix}{name[0].upper()}{name[1:]}" if prefix else name

    if rule.get(field("urlRedirect")):
        return Destination(redirect=True, matcher=matcher)
    weighted = (rule.get(field("routeAction")) or {}).get("weightedBackendServices", [])
    if weighted:
        services = tuple((one["backendService"], int(one.get("weight", 0))) for one in weighted)
        return Destination(services=services, matcher=matcher)
    return Destination(services=((rule[field("service")], 1),), matcher=matcher)


def routes(url_map: Json) -> Iterator[tuple[str, Json, str]]:
    """All places of a map that say where to go: the field's path, the rule, and the prefix of its fields."""
    yield "resource", url_map, "default"
    for index, matcher in enumerate(url_map.get("pathMatchers", [])):
        at = f"resource.pathMatchers[{index}]"
        yield at, matcher, "default"
        for kind in ("pathRules", "routeRules"):
            for number, rule in enumerate(matcher.get(kind, [])):
                yield f"{at}.{kind}[{number}]", rule, ""


def services(url_map: Json) -> set[str]:
    """All backend services that a map names, at whatever weight, as URLs."""
    return {service for _at, rule, prefix in routes(url_map) for service, _weight in _read(rule, prefix, "").services}
