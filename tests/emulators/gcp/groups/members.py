"""The members of managed groups: listed, deleted, abandoned, made again.

https://cloud.google.com/compute/docs/instance-groups/working-with-managed-instances
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.emulators.gcp.api.errors import Json, invalid, required
from tests.emulators.gcp.api.generic import Generic, page
from tests.emulators.gcp.api.kinds import Asked, Handler, Kind
from tests.emulators.gcp.api.references import key_in, key_of, link
from tests.emulators.gcp.balancing.health import Health
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.groups.engine import Engine
from tests.emulators.gcp.groups.model import Member

AT_ONCE = 1000


class MemberKind(Kind):
    """What is asked of a manager about its members."""

    noun = "instanceGroupManagers"

    def __init__(self, emulated: Emulated, engine: Engine, health: Health, generic: Generic) -> None:
        self._emulated = emulated
        self._store = emulated.store
        self._engine = engine
        self._health = health
        self._generic = generic

    def actions(self) -> Mapping[str, Handler]:
        """By verb."""
        return {
            "listManagedInstances": self._list,
            "listErrors": self._list_errors,
            "deleteInstances": self._delete,
            "abandonInstances": self._abandon,
            "recreateInstances": self._recreate,
            "createInstances": self._create,
            "applyUpdatesToInstances": self._apply_updates,
            "listPerInstanceConfigs": self._list_configs,
            "updatePerInstanceConfigs": self._update_configs,
        }

    def _list(self, asked: Asked) -> Json:
        row = self._store.need(asked.key)
        shown = [self._shown(row, name, member) for name, member in self._engine.groups[asked.key].members.items()]
        paged = row["listManagedInstancesResults"] == "PAGINATED"
        query = dict(asked.query) if paged else {name: asked.query[name] for name in ("filter",) if name in asked.query}
        rows, token = page(query, shown, self._emulated.settings.page if paged else None)
        return {**({"managedInstances": rows} if rows else {}), **({"nextPageToken": token} if token else {})}

    def _shown(self, manager: Json, name: str, member: Member) -> Json:
        instance = self._store.get(member.key)
        version = {"instanceTemplate": link(member.template)}
        shown: Json = {
            "name": name,
            "instance": link(member.key),
            "currentAction": member.action,
            "version": version | ({"name": member.version} if member.version else {}),
        }
        if instance:
            shown |= {"id": instance["id"], "instanceStatus": instance["status"]}
        if member.errors:
            shown["lastAttempt"] = {"errors": {"errors": member.errors}}
        checks = [
            policy["healthCheck"] for policy in manager.get("autoHealingPolicies") or [] if "healthCheck" in policy
        ]
        if instance and instance["status"] == "RUNNING" and checks:
            shown["instanceHealth"] = [
                {"healthCheck": check, "detailedHealthState": self._health.detailed(key_in(check), member.key)}
                for check in checks
            ]
        return shown

    def _list_errors(self, asked: Asked) -> Json:
        self._store.need(asked.key)
        errors = list(reversed(self._engine.groups[asked.key].errors))
        rows, token = page({name: part for name, part in asked.query.items() if name != "filter"}, errors)
        return {**({"items": rows} if rows else {}), **({"nextPageToken": token} if token else {})}

    def _list_configs(self, asked: Asked) -> Json:
        self._store.need(asked.key)
        configs = list(self._engine.groups[asked.key].configs.values())
        rows, token = page(dict(asked.query), configs, self._emulated.settings.page)
        return {**({"items": rows} if rows else {}), **({"nextPageToken": token} if token else {})}

    def _update_configs(self, asked: Asked) -> Json:
        """What single members keep is written down; nothing here brings it to pass."""
        given = {str(one.get("name", "")): one for one in asked.body.get("perInstanceConfigs", [])}
        if not given or not all(given):
            raise required("resource.perInstanceConfigs[].name")

        def come() -> None:
            self._engine.groups[asked.key].configs |= given

        return self._generic.alter(asked, come)

    def _named(self, asked: Asked, references: object) -> Iterator[str]:
        """The members that a body names. ApiError for those that are none, unless they are to be skipped."""
        given = references if isinstance(references, list) else []
        if not given:
            raise required("resource.instances")
        if len(given) > AT_ONCE:
            raise invalid("resource.instances", len(given), f"At most {AT_ONCE} in one call.")
        by_key = {member.key: name for name, member in self._engine.groups[asked.key].staying.items()}
        for reference in given:
            name = by_key.get(key_of(reference, asked.project) or "")
            if name is None and not asked.body.get("skipInstancesOnValidationError"):
                raise invalid("resource.instances", reference, f"It is no instance of '{asked.key}'.")
            if name is not None:
                yield name

    def _each(self, asked: Asked, do: Callable[[str], None], *, fewer: bool = False) -> Json:
        row = self._store.need(asked.key)
        names = list(self._named(asked, asked.body.get("instances")))

        def come() -> None:
            staying = [name for name in names if name in self._engine.groups[asked.key].staying]
            if fewer:
                row["targetSize"] -= len(staying)
                self._store.stamp(asked.key)
            for name in staying:
                do(name)
            self._engine.settle(asked.key)

        return self._generic.alter(asked, come)

    def _delete(self, asked: Asked) -> Json:
        """The size of the group is less by as many."""
        return self._each(asked, lambda name: self._engine.end(asked.key, name), fewer=True)

    def _abandon(self, asked: Asked) -> Json:
        """The same, and they stay."""
        return self._each(asked, lambda name: self._engine.abandon(asked.key, name), fewer=True)

    def _recreate(self, asked: Asked) -> Json:
        """By the group's template."""
        return self._each(asked, lambda name: self._engine.recreate(asked.key, name, anew=True))

    def _create(self, asked: Asked) -> Json:
        """More, of these names. https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroupManagers/createInstances"""
        row = self._store.need(asked.key)
        names = [str(one.get("name", "")) for one in asked.body.get("instances", [])]
        if not names or not all(names):
            raise required("resource.instances[].name")
        if set(names) & set(self._engine.groups[asked.key].members):
            raise invalid("resource.instances", names, "One of them is there.")

        def come() -> None:
            row["targetSize"] += len(names)
            self._store.stamp(asked.key)
            for name in names:
                self._engine.add_member(asked.key, name)

        return self._generic.alter(asked, come)

    def _apply_updates(self, asked: Asked) -> Json:
        """Those that are not as the group's template says are made again."""
        row, group = self._store.need(asked.key), self._engine.groups[asked.key]
        every = asked.body.get("allInstances")
        names = list(group.staying) if every else list(self._named(asked, asked.body.get("instances")))
        wanted = {key_in(version["instanceTemplate"]) for version in row["versions"]}

        def come() -> None:
            for name in names:
                if name in group.members and group.members[name].template not in wanted:
                    self._engine.recreate(asked.key, name, anew=True)

        return self._generic.alter(asked, come)
