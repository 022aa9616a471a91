"""Machines that bear the labels of a group and are in none: abandoned by hand, and nobody looks after them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from phoenix.clouds.gcp import labels, links
from phoenix.clouds.gcp.calls import Lists
from phoenix.manner import Stray

FRESH = timedelta(minutes=10)
"""One that is younger may be a group's that has been listed before it came."""
_SHOWN = "items/*/instances(name,zone,labels,status,creationTimestamp),nextPageToken,unreachables"
_ENDING = frozenset({"STOPPING", "DELETING"})


def found(calls: Lists, project: str, region: str, known: Iterable[str], now: datetime) -> tuple[Stray, ...]:
    """Those of the project in the region; `known`: the machines of its groups, by name. Sorted by name."""
    names = frozenset(known)
    wanted = f"(labels.{labels.PROJECT}={labels.value(project)}) (labels.{labels.GROUP}:*)"
    machines = (
        each
        for each in calls.pages("instances", "aggregatedList", filter=wanted, fields=_SHOWN)
        if each["name"] not in names and each.get("status") not in _ENDING and _is_old(each, now)
    )
    strays = (_stray(each) for each in machines)
    return tuple(sorted((each for each in strays if each.zone.startswith(f"{region}-")), key=lambda each: each.id))


def _is_old(machine: Mapping[str, Any], now: datetime) -> bool:
    return now - datetime.fromisoformat(machine["creationTimestamp"]).astimezone(UTC) >= FRESH


def _stray(machine: Mapping[str, Any]) -> Stray:
    told = machine.get("labels", {})
    return Stray(
        id=machine["name"],
        group=told.get(labels.GROUP, ""),
        service=told.get(labels.SERVICE, ""),
        environment=told.get(labels.ENVIRONMENT, ""),
        zone=links.name_of(machine.get("zone", "")),
        state=str(machine.get("status", "")).lower(),
    )
