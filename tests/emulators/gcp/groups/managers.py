"""Managed instance groups, zonal and regional. https://cloud.google.com/compute/docs/reference/rest/v1/regionInstanceGroupManagers"""

from __future__ import annotations

from collections.abc import Mapping

from tests.emulators.gcp.api.errors import ApiError, Json, invalid, required
from tests.emulators.gcp.api.generic import Generic
from tests.emulators.gcp.api.kinds import Asked, Handler, Kind
from tests.emulators.gcp.api.references import key_in, link, place_fields, place_of, scope_of
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.groups.engine import Engine
from tests.emulators.gcp.groups.model import ACTIONS, Group

AGAIN = 0.1
MOST_ZONES = 3
"""A regional group without a policy takes so many zones of its region."""
LONGEST_BASE = 58
PERCENT_FROM = 10
UPDATES = {
    "type": "OPPORTUNISTIC",
    "minimalAction": "REPLACE",
    "mostDisruptiveAllowedAction": "REPLACE",
    "replacementMethod": "SUBSTITUTE",
}


class ManagerKind(Kind):
    """Managers: the record of a group."""

    noun = "instanceGroupManagers"

    def __init__(self, emulated: Emulated, engine: Engine, generic: Generic) -> None:
        self._store = emulated.store
        self._engine = engine
        self._generic = generic

    def actions(self) -> Mapping[str, Handler]:
        """Its size, and its template; the members have a part of their own."""
        return {"resize": self._resize, "setInstanceTemplate": self._set_template}

    def prepare(self, asked: Asked, key: str, body: Json) -> Json:
        """With what the service adds."""
        base = body.setdefault("baseInstanceName", key.rpartition("/")[2][:LONGEST_BASE])
        if len(base) > LONGEST_BASE:
            raise invalid("resource.baseInstanceName", base, f"At most {LONGEST_BASE} characters.")
        body = {"updatePolicy": {}, "listManagedInstancesResults": "PAGELESS", **body}
        body["updatePolicy"] = {**UPDATES, **body["updatePolicy"]}
        if "/regions/" in key:
            self._place(asked, key, body)
        body = self._checked(key, body)
        group = key.replace("/instanceGroupManagers/", "/instanceGroups/")
        if group in self._store:
            raise ApiError(409, "alreadyExists", f"The resource '{group}' already exists")
        properties = self._store.need(key_in(body["instanceTemplate"]))["properties"]
        network = next((nic.get("network") for nic in properties["networkInterfaces"] if nic.get("network")), None)
        self._store.put(group, size=0, namedPorts=[], network=network, **place_fields(key))
        self._engine.add(key)
        return {**body, "instanceGroup": link(group)}

    def _place(self, asked: Asked, key: str, body: Json) -> None:
        region = self._store.need(scope_of(key))
        policy = body.setdefault("distributionPolicy", {})
        zones = [str(place_of(entry.get("zone"), asked.project)) for entry in policy.get("zones", [])]
        for zone in zones:
            if link(zone) not in region["zones"]:
                raise invalid("resource.distributionPolicy.zones", zone, "It is no zone of the region.")
        chosen = [link(zone) for zone in zones] or region["zones"][:MOST_ZONES]
        policy["zones"] = [{"zone": zone} for zone in chosen]
        policy.setdefault("targetShape", "EVEN")

    def _checked(self, key: str, body: Json) -> Json:
        """Template and versions agree, and what belongs together fits."""
        versions = body.get("versions") or []
        if not versions and not body.get("instanceTemplate"):
            raise required("resource.instanceTemplate")
        body["versions"] = versions or [{"instanceTemplate": body["instanceTemplate"]}]
        rest = [version for version in body["versions"] if not version.get("targetSize")]
        if len(rest) != 1:
            raise invalid("resource.versions", len(rest), "Exactly one version must have no target size.")
        body["instanceTemplate"] = rest[0]["instanceTemplate"]
        if body["targetSize"] < 0:
            raise invalid("resource.targetSize", body["targetSize"], "It cannot be negative.")
        if len(body.get("autoHealingPolicies") or []) > 1:
            raise invalid("resource.autoHealingPolicies", 2, "You can specify only one value.")
        for policy in body.get("autoHealingPolicies") or []:
            if not 0 <= policy.get("initialDelaySec", 0) <= 3600:
                raise invalid("resource.autoHealingPolicies[0].initialDelaySec", policy["initialDelaySec"])
        self._check_updates(key, body)
        return body

    def _check_updates(self, key: str, body: Json) -> None:
        """https://cloud.google.com/compute/docs/instance-groups/rolling-out-updates-to-managed-instance-groups"""
        policy = body.get("updatePolicy", {})
        zones = len(body.get("distributionPolicy", {}).get("zones", [])) if "/regions/" in key else 0
        for name in ("maxSurge", "maxUnavailable"):
            given = policy.get(name)
            if given is None:
                continue
            if "percent" in given and body["targetSize"] < PERCENT_FROM:
                raise invalid(f"resource.updatePolicy.{name}", given, "Percent only for groups of 10 or more.")
            if 0 < given.get("fixed", 0) < zones:
                raise invalid(f"resource.updatePolicy.{name}", given, f"0, or at least {zones}: the zones.")

    def created(self, key: str) -> None:
        """ "DONE" is said of the group, and not of its members."""
        self._engine.begin(key)

    def undone(self, key: str) -> None:
        """Its instance group is gone with it."""
        self._engine.groups.pop(key, None)
        self._store.pop(key.replace("/instanceGroupManagers/", "/instanceGroups/"))

    def show(self, key: str, row: Json) -> Json:
        """With what its members are doing."""
        group = self._engine.groups.get(key, Group())
        counts = dict.fromkeys(ACTIONS.values(), 0)
        for member in group.members.values():
            counts[ACTIONS[member.action]] += 1
        stable = group.started and counts["none"] == row["targetSize"] == len(group.members)
        stable = stable and key not in self._store.busy
        wanted = {key_in(version["instanceTemplate"]) for version in row["versions"]}
        reached = all(member.template in wanted for member in group.members.values())
        status: Json = {
            "isStable": stable,
            "versionTarget": {"isReached": reached and stable},
            "stateful": {
                "hasStatefulConfig": bool(row.get("statefulPolicy") or group.configs),
                "perInstanceConfigs": {"allEffective": True},
            },
        }
        scaler = self._scaler(row)
        if scaler:
            status["autoscaler"] = scaler["selfLink"]
        ports = (self._store.get(key_in(row["instanceGroup"])) or {}).get("namedPorts")
        return {**row, "currentActions": counts, "status": status, **({"namedPorts": ports} if ports else {})}

    def _scaler(self, row: Json) -> Json | None:
        found = (scaler for _key, scaler in self._store.of("autoscalers") if scaler["target"] == row["selfLink"])
        return next(found, None)

    def _resize(self, asked: Asked) -> Json:
        """Where an autoscaler is on, the size is its own.

        https://cloud.google.com/compute/docs/instance-groups/add-remove-vms-in-mig#resize_managed_group
        """
        row, size = self._store.need(asked.key), int(asked.query["size"])
        if size < 0:
            raise invalid("size", size, "It cannot be negative.")
        scaler = self._scaler(row)
        if scaler and scaler["autoscalingPolicy"].get("mode", "ON") != "OFF":
            raise invalid("size", size, f"The size of '{asked.key}' is set by the autoscaler '{scaler['name']}'.")

        def come() -> None:
            row["targetSize"] = size
            self._store.stamp(asked.key)
            self._engine.settle(asked.key)

        return self._generic.alter(asked, come)

    def _set_template(self, asked: Asked) -> Json:
        row = self._store.need(asked.key)
        given = self._generic.links.read(asked.body, asked.project).get("instanceTemplate")
        if not given:
            raise required("resource.instanceTemplate")

        def come() -> None:
            row.update(instanceTemplate=given, versions=[{"instanceTemplate": given}])
            self._store.stamp(asked.key)
            self._engine.settle(asked.key)

        return self._generic.alter(asked, come)

    def change(self, asked: Asked, key: str, former: Json, new: Json) -> Json:
        """A template alone is the only version; the place stays."""
        given = asked.body
        if "instanceTemplate" in given and "versions" not in given:
            new["versions"] = [{"instanceTemplate": new["instanceTemplate"]}]
        if new.get("baseInstanceName") != former["baseInstanceName"]:
            raise invalid("resource.baseInstanceName", new.get("baseInstanceName"), "It cannot be changed.")
        zones = [entry["zone"] for entry in former.get("distributionPolicy", {}).get("zones", [])]
        wanted = new.get("distributionPolicy", {}).get("zones", [])
        if [link(str(place_of(entry["zone"], asked.project))) for entry in wanted] != zones:
            raise invalid("resource.distributionPolicy.zones", wanted, "Zones cannot be changed.")
        if "distributionPolicy" in former:
            new["distributionPolicy"]["zones"] = former["distributionPolicy"]["zones"]
        new["instanceGroup"] = former["instanceGroup"]
        return self._checked(key, new)

    def changed(self, key: str, former: Json) -> None:
        """Its members follow."""
        self._engine.settle(key)

    def check_deletion(self, asked: Asked, key: str) -> None:
        """ "Note that the instance group must not belong to a backend service." """
        self._generic.links.check_unused(key.replace("/instanceGroupManagers/", "/instanceGroups/"))

    def deleting(self, key: str) -> None:
        """All its members go."""
        self._store.need(key)["targetSize"] = 0
        self._engine.groups[key].ending = True
        self._engine.settle(key)

    def deleted(self, key: str) -> float | None:
        """The group is gone with the last of them."""
        if self._engine.groups[key].members:
            return AGAIN
        del self._engine.groups[key]
        self._store.pop(key.replace("/instanceGroupManagers/", "/instanceGroups/"))
        return None
