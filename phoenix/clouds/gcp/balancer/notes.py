"""What phoenix writes on what it makes at a load balancer: in `description`, for nothing there bears labels. Pure.

Backend services, health checks and path matchers of URL maps have no labels in the API, so who made them, for which
group, and what a path matcher has to remember, stands in their descriptions as JSON. A removal reads it in the same
step: a name alone says nothing of who made a thing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phoenix.model import Place

_KEY = "phoenix"
LONGEST = 2048
"""Characters of a description."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """For whom phoenix made a thing."""

    project: str
    place: Place
    group: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What a description says."""

    owner: Owner
    more: Mapping[str, Any]
    """What else is to be remembered there."""


def written(owner: Owner, **more: Any) -> str:
    """The description of a thing that is made for the owner. What is None or empty is left out."""
    told = {
        "project": owner.project,
        "service": owner.place.service,
        "environment": owner.place.environment,
        "group": owner.group,
        **{key: value for key, value in more.items() if value not in (None, "", False)},
    }
    return json.dumps({_KEY: told}, separators=(",", ":"))


def read(description: str | None) -> Note | None:
    """What phoenix wrote there; None where somebody else did, or nobody."""
    try:
        told = json.loads(description or "").get(_KEY)
        owner = Owner(
            project=told["project"],
            place=Place(service=told["service"], environment=told["environment"]),
            group=told["group"],
        )
    except (ValueError, AttributeError, TypeError, KeyError):
        return None
    more = {k: v for k, v in told.items() if k not in ("project", "service", "environment", "group")}
    return Note(owner=owner, more=more)


def is_of(description: str | None, owner: Owner) -> bool:
    """Whether phoenix made the thing for that owner."""
    note = read(description)
    return note is not None and note.owner == owner
