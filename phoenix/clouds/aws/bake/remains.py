"""What a bake has made and not finished: found by its tags, removed by its id.

One call finds it all, whatever it is (DescribeTags:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTags.html). What cannot go yet, a security group
whose machine is still ending, is tried again; what is left of it then, the next sweep finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from typing import TYPE_CHECKING, Any

from phoenix.clock import Clock
from phoenix.clouds.api import Between, idle
from phoenix.clouds.aws import labels
from phoenix.clouds.aws.bake import amis
from phoenix.clouds.aws.calls import RefusedCallError
from phoenix.clouds.aws.labels import Role
from phoenix.wait import DeadlineError, Look, Verdict, patient, wait_for

if TYPE_CHECKING:
    from phoenix.clouds.aws.bake.image_reading import Ami
    from phoenix.clouds.aws.calls import Calls

PATIENCE = 25.0
"""Seconds that a removal waits where no lease is kept meanwhile."""
INSTANCE, IMAGE, SNAPSHOT = "instance", "image", "snapshot"
_UNFINISHED = (Role.BUILDER, Role.TRIAL, Role.UNPROVEN)
_AT_ONCE = 200
"""Values of one filter: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html."""
_VERBS: Mapping[str, tuple[str, str, str, bool]] = {
    IMAGE: ("AMI", "deregister_image", "ImageId", False),
    "spot-instances-request": ("spot request", "cancel_spot_instance_requests", "SpotInstanceRequestIds", True),
    "launch-template": ("launch template", "delete_launch_template", "LaunchTemplateId", False),
    INSTANCE: ("machine", "terminate_instances", "InstanceIds", True),
    SNAPSHOT: ("snapshot", "delete_snapshot", "SnapshotId", False),
    "volume": ("disk", "delete_volume", "VolumeId", False),
    "security-group": ("security group", "delete_security_group", "GroupId", False),
}
"""In this order: what it is, how it is removed, the parameter with its id, and whether that takes several."""
_GONE = (".NotFound", "InvalidAMIID.Unavailable", "InvalidSpotInstanceRequestID.Malformed")
_BUSY = frozenset(
    {"DependencyViolation", "VolumeInUse", "InvalidSnapshot.InUse", "InvalidGroup.InUse", "IncorrectState"}
)
_ENDED = frozenset({"terminated"})


class _Seen(Enum):
    THERE = auto()
    GONE = auto()
    NOWHERE = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """Something in AWS: what it is in AWS's own words, its id, its tags."""

    kind: str
    id: str
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"the {_VERBS[self.kind][0]} {self.id} of {self.tags.get(labels.IMAGE, 'a bake')}"


def of_ami(ami: Ami) -> tuple[Thing, ...]:
    """The AMI and its snapshots."""
    snapshots = (Thing(kind=SNAPSHOT, id=snapshot, tags=ami.tags) for snapshot in ami.snapshots)
    return (Thing(kind=IMAGE, id=ami.id, tags=ami.tags), *snapshots)


def unfinished(calls: Calls, project: str, image_id: str | None = None) -> tuple[Thing, ...]:
    """What the project's bakes (of one image) have made that is not part of a verified image, dead or alive.

    Machines that have ended are among it: they tell of what they left.
    """
    wanted = {labels.PROJECT: project, **({labels.IMAGE: image_id} if image_id else {})}
    found = _tagged(calls, {"key": [labels.ROLE], "value": [str(role) for role in _UNFINISHED]})
    things = _tags_of(calls, {each["ResourceId"]: each["ResourceType"] for each in found})
    ours = [thing for thing in things if wanted.items() <= thing.tags.items() and thing.kind in _VERBS]
    return tuple(sorted(ours, key=lambda thing: (list(_VERBS).index(thing.kind), thing.id)))


