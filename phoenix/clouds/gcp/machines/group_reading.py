"""What Google says of a managed group and its machines, as frozen values: nothing here asks Google.

The keys are those of instanceGroupManagers and of their managedInstances
(https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroupManagers/listManagedInstances).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from phoenix.clouds.gcp import labels, links
from phoenix.clouds.gcp.machines.homes import Home, home_of
from phoenix.clouds.gcp.machines.troubles import Trouble
from phoenix.errors import CloudError
from phoenix.model import BootState, Group, Instance, InstanceState, Release

_STARTING = {
    "CREATING": "",
    "CREATING_WITHOUT_RETRIES": "",
    "RESTARTING": "being restarted",
    "RESUMING": "being resumed",
    "STARTING": "being started",
}
_LEAVING = {"DELETING": "", "ABANDONING": "taken out of its group", "STOPPING": "", "SUSPENDING": ""}
_SET_ASIDE = ("STOPPED", "SUSPENDED", "SUSPENDING")
_COMING = ("", "PENDING", "PROVISIONING", "STAGING", "REPAIRING")


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A machine as its group knows it."""

    name: str
    link: str
    """From `projects/` on."""
    number: str
    """Google's own id of it, another once it has been made again; empty while there is no machine."""
    status: str
    action: str
    """What the group does with it: NONE, CREATING, DELETING ..."""
    type: str = ""

    @property
    def zone(self) -> str:
        """Where it is."""
        return links.part_of(self.link, "zones")


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What a machine itself says, and its group does not. None of it changes while it lives."""

    ip: str
    since: datetime | None
    type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A managed group as it is now, without its machines."""

    name: str
    home: Home
    link: str
    """From `projects/` on."""
    size: int
    created: datetime
    fingerprint: str
    labels: Mapping[str, str]
    """Those for all of its machines that phoenix wrote, among them what changes while the group lives."""
    marks: Mapping[str, str]
    """What phoenix wrote on it when it made it."""
    template: str
    """Link of its instance template; empty where it has none."""
    autoscaler: str
    """Name of its autoscaler; empty where it has none."""
    base: str
    """What the names of its machines begin with."""
    instance_group: str
    """Link of the plain group that a balancer knows."""
    stable: bool
    """Nothing is going on with it."""
    zones: frozenset[str]
    """Where its machines may be."""
    stopped: int
    """Machines that it wants stopped or suspended, beside those of its size."""

    @property
    def made(self) -> bool:
        """Whether phoenix made it, for whichever project."""
        return bool(self.marks.get(labels.PROJECT))

    @property
    def port(self) -> str:
        """The port of its service; empty where nobody knows."""
        return self.marks.get(labels.PORT, "")


def found(answer: Mapping[str, Any]) -> Found:
    """One instanceGroupManager."""
    properties = answer.get("allInstancesConfig", {}).get("properties", {})
    status = answer.get("status", {})
    home = home_of(answer["selfLink"])
    return Found(
        name=answer["name"],
        home=home,
        link=links.short(answer["selfLink"]),
        size=int(answer.get("targetSize", 0)),
        created=_moment(answer["creationTimestamp"]),
        fingerprint=answer.get("fingerprint", ""),
        labels={k: v for k, v in properties.get("labels", {}).items() if k.startswith(labels.PREFIX)},
        marks=labels.from_description(answer.get("description", "")),
        template=links.short(answer.get("instanceTemplate", "")),
        autoscaler=links.name_of(status.get("autoscaler", "")),
        base=answer.get("baseInstanceName", answer["name"]),
        instance_group=links.short(answer.get("instanceGroup", "")),
        stable=bool(status.get("isStable")),
        zones=_zones(answer, home),
        stopped=int(answer.get("targetStoppedSize", 0)) + int(answer.get("targetSuspendedSize", 0)),
    )


def member(answer: Mapping[str, Any]) -> Member:
    """One managedInstance."""
    return Member(
        name=answer.get("name") or links.name_of(answer["instance"]),
        link=links.short(answer["instance"]),
        number=str(answer.get("id", "")),
        status=answer.get("instanceStatus", ""),
        action=answer.get("currentAction", "NONE"),
    )


