"""One backend service with several groups behind it: how its shares are read, and how they are rewritten. Pure.

Its groups get what they can bear: `capacityScaler` scales their capacity and is no share of requests. It is 0 exactly
where a group is to have no traffic; else it is what it was, 0 or from 0.1 to 1. Google takes no 0 of an only backend
(https://cloud.google.com/compute/docs/reference/rest/v1/backendServices), so the first group serves once it is there.
What share was meant stands in the description of each backend, for a person, with the scaler to go back to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from phoenix.clouds import rules
from phoenix.clouds.gcp import links
from phoenix.clouds.gcp.balancer import notes
from phoenix.clouds.gcp.balancer.notes import Owner
from phoenix.clouds.gcp.balancer.whole import Json
from phoenix.model import Place

_WHOLE = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A group behind the backend service."""

    group: str
    link: str
    """Of its instance group."""
    scaler: float
    """What Google is told of its capacity."""
    usual: float
    """The scaler that it has with traffic."""
    meant: int | None = None
    """The share that phoenix gave it, in percent; None where phoenix has not written there."""
    leaving: bool = False
    """Whether it was detached, and its manager is still draining it."""
    owner: Owner | None = None
    """For whom phoenix wrote there."""
    made: bool = False
    """Whether phoenix made the group."""
    said: str = ""
    """What somebody else wrote there before phoenix."""
    idle: bool = False
    """Whether it had no traffic before phoenix."""

    @property
    def words(self) -> str:
        """What the backend service says of it, for people."""
        meant = "" if self.meant is None else f", meant: {self.meant} %"
        return f"capacityScaler {self.scaler:g}{meant}"


def entries(told: Json) -> tuple[Entry, ...]:
    """The groups behind it. Sorted by name."""
    return tuple(sorted(map(_entry, told.get("backends", ())), key=lambda each: each.group))


def attached(told: Json) -> tuple[Entry, ...]:
    """Those that were not detached."""
    return tuple(each for each in entries(told) if not each.leaving)


def shares(there: Iterable[Entry], machines: Mapping[str, int]) -> dict[str, int]:
    """What part of new requests each group gets, in percent: by what its machines can bear. 0 exactly at scaler 0.

    `machines`: how many of each group are healthy; where none is anywhere, all groups are alike.
    """
    able = [each for each in there if each.scaler]
    known = any(machines.get(each.group) for each in able)
    weights = {
        each.group: max(1, round(1000 * each.scaler * (machines.get(each.group, 0) if known else 1))) for each in able
    }
    return rules.percents(weights)


def version(told: Json) -> str:
    """A digest of who gets traffic. Another one: somebody has changed it."""
    text = json.dumps([(each.link, each.scaler, each.leaving) for each in entries(told)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def with_group(told: Json, backend: Json, owner: Owner, *, made: bool) -> dict[str, Any] | None:
    """It with the group as one more backend that gets nothing, or everything where it is the only one.

    None where it is there. A group that was detached is taken up again.
    """
    link = links.short(backend["group"])
    there = next((each for each in entries(told) if each.link == link), None)
    if there is not None and not there.leaving:
        return None
    others = [each for each in told.get("backends", ()) if links.short(each.get("group", "")) != link]
    entry = there or Entry(
        group=owner.group, link=link, scaler=0, usual=backend["capacityScaler"], made=made, idle=not made
    )
    added = _given(backend, replace(entry, leaving=False), 0 if others else rules.WHOLE, owner)
    return {**told, "backends": [*others, added]}


def shifted(told: Json, wanted: Mapping[str, int], project: str, place: Place) -> dict[str, Any]:
    """It with these shares, each above 0 of a group that is there; groups not named get 0."""
    changed = []
    for backend in told.get("backends", ()):
        entry = _entry(backend)
        owner = Owner(project=project, place=place, group=entry.group)
        changed.append(_given(backend, entry, 0 if entry.leaving else wanted.get(entry.group, 0), owner))
    return {**told, "backends": changed}


def put_back(told: Json, project: str, place: Place) -> dict[str, Any]:
    """It as it was before phoenix: with what phoenix did not make as it was found, and with nothing else that serves.

    An only backend that is to get nothing is taken out, for there Google takes no 0.
    """
    changed = []
    for backend in told.get("backends", ()):
        entry = _entry(backend)
        owner = Owner(project=project, place=place, group=entry.group)
        if entry.made or entry.leaving:
            changed.append(_given(backend, entry, 0, owner))
        elif entry.owner is None:
            changed.append(dict(backend))
        else:
            scaler = 0 if entry.idle else entry.usual
            changed.append({**backend, "capacityScaler": scaler, "description": entry.said})
    return {**told, "backends": [] if len(changed) == 1 and not changed[0]["capacityScaler"] else changed}


def closed(told: Json, group: str, project: str, place: Place) -> dict[str, Any] | None:
    """It with the group as one that leaves: its manager still drains its machines through it. None where that is so."""
    changed = []
    for backend in told.get("backends", ()):
        entry = _entry(backend)
        owner = Owner(project=project, place=place, group=group)
        mine = entry.group == group and not entry.leaving
        changed.append(_given(backend, replace(entry, leaving=True), 0, owner) if mine else backend)
    return {**told, "backends": changed} if changed != list(told.get("backends", ())) else None


def without(told: Json, group: str) -> dict[str, Any]:
    """It without the group. What would stay as an only backend with nothing is taken out, too."""
    rest = [each for each in told.get("backends", ()) if _entry(each).group != group]
    if len(rest) == 1 and not _entry(rest[0]).scaler:
        rest = []
    return {**told, "backends": rest}


def is_of(told: Json, group: str, project: str) -> bool:
    """Whether phoenix wrote, for that project, at every backend that the group is."""
    mine = [each.owner for each in entries(told) if each.group == group]
    return bool(mine) and all(owner is not None and owner.project == project for owner in mine)


def _given(backend: Json, entry: Entry, share: int, owner: Owner) -> dict[str, Any]:
    """The backend with that share, and phoenix's word on it."""
    text = notes.written(
        owner,
        share=share,
        usual=entry.usual,
        made=entry.made,
        leaving=entry.leaving,
        said=entry.said,
        idle=entry.idle,
    )
    return {**backend, "capacityScaler": entry.usual if share else 0, "description": text}


def _entry(backend: Json) -> Entry:
    link = links.short(backend.get("group", ""))
    scaler = float(backend.get("capacityScaler", _WHOLE))
    note = notes.read(backend.get("description"))
    more = note.more if note else {}
    return Entry(
        group=links.name_of(link),
        link=link,
        scaler=scaler,
        usual=scaler or float(more.get("usual", _WHOLE)),
        meant=int(more.get("share", 0)) if note else None,
        leaving=bool(more.get("leaving")),
        owner=note.owner if note else None,
        made=bool(more.get("made")),
        said=str(more.get("said", "")) if note else str(backend.get("description", "")),
        idle=bool(more.get("idle")) if note else not scaler,
    )
