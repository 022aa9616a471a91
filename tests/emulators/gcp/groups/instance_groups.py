"""Instance groups as load balancers see them, whoever manages them.

https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroups
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.emulators.gcp.api.errors import ApiError, Json, invalid
from tests.emulators.gcp.api.generic import Generic, check_fingerprint
from tests.emulators.gcp.api.kinds import Asked, Handler, Kind
from tests.emulators.gcp.api.references import key_of, link
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.groups.engine import Engine


class InstanceGroupKind(Kind):
    """Groups: named ports, and who is in them."""

    noun = "instanceGroups"

    def __init__(self, emulated: Emulated, engine: Engine, generic: Generic) -> None:
        self._store = emulated.store
        self._engine = engine
        self._generic = generic
        self._unmanaged: dict[str, list[str]] = {}

    def forget(self) -> None:
        """Nothing is in a group."""
        self._unmanaged.clear()

    def actions(self) -> Mapping[str, Handler]:
        """By verb."""
        return {
            "listInstances": self._list,
            "setNamedPorts": self._set_named_ports,
            "addInstances": self._add,
            "removeInstances": self._remove,
        }

    def managed(self, key: str) -> bool:
        """Whether a manager has it."""
        return key.replace("/instanceGroups/", "/instanceGroupManagers/") in self._engine.groups

    def members(self, key: str) -> Iterator[str]:
        """The instances that are there, by their keys."""
        group = self._engine.groups.get(key.replace("/instanceGroups/", "/instanceGroupManagers/"))
        keys = [member.key for member in group.members.values()] if group else self._unmanaged.get(key, [])
        return (instance for instance in keys if instance in self._store)

    def port(self, key: str, name: str) -> int | None:
        """A named port. https://cloud.google.com/load-balancing/docs/backend-service#named_ports"""
        ports = (self._store.get(key) or {}).get("namedPorts", [])
        return next((port["port"] for port in ports if port["name"] == name), None)

    def show(self, key: str, row: Json) -> Json:
        """With its size."""
        return {**row, "size": len(list(self.members(key)))}

    def check_deletion(self, asked: Asked, key: str) -> None:
        """A managed one goes with its manager."""
        if self.managed(key):
            raise ApiError(
                400,
                "resourceInUseByAnotherResource",
                f"The instance_group resource '{key}' is already being used by its instance_group_manager",
            )

    def _list(self, asked: Asked) -> Json:
        row = self._store.need(asked.key)
        items = [
            {
                "instance": link(instance),
                "status": self._store.need(instance)["status"],
                "namedPorts": row.get("namedPorts", []),
            }
            for instance in self.members(asked.key)
        ]
        if asked.body.get("instanceState") == "RUNNING":
            items = [item for item in items if item["status"] == "RUNNING"]
        kind = "compute#regionInstanceGroupsListInstances" if "/regions/" in asked.key else None
        answer = {"kind": kind or "compute#instanceGroupsListInstances", "id": asked.key, "selfLink": link(asked.key)}
        return {**answer, **({"items": items} if items else {})}

    def _set_named_ports(self, asked: Asked) -> Json:
        row = self._store.need(asked.key)
        check_fingerprint(asked.body.get("fingerprint"), row["fingerprint"], must=False)
        ports = asked.body.get("namedPorts", [])
        for port in ports:
            if not port.get("name") or not 1 <= port.get("port", 0) <= 65535:
                raise invalid("resource.namedPorts", port)

        def come() -> None:
            row["namedPorts"] = ports
            self._store.stamp(asked.key)

        return self._generic.alter(asked, come)

    def _named(self, asked: Asked) -> list[str]:
        self._store.need(asked.key)
        if self.managed(asked.key):
            raise invalid("resource", asked.key, "A manager says who is in it.")
        given = [key_of(one.get("instance"), asked.project) or "" for one in asked.body.get("instances", [])]
        for instance in given:
            self._store.need(instance)
        return given

    def _add(self, asked: Asked) -> Json:
        named = self._named(asked)
        return self._generic.alter(asked, lambda: self._unmanaged.setdefault(asked.key, []).extend(named))

    def _remove(self, asked: Asked) -> Json:
        named = set(self._named(asked))

        def come() -> None:
            self._unmanaged[asked.key] = [one for one in self._unmanaged.get(asked.key, []) if one not in named]

        return self._generic.alter(asked, come)
