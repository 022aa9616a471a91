"""What managed groups do by themselves: they create, verify, repair and delete until they are as they should be.

https://cloud.google.com/compute/docs/instance-groups/working-with-managed-instances
"""

from __future__ import annotations

import copy
import random
import string
from collections.abc import Callable, Mapping

from tests.emulators.gcp.api.errors import ApiError, Json, OperationError
from tests.emulators.gcp.api.references import key_in, link, name_of, place_fields, project_of, scope_of
from tests.emulators.gcp.balancing.health import HEALTHY, UNHEALTHY, UNKNOWN, Health
from tests.emulators.gcp.compute.instances import InstanceKind
from tests.emulators.gcp.compute.launching import CREATED_BY, Launching
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.groups.model import Group, Member
from tests.emulators.gcp.world import NUMBER

ITSELF = "cloudservices"
"""Who calls, where a group does something by itself."""
MOVES = ("BALANCED", "ANY")
"""The shapes of a distribution with which a group goes to another zone where one has no resources."""
GROUPS = "/instanceGroupManagers/"


class Engine:
    """All managed groups."""

    def __init__(self, emulated: Emulated, launching: Launching, instances: InstanceKind, health: Health) -> None:
        self._emulated = emulated
        self._store = emulated.store
        self._launching = launching
        self._instances = instances
        self._health = health
        self.groups: dict[str, Group] = {}
        """By the key of the manager."""
        self.draining: Callable[[str], float] = lambda _group: 0.0
        """How long members of an instance group are drained before they are ended."""

    def forget(self) -> None:
        """No group is there."""
        self.groups.clear()

    def add(self, key: str) -> None:
        """A group that is being made."""
        self.groups[key] = Group()

    def begin(self, key: str) -> None:
        """It is made: it does what it should from now on."""
        self.groups[key].started = True
        self.settle(key)
        self._look_again(key, self.groups[key])

    def _look_again(self, key: str, group: Group) -> None:
        def look() -> None:
            if self.groups.get(key) is group:
                self.settle(key)
                self._look_again(key, group)

        self._emulated.clock.later(self._emulated.settings.check, look)

    def look(self) -> None:
        """See whether something has changed by itself, in all groups."""
        for key, group in list(self.groups.items()):
            if any(member.action == "VERIFYING" for member in group.members.values()):
                self._verify(key, group)

    def settle(self, key: str) -> None:
        """Do what is to be done next in a group."""
        group, row = self.groups.get(key), self._store.get(key)
        if group is None or row is None or not group.started:
            return
        if group.ending:
            self._shrink(key, group, 0)
            return
        self._shrink(key, group, row["targetSize"])
        self._grow(key, group, row)
        self._verify(key, group)
        self._repair(key, group, row)
        self._update(key, group, row)

    def _shrink(self, key: str, group: Group, size: int) -> None:
        """First those that are not there yet, then the youngest."""
        staying = list(group.staying.items())
        surplus = len(staying) - size
        order = sorted(staying, key=lambda one: (one[1].action == "NONE", -one[1].since))
        for name, _member in order[: max(surplus, 0)]:
            self.end(key, name)

    def _grow(self, key: str, group: Group, row: Json) -> None:
        while len(group.staying) < row["targetSize"]:
            self.add_member(key, self._free_name(row["baseInstanceName"], group))

    @staticmethod
    def _free_name(base: str, group: Group) -> str:
        while True:
            name = f"{base}-{''.join(random.choices(string.ascii_lowercase + string.digits, k=4))}"
            if name not in group.members:
                return name

    def add_member(self, key: str, name: str) -> None:
        """One more, by this name."""
        group, row = self.groups[key], self._store.need(key)
        zone = self._zone(key, group, row)
        version = self._version(group, row)
        group.members[name] = Member(
            key=f"projects/{project_of(key)}/zones/{zone}/instances/{name}",
            template=key_in(version["instanceTemplate"]),
            version=version.get("name", ""),
        )
        self._create(key, name)

    def _zone(self, key: str, group: Group, row: Json) -> str:
        """The emptiest of its zones. https://cloud.google.com/compute/docs/instance-groups/regional-mig-distribution-shape"""
        policy = row.get("distributionPolicy", {})
        zones = [name_of(entry["zone"]) for entry in policy.get("zones", [])] or [name_of(scope_of(key))]
        if policy.get("targetShape") in MOVES:
            now = self._emulated.clock.now
            zones = [zone for zone in zones if group.exhausted.get(zone, 0.0) <= now] or zones
        elif policy.get("targetShape") == "ANY_SINGLE_ZONE":
            zones = zones[:1]
        taken = [name_of(scope_of(member.key)) for member in group.staying.values()]
        return min(zones, key=lambda zone: (taken.count(zone), zones.index(zone)))

    @staticmethod
    def _version(group: Group, row: Json) -> Json:
        """The first version with a size of its own that is not reached, or else the one without."""
        for version in row["versions"]:
            size = (version.get("targetSize") or {}).get("fixed")
            have = sum(member.version == version.get("name", "") for member in group.staying.values())
            if size is not None and have < size:
                return dict(version)
        return dict(next(version for version in row["versions"] if not version.get("targetSize")))

    def _create(self, key: str, name: str) -> None:
        """An attempt; another one follows where it fails, without end."""
        group = self.groups.get(key)
        member = group.members.get(name) if group else None
        if group is None or member is None or member.trying or not member.stays:
            return
        member.errors = []
        try:
            fault = self._emulated.faults.met("group.create")
            if fault and (fault.code or fault.reason):
                raise OperationError(fault.code or fault.reason, fault.words, status=fault.status)
            row = self._launching.built(member.key, self._wanted(key, name, member))
        except (ApiError, OperationError) as error:
            self._failed(key, name, error)
            return
        instance = self._store.put(member.key, **row, **place_fields(member.key))
        self._store.busy.add(member.key)
        member.trying = True
        self._operate("insert", member.key, lambda: self._created(key, name, member, instance))

    def _wanted(self, key: str, name: str, member: Member) -> Json:
        template = self._store.need(member.template)
        body = copy.deepcopy(template["properties"])
        items = body.setdefault("metadata", {}).setdefault("items", [])
        project, number = f"projects/{project_of(key)}/", f"projects/{NUMBER}/"
        items += [
            {"key": "instance-template", "value": member.template.replace(project, number)},
            {"key": CREATED_BY, "value": key.replace(project, number)},
        ]
        return {"name": name, **{field: part for field, part in body.items() if field != "description"}}

    def _operate(self, kind: str, key: str, work: Callable[[], float | None]) -> None:
        self._emulated.operations.start(kind, key, work, caller=ITSELF)

    def _created(self, key: str, name: str, member: Member, instance: Json) -> float | None:
        if self._store.get(member.key) is not instance or instance["status"] == "STOPPING":
            return None  # it is on its way out before it was there
        try:
            again = self._instances.created(member.key)
        except OperationError as error:
            member.trying = False
            self._instances.undone(member.key)
            self._store.pop(member.key)
            self._failed(key, name, error)
            raise
        if again is not None:
            return again
        member.trying = False
        self._store.busy.discard(member.key)
        member.since, member.was_healthy = self._emulated.clock.now, False
        if member.stays:
            member.action = "VERIFYING" if self._policy(self._store.get(key) or {}).get("healthCheck") else "NONE"
            self.settle(key)
        return None

    def _failed(self, key: str, name: str, error: ApiError | OperationError) -> None:
        """https://cloud.google.com/compute/docs/instance-groups/troubleshoot-migs-creating-vms"""
        group = self.groups.get(key)
        member = group.members.get(name) if group else None
        if group is None or member is None:
            return
        entry = (error.later() if isinstance(error, ApiError) else error).entry()
        member.errors = [entry]
        group.errors.append(
            {
                "error": entry,
                "instanceActionDetails": {
                    "action": member.action,
                    "instance": link(member.key),
                    "version": {"instanceTemplate": link(member.template)},
                },
                "timestamp": self._store.moment,
            }
        )
        retry = self._emulated.settings.retry
        row = self._store.get(key)
        shape = (row or {}).get("distributionPolicy", {}).get("targetShape")
        if row and entry["code"] == "ZONE_RESOURCE_POOL_EXHAUSTED" and shape in MOVES:
            group.exhausted[name_of(scope_of(member.key))] = self._emulated.clock.now + retry
            others = {one: other for one, other in group.members.items() if one != name}
            zone = self._zone(key, Group(members=others, exhausted=group.exhausted), row)
            moved = f"projects/{project_of(key)}/zones/{zone}/instances/{name}"
            retry = 0.0 if moved != member.key else retry
            member.key = moved
        self._emulated.clock.later(retry, lambda: self._create(key, name))

    def _policy(self, row: Mapping[str, object]) -> Json:
        policies = row.get("autoHealingPolicies")
        return dict(policies[0]) if isinstance(policies, list) and policies else {}

    def _verify(self, key: str, group: Group) -> None:
        """VERIFYING ends with the first healthy answer, or with the initial delay."""
        policy, now = self._policy(self._store.get(key) or {}), self._emulated.clock.now
        for member in group.members.values():
            if member.action not in ("VERIFYING", "NONE"):
                continue
            if self._state(policy, member) == HEALTHY:
                member.was_healthy = True
            late = now - member.since >= policy.get("initialDelaySec", 0)
            if member.action == "VERIFYING" and (member.was_healthy or late or not policy.get("healthCheck")):
                member.action = "NONE"

    def _state(self, policy: Json, member: Member) -> str:
        """What its autohealing check says."""
        check = policy.get("healthCheck")
        return self._health.detailed(key_in(check), member.key) if isinstance(check, str) else UNKNOWN

    def _repair(self, key: str, group: Group, row: Json) -> None:
        """https://cloud.google.com/compute/docs/instance-groups/about-repairs-for-ha-vms-in-migs"""
        policy, lifecycle = self._policy(row), row.get("instanceLifecyclePolicy") or {}
        if lifecycle.get("defaultActionOnFailure") == "DO_NOTHING":
            return
        for name, member in list(group.members.items()):
            if member.action != "NONE":
                continue
            instance = self._store.get(member.key)
            gone = instance is None or instance["status"] in ("TERMINATED", "STOPPED")
            late = member.was_healthy or self._emulated.clock.now - member.since >= policy.get("initialDelaySec", 0)
            if gone or (late and self._state(policy, member) == UNHEALTHY):
                self.recreate(key, name)

    def _update(self, key: str, group: Group, row: Json) -> None:
        """A proactive update replaces one after the other; others wait for what recreates their members."""
        if (row.get("updatePolicy") or {}).get("type") != "PROACTIVE":
            return
        if any(member.action != "NONE" for member in group.members.values()):
            return
        wanted = {key_in(version["instanceTemplate"]) for version in row["versions"]}
        for name, member in group.members.items():
            if member.template not in wanted:
                self.recreate(key, name, anew=True)
                return

    def recreate(self, key: str, name: str, *, anew: bool = False) -> None:
        """End a member's instance and make it again, by its own template or (`anew`) by the group's."""
        group, row = self.groups[key], self._store.need(key)
        member = group.members[name]
        member.action = "RECREATING"
        if anew:
            version = next(version for version in row["versions"] if not version.get("targetSize"))
            member.template, member.version = key_in(version["instanceTemplate"]), version.get("name", "")
        self._end_instance(key, member, lambda: self._create(key, name))

    def end(self, key: str, name: str) -> None:
        """Take a member out of the balancers, and delete it."""
        member = self.groups[key].members[name]
        was_serving = member.action in ("NONE", "VERIFYING") and not member.trying
        member.action = "DELETING"
        wait = self.draining(key.replace(GROUPS, "/instanceGroups/")) if was_serving else 0.0
        self._emulated.clock.later(wait, lambda: self._end_instance(key, member, lambda: self._leave(key, name)))

    def _leave(self, key: str, name: str) -> None:
        if key in self.groups:
            self.groups[key].members.pop(name, None)
            self.settle(key)

    def abandon(self, key: str, name: str) -> None:
        """A member is one no longer; its instance stays."""
        self.groups[key].members.pop(name)

    def _end_instance(self, key: str, member: Member, then: Callable[[], None]) -> None:
        instance = self._store.get(member.key)
        if instance is None:
            then()
            return
        member.trying = False
        self._store.busy.add(member.key)
        self._instances.deleting(member.key)

        def work() -> float | None:
            there = self._store.get(member.key) is instance
            again = self._instances.deleted(member.key) if there else None
            if again is None:
                if there:
                    self._store.pop(member.key)
                then()
            return again

        self._operate("delete", member.key, work)