def machine(answer: Mapping[str, Any]) -> Machine:
    """One instance."""
    cards = answer.get("networkInterfaces", ())
    born = answer.get("creationTimestamp", "")
    return Machine(
        ip=cards[0].get("networkIP", "") if cards else "",
        since=_moment(born) if born else None,
        type=links.name_of(answer.get("machineType", "")),
    )


def group(
    seen: Found,
    *,
    members: tuple[Member, ...],
    release: Release | None,
    machines: Mapping[str, Machine],
    pinned: str,
    trouble: Trouble | None,
) -> Group:
    """The group as phoenix sees it; `machines` by Google's own ids, `pinned` the end of its pin as it is written."""
    marks = seen.marks
    instances = (instance(each, seen, machines.get(each.number)) for each in members)
    return Group(
        name=seen.name,
        project=marks.get(labels.PROJECT, ""),
        service=marks.get(labels.SERVICE, ""),
        environment=marks.get(labels.ENVIRONMENT, ""),
        release=release if seen.made else None,
        size=seen.size,
        created=_made_at(seen),
        instances=tuple(sorted(instances, key=lambda i: (i.since is None, i.since and i.since.timestamp(), i.id))),
        keep_until=_label(seen, labels.KEEP_UNTIL, seen.labels.get(labels.KEEP_UNTIL, "")),
        run=marks.get(labels.RUN, ""),
        shape=marks.get(labels.SHAPE, ""),
        made=seen.made,
        pinned_until=_label(seen, labels.PINNED_UNTIL, pinned),
        trouble=trouble.words if trouble else "",
        hopeless=trouble is not None and trouble.certain,
    )


def instance(member: Member, group: Found, machine: Machine | None) -> Instance:
    """One machine; its address is unknown until it has one."""
    state, detail = state_of(member, aside=bool(group.stopped))
    return Instance(
        id=member.name,
        group=group.name,
        state=state,
        boot=BootState.UNKNOWN,
        address=f"{machine.ip}:{group.port}" if machine and machine.ip and group.port else "",
        engine=machine.type if machine else "",
        detail=detail,
        zone=member.zone,
        since=machine.since if machine else None,
    )


def state_of(member: Member, *, aside: bool = False) -> tuple[InstanceState, str]:
    """The state of a machine, and in words what is special about it. A state that is not known here is not ready.

    `aside`: the group wants machines stopped or suspended beside those of its size: they count for nothing. One that
    is being made again is dead until then, whatever its successor will be called.
    """
    action, status = member.action, member.status
    if action in _LEAVING:
        return InstanceState.LEAVING, _LEAVING[action]
    if action == "RECREATING":
        return InstanceState.DEAD, "being made again"
    if action in _STARTING:
        return InstanceState.STARTING, _STARTING[action]
    if action not in ("NONE", "VERIFYING", "REFRESHING"):
        return InstanceState.UNKNOWN, f"its group is {action} it"
    if status == "RUNNING":
        return InstanceState.RUNNING, ""
    if status in _COMING:
        return InstanceState.STARTING, ""
    if aside and status in (*_SET_ASIDE, "STOPPING", "TERMINATED"):
        return InstanceState.LEAVING, f"{status.lower()}: somebody has set it aside"
    return InstanceState.DEAD, f"it is {status}"


def _zones(answer: Mapping[str, Any], home: Home) -> frozenset[str]:
    if home.zone:
        return frozenset({home.zone})
    return frozenset(links.name_of(each["zone"]) for each in answer.get("distributionPolicy", {}).get("zones", ()))


def _made_at(seen: Found) -> datetime:
    text = seen.marks.get(labels.CREATED, "")
    return datetime.fromisoformat(text) if text else seen.created


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _label(seen: Found, key: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        return labels.from_moment(text)
    except ValueError as error:
        raise CloudError(
            f"the label {key} of the group {seen.name} cannot be read",
            details=f"it says {text!r}, and a moment such as 2026-01-31t12-00-00z was expected",
            resolution="Somebody changed it: set it right, or take it off.",
        ) from error
