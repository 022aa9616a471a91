"""Looking at groups: in as few calls as can be, however large they are.

A group that is stable costs one call a look: while Google says that nothing is going on with it, and its size and
configuration are those of the last look, its machines are those that it had then. What never changes is asked once: the
release of a template, the address of a machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from phoenix.clock import Clock
from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.calls import Answer, Calls
from phoenix.clouds.gcp.machines import group_reading, pins, troubles
from phoenix.clouds.gcp.machines.autoscalers import Autoscalers
from phoenix.clouds.gcp.machines.group_reading import Found, Machine, Member
from phoenix.clouds.gcp.machines.homes import Home, home_of
from phoenix.clouds.gcp.machines.templates import Templates
from phoenix.clouds.gcp.machines.troubles import Failure, Trouble
from phoenix.model import Group, InstanceState

BETWEEN_LISTS = 3600.0
"""Seconds after which the machines of a group are listed again, whatever it says of itself."""
BETWEEN_FAILURES = 15.0
"""Seconds between two questions why machines do not start."""
LONG = 300.0
"""Seconds after which a machine that is still being created, without a word, is spoken of."""
_MACHINES = (
    "items/*/instances(id,name,creationTimestamp,machineType,networkInterfaces/networkIP),nextPageToken,unreachables"
)
_NAMED = "items/*/instanceGroupManagers(name),nextPageToken,unreachables"
_AT_ONCE = 20
"""Groups whose machines are asked for in one filter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Listed:
    """The machines of a group, as of the moment when it looked like this."""

    like: tuple[str, int, str]
    at: float
    members: tuple[Member, ...]


