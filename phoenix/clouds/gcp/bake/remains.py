"""What a bake has made and not finished: found by its labels, removed as the very thing that bore them.

Compute Engine removes by name, and a name may mean another thing by now: each thing is read once more in the same step,
and only what has the same number and the same labels goes. What cannot go yet (a disk whose machine is still ending, an
image that is still being made) is tried again; what is left of it then, the next sweep finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from phoenix.clock import Clock
from phoenix.clouds.api import Between, idle
from phoenix.clouds.gcp import labels, links, refusals
from phoenix.clouds.gcp.calls import RefusedCallError
from phoenix.clouds.gcp.labels import Role
from phoenix.wait import DeadlineError, Look, Verdict, patient, wait_for

if TYPE_CHECKING:
    from phoenix.clouds.gcp.bake.image_reading import GceImage
    from phoenix.clouds.gcp.calls import Answer, Calls

PATIENCE = 25.0
"""Seconds that a removal waits where no lease is kept meanwhile."""
MACHINES, DISKS, IMAGES = "instances", "disks", "images"
UNFINISHED = (Role.BUILDER, Role.TRIAL, Role.UNPROVEN)
_WORDS = {MACHINES: "machine", DISKS: "disk", IMAGES: "image"}
_PARAMETERS = {MACHINES: "instance", DISKS: "disk", IMAGES: "image"}
"""In this order they are removed: what it is to people, and to its calls."""
_SHOWN = "items/*/{kind}(id,name,zone,labels),nextPageToken,unreachables"
_ENDING = frozenset({"STOPPING", "DELETING"})
_BUSY = frozenset({refusals.IN_USE, refusals.NOT_READY})


class _Seen(Enum):
    THERE = auto()
    GONE = auto()
    NOWHERE = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """Something in the project: a machine, a disk or an image."""

    kind: str
    name: str
    number: str
    """Its own id, which no other thing of this name will have."""
    zone: str
    """Empty for an image."""
    labels: Mapping[str, str]

    @property
    def place(self) -> dict[str, str]:
        """The parameters of a call about it."""
        return {_PARAMETERS[self.kind]: self.name, **({"zone": self.zone} if self.zone else {})}

    def __str__(self) -> str:
        whose = self.labels.get(labels.IMAGE, "a bake")
        return f"the {_WORDS[self.kind]} {self.name}" + ("" if whose == self.name else f" of {whose}")


def of_image(image: GceImage) -> Thing:
    """The image, to be removed as it was read."""
    return Thing(kind=IMAGES, name=image.name, number=image.number, zone="", labels=image.labels)


def unfinished(
    calls: Calls, project: str, images: tuple[GceImage, ...], image_id: str | None = None
) -> tuple[Thing, ...]:
    """What the project's bakes (of one image) have made that is not part of a verified image, dead or alive.

    `images`: those of the project that it may be part of, as they were just read.
    """
    half = (of_image(image) for image in images if image.labels.get(labels.ROLE) in UNFINISHED and not image.verified)
    wanted = {labels.PROJECT: project, **({labels.IMAGE: image_id} if image_id else {})}
    return (*_labelled(calls, wanted, MACHINES), *_labelled(calls, wanted, DISKS), *half)


def remove(
    calls: Calls, things: tuple[Thing, ...], clock: Clock, *, between: Between = idle, patience: float = PATIENCE
) -> tuple[Thing, ...]:
    """Remove the things, and the disks of machines; those that are gone now and were not before.

    `patience`: seconds after which what cannot go yet is left. `between` is called meanwhile.
    """
    todo = {(each.kind, each.number): each for each in things}
    begun: dict[tuple[str, str], Thing] = {}

    def look() -> Look:
        for at, thing in sorted(todo.items(), key=lambda item: list(_WORDS).index(item[0][0])):
            todo.update({(disk.kind, disk.number): disk for disk in _disks_of(calls, thing)})
            there = _remove(calls, thing, begun=at in begun)
            if there is not _Seen.NOWHERE:
                begun[at] = thing
            if there is not _Seen.THERE:
                del todo[at]
        waiting = ", ".join(str(thing) for thing in todo.values())
        return Look(verdict=Verdict.UNKNOWN if todo else Verdict.PASS, seen=f"cannot go yet: {waiting}")

    if todo:
        with suppress(DeadlineError):
            wait_for("the removal", patient(look), clock=clock, deadline=patience, interval=2.0, between=between)
    return tuple(thing for at, thing in begun.items() if at not in todo)


def mark_disk(calls: Calls, name: str, zone: str, marks: Mapping[str, str]) -> bool:
    """Give a disk its labels, and whether it has them now: Packer gives it none, and without it tells nothing."""
    disk = calls.find(DISKS, disk=name, zone=zone)
    if disk is None or labels_of(disk).get(labels.ROLE):
        return disk is not None
    body = {"labels": {**labels_of(disk), **marks}, "labelFingerprint": disk.get("labelFingerprint", "")}
    try:
        calls.change(DISKS, "setLabels", zone=zone, resource=name, body=body)
    except RefusedCallError as error:
        if error.said not in (refusals.NOT_FOUND, refusals.STALE):  # gone by now, or labelled by somebody else
            raise
        return False
    return True


def labels_of(answer: Mapping[str, Any]) -> dict[str, str]:
    """The labels of a thing."""
    return dict(answer.get("labels", {}))


def _remove(calls: Calls, thing: Thing, *, begun: bool) -> _Seen:
    """Begin to remove it, if it is still that thing; whether it is gone now, or was not there."""
    there = calls.find(thing.kind, **thing.place)
    if there is None or str(there.get("id", "")) != thing.number:
        return _Seen.GONE if begun else _Seen.NOWHERE
    if labels_of(there).get(labels.BAKER) != thing.labels.get(labels.BAKER):
        return _Seen.NOWHERE  # another bake has taken it over
    if there.get("status") in _ENDING:
        return _Seen.THERE
    try:
        calls.begin(thing.kind, "delete", **thing.place)
    except RefusedCallError as error:
        if error.said == refusals.NOT_FOUND:
            return _Seen.GONE
        if error.said not in _BUSY:
            raise
    return _Seen.THERE


def _disks_of(calls: Calls, thing: Thing) -> Iterator[Thing]:
    """The disks that outlive a machine, labelled as it is before it goes: whoever dies from here on has left them."""
    if thing.kind != MACHINES:
        return
    machine = calls.find(MACHINES, **thing.place)
    if machine is None or str(machine.get("id", "")) != thing.number:
        return
    for name, zone in _attached(machine):
        mark_disk(calls, name, zone, thing.labels)
        disk = calls.find(DISKS, disk=name, zone=zone)
        if disk is not None:
            yield _thing(DISKS, disk)


def _attached(machine: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and zone of the disks that are not deleted with the machine."""
    for disk in machine.get("disks", ()):
        link = disk.get("source", "")
        if link and not disk.get("autoDelete"):
            yield links.name_of(link), links.part_of(link, "zones")


def _labelled(calls: Calls, wanted: Mapping[str, str], kind: str) -> Iterator[Thing]:
    """Those with these labels and some role, in every zone, by one paged call."""
    terms = (f"(labels.{key}={value})" for key, value in wanted.items())
    named, shown = " ".join((*terms, f"(labels.{labels.ROLE}:*)")), _SHOWN.format(kind=kind)
    for each in calls.pages(kind, "aggregatedList", filter=named, fields=shown):
        if labels_of(each).get(labels.ROLE) in UNFINISHED:
            yield _thing(kind, each)


def _thing(kind: str, answer: Answer) -> Thing:
    return Thing(
        kind=kind,
        name=answer["name"],
        number=str(answer.get("id", "")),
        zone=links.name_of(answer.get("zone", "")),
        labels=labels_of(answer),
    )
