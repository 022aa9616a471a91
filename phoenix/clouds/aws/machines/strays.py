"""Machines that bear the tags of a group and are in none: detached by hand, and nobody looks after them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from phoenix.clouds.aws import labels
from phoenix.clouds.aws.calls import Calls
from phoenix.manner import Stray

FRESH = timedelta(minutes=10)
"""One that is younger may be a group's that has been listed before it came."""
_AT_ONCE = 200
"""Values of one filter."""
_THERE = ["pending", "running", "stopping", "stopped"]


def found(calls: Calls, project: str, known: Iterable[str], now: datetime) -> tuple[Stray, ...]:
    """Those of the project, by one call for a thousand machines; `known`: the machines of its groups. Sorted by id."""
    unknown = sorted(_tagged(calls, project) - frozenset(known))
    seen = (
        machine
        for start in range(0, len(unknown), _AT_ONCE)
        for machine in _machines(calls, unknown[start : start + _AT_ONCE])
    )
    strays = (_stray(each) for each in seen if now - each["LaunchTime"] >= FRESH)
    return tuple(sorted((each for each in strays if each.group), key=lambda each: each.id))


def _tagged(calls: Calls, project: str) -> frozenset[str]:
    wanted = {"key": [labels.PROJECT], "value": [project], "resource-type": ["instance"]}
    filters = [{"Name": name, "Values": values} for name, values in wanted.items()]
    return frozenset(each["ResourceId"] for each in calls.pages("ec2", "describe_tags", "Tags", Filters=filters))


def _machines(calls: Calls, ids: list[str]) -> Iterator[Mapping[str, Any]]:
    filters = [{"Name": "instance-id", "Values": ids}, {"Name": "instance-state-name", "Values": _THERE}]
    for each in calls.pages("ec2", "describe_instances", "Reservations", Filters=filters):
        yield from each["Instances"]


def _stray(machine: Mapping[str, Any]) -> Stray:
    tags = labels.read(machine.get("Tags", ()))
    return Stray(
        id=machine["InstanceId"],
        group=tags.get(labels.GROUP, ""),
        service=tags.get(labels.SERVICE, ""),
        environment=tags.get(labels.ENVIRONMENT, ""),
        zone=machine.get("Placement", {}).get("AvailabilityZone", ""),
        state=machine["State"]["Name"],
    )