class Looks:
    """Groups of one region as they are now."""

    def __init__(
        self, calls: Calls, project: str, region: str, templates: Templates, scalers: Autoscalers, clock: Clock
    ) -> None:
        self._calls = calls
        self._project = project
        self._region = region
        self._templates = templates
        self._scalers = scalers
        self._clock = clock
        self._homes: dict[str, Home] = {}
        self._listed: dict[str, _Listed] = {}
        self._machines: dict[str, Machine] = {}
        self._zones: dict[str, str] = {}
        """Of each machine that was seen, by its name."""
        self._old: dict[str, frozenset[tuple[str, str, str]]] = {}
        """Of each group, the failures that say nothing of the machines that are asked for now."""
        self._told: dict[str, tuple[float, tuple[Failure, ...]]] = {}
        """When a group's failures were read last, and what they were."""
        self._creating: dict[str, dict[str, float]] = {}
        """Of each group, since when its machines are seen being created."""

    def all(self) -> tuple[Group, ...]:
        """The groups of this project."""
        ours = [each for each in self._shown() if each.marks.get(labels.PROJECT) == self._project]
        listed = {each.name: self.members(each) for each in ours}
        self._learn(ours, listed)
        return tuple(self._group(each, listed[each.name]) for each in ours)

    def names(self) -> frozenset[str]:
        """The names of all groups in the whole project of Google's, whosever they are and in whichever region."""
        told = self._calls.pages("instanceGroupManagers", "aggregatedList", fields=_NAMED)
        return frozenset(each["name"] for each in told)

    def one(self, name: str) -> Group | None:
        """The group of that name, whosever it is; None where Google says that there is none."""
        seen = self.found(name)
        if seen is None:
            return None
        members = self.members(seen)
        self._learn((seen,), {name: members})
        return self._group(seen, members)

    def found(self, name: str) -> Found | None:
        """The same as the managed group alone tells of it."""
        answer = self.answer(name)
        return group_reading.found(answer) if answer else None

    def answer(self, name: str) -> Answer | None:
        """The managed group as Google tells of it; where it is, is asked once."""
        home = self._homes.get(name)
        if home is None:
            return self._somewhere(name)
        answer = self._calls.find(home.managers, "get", **home.place, instanceGroupManager=name)
        if answer is None:
            self.forget(name)
        return answer

    def members(self, group: Found) -> tuple[Member, ...]:
        """The machines of the group."""
        like, now = (group.fingerprint, group.size, group.link), self._clock.monotonic()
        last = self._listed.get(group.name)
        if group.stable and last and last.like == like and now - last.at < BETWEEN_LISTS:
            return last.members
        answers = self._calls.pages(
            group.home.managers,
            "listManagedInstances",
            key="managedInstances",
            **group.home.place,
            instanceGroupManager=group.name,
        )
        members = tuple(map(group_reading.member, answers))
        self._listed.pop(group.name, None)
        if group.stable:
            self._listed[group.name] = _Listed(like=like, at=now, members=members)
        self._zones |= {each.name: each.zone for each in members}
        return members

    def zone_of(self, machine: str) -> str | None:
        """The zone of a machine by its name; None where there is no such machine."""
        if machine not in self._zones:
            named = f'name = "{machine}"'
            for each in self._calls.pages("instances", "aggregatedList", filter=named):
                self._zones[machine] = each["zone"].rpartition("/")[2]
        return self._zones.get(machine)

    def changed(self, name: str) -> None:
        """The group was changed: its machines are listed anew."""
        self._listed.pop(name, None)

    def forget(self, name: str) -> None:
        """The group is gone, or goes: what is known of it is known no longer."""
        for kept in (self._homes, self._listed, self._old, self._told, self._creating):
            kept.pop(name, None)

    def remember_failures(self, group: Found) -> None:
        """What failed until now says nothing of the machines that are asked for from now on."""
        self._old[group.name] = frozenset(each.key for each in self._failures(group))
        self._told.pop(group.name, None)

    def _somewhere(self, name: str) -> Answer | None:
        """The group of that name in the region or a zone of it; of several, one that phoenix made."""
        answers = [
            each
            for each in self._calls.pages("instanceGroupManagers", "aggregatedList", filter=f'name = "{name}"')
            if each["name"] == name and home_of(each["selfLink"]).region == self._region
        ]
        answers.sort(key=lambda each: (not group_reading.found(each).made, each["selfLink"]))
        if not answers:
            return None
        self._homes[name] = home_of(answers[0]["selfLink"])
        return answers[0]

    def _shown(self) -> tuple[Found, ...]:
        return self._calls.sight.seen(self._listing, "the groups", self._region)

    def _listing(self) -> tuple[Found, ...]:
        """The groups of the region. Who looks at one of them next, in the same look, has seen it."""
        found = []
        for each in self._calls.pages("instanceGroupManagers", "aggregatedList"):
            seen = group_reading.found(each)
            if seen.home.region == self._region:
                self._homes[seen.name] = seen.home
                named = {**seen.home.place, "instanceGroupManager": seen.name}
                self._calls.told(seen.home.managers, "get", each, **named)
                found.append(seen)
        return tuple(found)

    def _group(self, seen: Found, members: tuple[Member, ...]) -> Group:
        scaler = None if seen.made else self._scalers.of(seen)
        return group_reading.group(
            seen,
            members=members,
            release=self._templates.release(seen.template) if seen.made and seen.template else None,
            machines=self._machines,
            pinned=pins.until(seen, scaler),
            trouble=self._trouble(seen, members),
        )

    def _trouble(self, seen: Found, members: tuple[Member, ...]) -> Trouble | None:
        running = {each.name for each in members if group_reading.state_of(each)[0] is InstanceState.RUNNING}
        if seen.size <= len(running):
            _moment, past = self._told.pop(seen.name, (0.0, ()))
            self._old[seen.name] = self._old.get(seen.name, frozenset()) | {each.key for each in past}
            self._creating.pop(seen.name, None)
            return None
        now = self._clock.monotonic()
        read, failures = self._told.get(seen.name, (now - BETWEEN_FAILURES, ()))
        if now - read >= BETWEEN_FAILURES:
            failures = self._failures(seen)
            self._told[seen.name] = now, failures
        old = self._old.get(seen.name, frozenset())
        new = [each for each in failures if each.key not in old and each.machine not in running]
        return troubles.trouble(new, zones=seen.zones) or self._silent(seen, members, now)

    def _silent(self, seen: Found, members: tuple[Member, ...], now: float) -> Trouble | None:
        """What is created for ever without a failure that anybody tells of."""
        since = self._creating.setdefault(seen.name, {})
        creating = {each.name: since.get(each.name, now) for each in members if each.action.startswith("CREATING")}
        self._creating[seen.name] = creating
        long = [name for name, begun in creating.items() if now - begun >= LONG]
        if not long:
            return None
        return Trouble(words=f"{len(long)} machines are CREATING for over {LONG:g} s without a word", certain=False)

    def _failures(self, group: Found) -> tuple[Failure, ...]:
        answers = self._calls.pages(
            group.home.managers, "listErrors", **group.home.place, instanceGroupManager=group.name
        )
        return tuple(filter(None, map(troubles.failure, answers)))

    def _learn(self, groups: Iterable[Found], listed: dict[str, tuple[Member, ...]]) -> None:
        """Ask for the machines that are not known yet, those of several groups at once."""
        new = [group for group in groups if any(self._unknown(listed[group.name]))]
        for some in (new[start : start + _AT_ONCE] for start in range(0, len(new), _AT_ONCE)):
            bases = "|".join(each.base for each in some)
            named = f'name eq "({bases})-.*"'
            for each in self._calls.pages("instances", "aggregatedList", filter=named, fields=_MACHINES):
                self._machines[str(each["id"])] = group_reading.machine(each)

    def _unknown(self, members: tuple[Member, ...]) -> Iterator[str]:
        for each in members:
            coming = each.number and group_reading.state_of(each)[0] is not InstanceState.LEAVING
            known = self._machines.get(each.number)
            if coming and (known is None or not known.ip):
                yield each.number