def remove(
    calls: Calls, things: tuple[Thing, ...], clock: Clock, *, between: Between = idle, patience: float = PATIENCE
) -> tuple[Thing, ...]:
    """Remove the things; those that are gone now and were not before.

    `patience`: seconds after which what cannot go yet is left. `between` is called meanwhile.
    """
    todo = {each.id: each for each in (*_without_tags(calls, things), *_there(calls, things))}
    begun: dict[str, Thing] = {}

    def look() -> Look:
        for thing in tuple(todo.values()):
            there = _remove(calls, thing)
            if there is not _Seen.NOWHERE:
                begun[thing.id] = thing
            if there is not _Seen.THERE:
                del todo[thing.id]
        waiting = ", ".join(str(thing) for thing in todo.values())
        return Look(verdict=Verdict.UNKNOWN if todo else Verdict.PASS, seen=f"cannot go yet: {waiting}")

    if todo:
        with suppress(DeadlineError):
            wait_for("the removal", patient(look), clock=clock, deadline=patience, interval=3.0, between=between)
    return tuple(thing for each, thing in begun.items() if each not in todo)


def _remove(calls: Calls, thing: Thing) -> _Seen:
    """Whether it is gone now, or was not there: tags are told for a while of what is no more."""
    _word, verb, parameter, several = _VERBS[thing.kind]
    try:
        calls.ask("ec2", verb, **{parameter: [thing.id] if several else thing.id})
    except RefusedCallError as error:
        if error.said.endswith(_GONE):
            return _Seen.NOWHERE
        if error.said in _BUSY:
            return _Seen.THERE
        raise
    return _Seen.THERE if thing.kind == INSTANCE and _alive(calls, (thing.id,)) else _Seen.GONE


def _without_tags(calls: Calls, things: tuple[Thing, ...]) -> Iterator[Thing]:
    """The AMI that a builder made and nobody had time to tag: it bears the name that the builder's tags tell."""
    builders = {thing.id: thing for thing in things if thing.kind == INSTANCE}
    since = {t.tags[labels.IMAGE]: t for t in builders.values() if t.tags.get(labels.ROLE) == Role.BUILDER}
    for name, builder in since.items():
        for ami in amis.named(calls, name):
            made_here = not ami.made_from or ami.made_from in builders
            young = ami.created[:19] >= builder.tags.get(labels.SINCE, "")[:19]
            if labels.PROJECT not in ami.tags and made_here and young:
                yield from (Thing(kind=each.kind, id=each.id, tags=builder.tags) for each in of_ami(ami))


def _there(calls: Calls, things: tuple[Thing, ...]) -> Iterator[Thing]:
    """The things without machines that have ended."""
    machines = tuple(thing.id for thing in things if thing.kind == INSTANCE)
    alive = _alive(calls, machines) if machines else frozenset()
    yield from (thing for thing in things if thing.kind != INSTANCE or thing.id in alive)


def _alive(calls: Calls, ids: tuple[str, ...]) -> frozenset[str]:
    """Those of the machines that have not ended; a filter, unlike an id, may name one that is long gone."""
    filters = [{"Name": "instance-id", "Values": list(ids)}]
    reservations = calls.pages("ec2", "describe_instances", "Reservations", Filters=filters)
    machines = (machine for reservation in reservations for machine in reservation["Instances"])
    return frozenset(machine["InstanceId"] for machine in machines if machine["State"]["Name"] not in _ENDED)


def _tags_of(calls: Calls, kinds: Mapping[str, str]) -> Iterator[Thing]:
    """The things of these ids, each with all of its tags."""
    rest, tags = iter(kinds), dict[str, dict[str, str]]()
    while ids := list(islice(rest, _AT_ONCE)):
        for row in _tagged(calls, {"resource-id": ids}):
            tags.setdefault(row["ResourceId"], {})[row["Key"]] = row.get("Value") or ""
    yield from (Thing(kind=kinds[each], id=each, tags=found) for each, found in tags.items())


def _tagged(calls: Calls, filters: Mapping[str, list[str]]) -> Iterator[Any]:
    wanted = [{"Name": name, "Values": values} for name, values in filters.items()]
    return calls.pages("ec2", "describe_tags", "Tags", Filters=wanted)
