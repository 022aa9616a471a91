"""What phoenix writes on what it makes at a load balancer: in `description`, for nothing there bears labels. Pure.

Backend services, health checks, backends and path matchers of URL maps have no labels in the API. So who made them, for
which group, and what is to be remembered there stands in their descriptions, as JSON (`labels.described`). A removal
reads it in the same step: a name alone says nothing of who made a thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from phoenix.clouds.gcp import labels
from phoenix.model import Place

LONGEST = 2048
"""Characters of a description."""
_WHOSE = (labels.PROJECT, labels.SERVICE, labels.ENVIRONMENT, labels.GROUP)


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
    more: Mapping[str, str]
    """What else is remembered there, by its key."""


def written(owner: Owner, **more: str | float | None) -> str:
    """The description of a thing that is made for the owner. What is nothing is left out."""
    whose = (owner.project, owner.place.service, owner.place.environment, owner.group)
    told = {f"{labels.PREFIX}{key}": _text(value) for key, value in more.items() if value}
    return labels.described({**dict(zip(_WHOSE, whose, strict=True)), **told})


def read(description: str | None) -> Note | None:
    """What phoenix wrote there; None where somebody else did, or nobody."""
    told = labels.from_description(description or "")
    if any(key not in told for key in _WHOSE):
        return None
    project, service, environment, group = (told[key] for key in _WHOSE)
    owner = Owner(project=project, place=Place(service=service, environment=environment), group=group)
    more = {key.removeprefix(labels.PREFIX): text for key, text in told.items() if key not in _WHOSE}
    return Note(owner=owner, more=more)


def is_of(description: str | None, owner: Owner) -> bool:
    """Whether phoenix made the thing for that owner."""
    note = read(description)
    return note is not None and note.owner == owner


def _text(value: str | float | None) -> str:
    if isinstance(value, bool):
        return "yes"
    return value if isinstance(value, str) else f"{value:g}"
