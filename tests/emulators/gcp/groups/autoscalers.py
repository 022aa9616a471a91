"""Autoscalers: bounds, a mode, and a size that they recommend. What they measure, a test says.

https://cloud.google.com/compute/docs/autoscaler/managing-autoscalers
"""

from __future__ import annotations

from tests.emulators.gcp.api.errors import Json, invalid, required
from tests.emulators.gcp.api.kinds import Asked, Kind
from tests.emulators.gcp.api.references import key_in, noun_of, scope_of
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.groups.engine import Engine

USUAL_LEAST = 2


class AutoscalerKind(Kind):
    """Autoscalers, zonal and regional."""

    noun = "autoscalers"

    def __init__(self, emulated: Emulated, engine: Engine) -> None:
        self._store = emulated.store
        self._engine = engine
        self._demand: dict[str, int] = {}
        """What a group's load calls for, as a test has said, by the manager's key."""

    def forget(self) -> None:
        """No group has any load."""
        self._demand.clear()

    def prepare(self, asked: Asked, key: str, body: Json) -> Json:
        """Its target is a group of the same place, and has no other."""
        if not body.get("target"):
            raise required("resource.target")
        target = key_in(body["target"])
        if noun_of(target) != "instanceGroupManagers" or scope_of(target) != scope_of(key):
            raise invalid("resource.target", body["target"], "It must be a managed instance group of the same place.")
        if any(other["target"] == body["target"] for _key, other in self._store.of("autoscalers")):
            raise invalid("resource.target", body["target"], "The group has an autoscaler.")
        return {**self._checked(body), "status": "ACTIVE"}

    def _checked(self, body: Json) -> Json:
        policy = body.get("autoscalingPolicy") or {}
        if "maxNumReplicas" not in policy:
            raise required("resource.autoscalingPolicy.maxNumReplicas")
        most = policy["maxNumReplicas"]
        usual = {"mode": "ON", "coolDownPeriodSec": 60, "minNumReplicas": min(USUAL_LEAST, most)}
        body["autoscalingPolicy"] = policy = {**usual, **policy}
        if not 0 <= policy["minNumReplicas"] <= most:
            raise invalid("resource.autoscalingPolicy.maxNumReplicas", most, "It must not be lower than the minimum.")
        if not any(
            name in policy for name in ("cpuUtilization", "loadBalancingUtilization", "customMetricUtilizations")
        ):
            policy["cpuUtilization"] = {"utilizationTarget": 0.6, "predictiveMethod": "NONE"}
        return body

    def change(self, asked: Asked, key: str, former: Json, new: Json) -> Json:
        """The target stays."""
        if new.get("target", former["target"]) != former["target"]:
            raise invalid("resource.target", new["target"], "It cannot be changed.")
        return {**self._checked(new), "target": former["target"], "status": "ACTIVE"}

    def created(self, key: str) -> None:
        """It begins."""
        self._apply(self._store.need(key))

    def changed(self, key: str, former: Json) -> None:
        """It goes by its new policy."""
        self._apply(self._store.need(key))

    def show(self, key: str, row: Json) -> Json:
        """With the size that it recommends: "even when the autoscaling policy mode is different from ON"."""
        return {**row, "recommendedSize": self._recommended(row)} if key_in(row["target"]) in self._store else row

    def _recommended(self, row: Json) -> int:
        target, policy = key_in(row["target"]), row["autoscalingPolicy"]
        wanted = self._demand.get(target, self._store.need(target)["targetSize"])
        return int(max(policy["minNumReplicas"], min(wanted, policy["maxNumReplicas"])))

    def _apply(self, row: Json) -> None:
        target, mode = key_in(row["target"]), row["autoscalingPolicy"]["mode"]
        manager, wanted = self._store.need(target), self._recommended(row)
        more_only = mode in ("ONLY_SCALE_OUT", "ONLY_UP")
        if mode == "OFF" or (more_only and wanted <= manager["targetSize"]) or wanted == manager["targetSize"]:
            return
        manager["targetSize"] = wanted
        self._store.stamp(target)
        self._engine.settle(target)

    def load(self, group: str, wanted: int) -> int:
        """The load of a group, by its name, calls for so many; its target size then."""
        (target,) = (key for key, row in self._store.of("instanceGroupManagers") if row["name"] == group)
        self._demand[target] = wanted
        for _key, scaler in self._store.of("autoscalers"):
            if key_in(scaler["target"]) == target:
                self._apply(scaler)
        return int(self._store.need(target)["targetSize"])
