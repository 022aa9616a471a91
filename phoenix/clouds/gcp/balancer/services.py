"""The backend services behind a route, as one place sees them: which group fills each, and how its machines are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from phoenix.clouds.gcp import links, refusals
from phoenix.clouds.gcp.balancer import notes, whole
from phoenix.clouds.gcp.balancer.notes import Owner
from phoenix.clouds.gcp.balancer.whole import Json
from phoenix.clouds.gcp.calls import Calls, RefusedCallError

SERVICES = "backendServices"
_GROUPS = "instanceGroups"
_NOBODY_YET = frozenset({refusals.INVALID, refusals.NOT_FOUND, refusals.NOT_READY})
"""What getHealth says of a group that the backend service has been given a moment ago, or has no longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A backend service."""

    link: str
    told: Json
    """As Google tells it."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The instance groups behind it, by link. Sorted."""
        return tuple(sorted(each for each in map(_group_of, self.told.get("backends", ())) if is_group(each)))

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """What is behind it and no instance group."""
        return tuple(sorted(each for each in map(_group_of, self.told.get("backends", ())) if not is_group(each)))

    @property
    def owner(self) -> Owner | None:
        """For whom phoenix made it; None where it did not."""
        note = notes.read(self.told.get("description"))
        return note.owner if note else None

    @property
    def group(self) -> str:
        """The group that fills it; empty where none does."""
        return self.owner.group if self.owner else min(map(links.name_of, self.groups), default="")


def is_group(link: str) -> bool:
    """Whether it is an instance group."""
    return _GROUPS in link.split("/")


def is_service(link: str) -> bool:
    """Whether it is a backend service, and no bucket."""
    return SERVICES in link.split("/")


def find(calls: Calls, link: str) -> Service | None:
    """The backend service as it is now, or None."""
    told = whole.read(calls, link) if is_service(link) else None
    return Service(link=links.short(link), told=told) if told is not None else None


def statuses(calls: Calls, link: str, groups: Iterable[str]) -> list[Json]:
    """What the checks of the backend service say of the machines of these groups, in one call each."""
    found: list[Json] = []
    for group in groups:
        try:
            answer = whole.call(calls, link, "getHealth", {"group": links.full(group)})
        except RefusedCallError as error:
            if error.said not in _NOBODY_YET:
                raise
            continue
        found += answer.get("healthStatus", ())
    return found


def with_group(calls: Calls, parent: str, group: str) -> list[str]:
    """The backend services there that have an instance group of that name behind them. Sorted."""
    every = (Service(link=links.short(told["selfLink"]), told=told) for told in whole.listed(calls, parent, SERVICES))
    return sorted(each.link for each in every if group in map(links.name_of, each.groups))


def with_backends(told: Json, added: Iterable[Json]) -> Json | None:
    """It with these backends, too; None where it has them."""
    there = {_group_of(each) for each in told.get("backends", ())}
    lacking = [each for each in added if _group_of(each) not in there]
    return {**told, "backends": [*told.get("backends", ()), *lacking]} if lacking else None


def _group_of(backend: Any) -> str:
    return links.short(backend.get("group", ""))
