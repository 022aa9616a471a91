"""The preview of a group: a host rule of its own in the URL map, and a path matcher that sends to it alone. Pure.

A backend service that nothing refers to is not checked, and the live route holds only groups with a share. So each
attached group has a preview, whose host begins with a random word, else every client could ask code that is not
released. The path matcher's description says whose it is, so that a look at the map alone tells which groups a place
has attached; and what the route did before phoenix, which outlives this computer and any crash.
"""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
import json
import secrets
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from phoenix.clouds.gcp import links
from phoenix.clouds.gcp.balancer import notes
from phoenix.clouds.gcp.balancer.notes import Owner
from phoenix.clouds.gcp.balancer.route import Json, Live
from phoenix.clouds.gcp.links import full
from phoenix.errors import RefusedError
from phoenix.model import Place

_DOMAIN = "phoenix.invalid"
"""Nobody can own it (RFC 2606): the name is never looked up, it is said in the Host header alone."""
_PREFIX = "phoenix-"
_NAME = 63


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """Where a group alone answers."""

    group: str
    service: str
    """The backend service's link."""
    host: str
    made: bool
    """Whether phoenix made the backend service."""
    leaving: bool = False
    """Whether the group was detached and its manager is still draining it: nobody is let in by this host any more."""
    before: Json | None = None
    """What the route did before phoenix; None where it does not say."""

    @property
    def matcher(self) -> str:
        """The name of its path matcher."""
        plain = f"{_PREFIX}{self.group}"
        if len(plain) <= _NAME:
            return plain
        digest = hashlib.sha256(self.group.encode()).hexdigest()[:10]
        return f"{plain[: _NAME - len(digest) - 1]}-{digest}"


def new(group: str, service: str, *, made: bool) -> Preview:
    """A preview that is not there yet; nobody can guess its host."""
    return Preview(group=group, service=service, host=host(group), made=made)


def host(group: str) -> str:
    """A new host for the group: its first word is random."""
    return f"{secrets.token_hex(12)}.{group}.{_DOMAIN}"


def found(url_map: Json, project: str, place: Place) -> tuple[Preview, ...]:
    """The previews of a place, by group."""
    hosts = {rule.get("pathMatcher"): rule["hosts"][0] for rule in url_map.get("hostRules", ()) if rule.get("hosts")}
    seen = (_found(each, hosts, project, place) for each in url_map.get("pathMatchers", ()))
    return tuple(sorted(filter(None, seen), key=lambda each: each.group))


def closed(there: Preview) -> Preview:
    """The same, where nobody is let in any more."""
    return replace(there, host=host(there.group), leaving=True)


def opened(there: Preview) -> Preview:
    """The same, where somebody is let in again: with another host."""
    return replace(there, host=host(there.group), leaving=False)


def put(url_map: Json, shown: Iterable[Preview], live: Live, project: str, place: Place) -> dict[str, Any]:
    """The map with exactly these previews of the place, all else as it is, those among them that are there already.

    A new one takes the place of one that another place of the project has of the same group: its service was renamed.
    """
    wanted, there = tuple(shown), found(url_map, project, place)
    new = tuple(each for each in wanted if each not in there)
    changed = _without(url_map, {each.matcher for each in there if each not in wanted})
    changed = _without(changed, {_of(changed, project, each.group) for each in new})
    host_rules, matchers = list(changed.get("hostRules", ())), list(changed.get("pathMatchers", ()))
    host_rules += [{"hosts": [each.host], "pathMatcher": each.matcher} for each in new]
    matchers += [_matcher(each, live, project, place) for each in new]
    changed["hostRules"], changed["pathMatchers"] = host_rules, matchers
    return changed


def without(url_map: Json, project: str, group: str) -> dict[str, Any] | None:
    """The map without the group's preview, whichever place of the project has it; None where there is none."""
    there = _of(url_map, project, group)
    return _without(url_map, {there}) if there else None


def _of(url_map: Json, project: str, group: str) -> str:
    """The name of the path matcher that is the group's preview; empty where there is none."""
    for each in url_map.get("pathMatchers", ()):
        note = notes.read(each.get("description"))
        if note is not None and (note.owner.project, note.owner.group) == (project, group):
            return str(each.get("name"))
    return ""


def _without(url_map: Json, matchers: set[str]) -> dict[str, Any]:
    """The map without these path matchers, and without what leads to them."""
    changed = copy.deepcopy(dict(url_map))
    for key, name in (("hostRules", "pathMatcher"), ("pathMatchers", "name")):
        if key in changed:
            changed[key] = [each for each in changed[key] if each.get(name) not in matchers]
    return changed


def _matcher(shown: Preview, live: Live, project: str, place: Place) -> dict[str, Any]:
    """What the live route does to requests, with the group alone behind it."""
    owner = Owner(project=project, place=place, group=shown.group)
    text = notes.written(
        owner, made=shown.made, leaving=shown.leaving, before=None if shown.before is None else _packed(shown.before)
    )
    if len(text) > notes.LONGEST:
        raise RefusedError(
            f"what the route did before phoenix is too much to be remembered at {shown.group}",
            details=f"a description has {notes.LONGEST} characters, {len(text)} were needed",
            resolution="Give the route less to do (its defaultRouteAction), then say it again.",
        )
    matcher: dict[str, Any] = {"name": shown.matcher, "description": text, "defaultService": full(shown.service)}
    if live.action:
        matcher["defaultRouteAction"] = live.action
    return {**matcher, **({"headerAction": live.headers} if live.headers else {})}


def _found(matcher: Json, hosts: Mapping[str, str], project: str, place: Place) -> Preview | None:
    note = notes.read(matcher.get("description"))
    if note is None or (note.owner.project, note.owner.place) != (project, place):
        return None
    return Preview(
        group=note.owner.group,
        service=links.short(matcher.get("defaultService", "")),
        host=hosts.get(matcher["name"], ""),
        made=bool(note.more.get("made")),
        leaving=bool(note.more.get("leaving")),
        before=_unpacked(note.more.get("before", "")),
    )


def _packed(does: Json) -> str:
    text = json.dumps(does, sort_keys=True, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _unpacked(packed: str) -> Json | None:
    """What was packed; None where nothing was, or somebody has cut it."""
    try:
        does = json.loads(zlib.decompress(base64.b64decode(packed, validate=True)))
    except (binascii.Error, zlib.error, ValueError):
        return None
    return does if isinstance(does, dict) else None
