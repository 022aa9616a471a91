"""How much there may be of what, and how much there is.

https://cloud.google.com/compute/resource-usage
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.emulators.gcp.api.errors import ApiError, Json, OperationError
from tests.emulators.gcp.api.references import name_of, project_of, region_of, scope_of
from tests.emulators.gcp.emulated import Emulated

CPUS = {
    "e2-micro": 2,
    "e2-small": 2,
    "e2-medium": 2,
    "e2-standard-2": 2,
    "e2-standard-4": 4,
    "n1-standard-1": 1,
    "n2-standard-2": 2,
}
"""Machine types that every zone has, and their virtual CPUs; a shared one counts as two."""
OF_REGION = {
    "AUTOSCALERS": 100.0,
    "CPUS": 72.0,
    "DISKS_TOTAL_GB": 40960.0,
    "INSTANCES": 720.0,
    "INSTANCE_GROUPS": 1000.0,
    "INSTANCE_GROUP_MANAGERS": 1000.0,
    "IN_USE_ADDRESSES": 69.0,
    "N2_CPUS": 72.0,
    "PREEMPTIBLE_CPUS": 0.0,
    "REGIONAL_INSTANCE_GROUP_MANAGERS": 100.0,
    "SSD_TOTAL_GB": 5000.0,
}
OF_PROJECT = {
    "BACKEND_SERVICES": 50.0,
    "CPUS_ALL_REGIONS": 72.0,
    "FIREWALLS": 200.0,
    "FORWARDING_RULES": 150.0,
    "HEALTH_CHECKS": 150.0,
    "IMAGES": 2000.0,
    "INSTANCE_TEMPLATES": 300.0,
    "NETWORKS": 15.0,
    "URL_MAPS": 100.0,
}
"""A new project's."""
COUNTED = {
    "AUTOSCALERS": "autoscalers",
    "BACKEND_SERVICES": "backendServices",
    "FIREWALLS": "firewalls",
    "FORWARDING_RULES": "forwardingRules",
    "HEALTH_CHECKS": "healthChecks",
    "IMAGES": "images",
    "INSTANCES": "instances",
    "INSTANCE_GROUPS": "instanceGroups",
    "INSTANCE_TEMPLATES": "instanceTemplates",
    "NETWORKS": "networks",
    "URL_MAPS": "urlMaps",
}
"""Metrics that count things."""
OFF = ("TERMINATED", "STOPPED")


class Quotas:
    """The quotas of all projects."""

    def __init__(self, emulated: Emulated) -> None:
        self._emulated = emulated
        self._store = emulated.store

    def of_region(self, key: str) -> list[Json]:
        """As regions.get shows them."""
        return self._shown(OF_REGION, key)

    def of_project(self, key: str) -> list[Json]:
        """As projects.get shows them."""
        return self._shown(OF_PROJECT, key)

    def _shown(self, limits: dict[str, float], scope: str) -> list[Json]:
        return [
            {"metric": metric, "limit": self._limit(metric, limit), "usage": self._usage(metric, scope)}
            for metric, limit in sorted(limits.items())
        ]

    def _limit(self, metric: str, usual: float) -> float:
        return float(self._emulated.settings.quotas.get(metric, usual))

    def _usage(self, metric: str, scope: str) -> float:
        """Of a project or a region."""
        if metric in COUNTED:
            return float(sum(1 for key, _row in self._store.of(COUNTED[metric]) if _within(key, scope)))
        if metric == "INSTANCE_GROUP_MANAGERS":
            return float(sum("/zones/" in key for key in self._managers(scope)))
        if metric == "REGIONAL_INSTANCE_GROUP_MANAGERS":
            return float(sum("/regions/" in key for key in self._managers(scope)))
        if metric in ("DISKS_TOTAL_GB", "SSD_TOTAL_GB"):
            return sum(self._size(row, metric) for key, row in self._store.of("disks") if _within(key, scope))
        return sum(_used(row, metric) for key, row in self._store.of("instances") if _within(key, scope))

    def _managers(self, scope: str) -> Iterator[str]:
        return (key for key, _row in self._store.of("instanceGroupManagers") if _within(key, scope))

    def _size(self, disk: Json, metric: str) -> float:
        fast = not str(disk.get("type", "")).endswith("pd-standard")
        return float(disk.get("sizeGb", 0)) if fast == (metric == "SSD_TOTAL_GB") else 0.0

    def check_instance(self, key: str) -> None:
        """Whether there is room for an instance that is already counted. OperationError: there is none.

        https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-vm-creation
        """
        zone = scope_of(key)
        region = f"projects/{project_of(key)}/regions/{region_of(zone)}"
        if name_of(zone) in self._emulated.settings.short or not self._has_capacity():
            raise OperationError(
                "ZONE_RESOURCE_POOL_EXHAUSTED",
                f"The zone '{zone}' does not have enough resources available to fulfill the request.  Try a different "
                "zone, or try again later.",
                status=503,
                phrase="SERVICE UNAVAILABLE",
            )
        for metric in ("CPUS", "N2_CPUS", "PREEMPTIBLE_CPUS", "INSTANCES", "IN_USE_ADDRESSES"):
            limit = self._limit(metric, OF_REGION[metric])
            spot = metric == "PREEMPTIBLE_CPUS" and metric not in self._emulated.settings.quotas
            if not spot and self._usage(metric, region) > limit:
                raise OperationError(
                    "QUOTA_EXCEEDED",
                    f"Quota '{metric}' exceeded.  Limit: {limit:.1f} in region {name_of(region)}.",
                    status=403,
                    phrase="FORBIDDEN",
                )

    def _has_capacity(self) -> bool:
        most = self._emulated.settings.capacity
        running = sum(row["status"] not in OFF for _key, row in self._store.of("instances"))
        return most is None or running <= most

    def check_kind(self, noun: str, scope: str) -> None:
        """Whether there is room for one more thing of a kind. ApiError: there is none."""
        for metric, counted in COUNTED.items():
            if counted != noun or metric not in OF_PROJECT:
                continue
            project = f"projects/{project_of(scope)}"
            limit = self._limit(metric, OF_PROJECT[metric])
            if self._usage(metric, project) + 1 > limit:
                raise ApiError(403, "quotaExceeded", f"Quota '{metric}' exceeded.  Limit: {limit:.1f} globally.")


def _within(key: str, scope: str) -> bool:
    if not key.startswith(f"projects/{project_of(scope)}/"):
        return False
    if "/regions/" not in scope:
        return True
    place = scope_of(key)
    return "/global" not in place and region_of(place) == name_of(scope)


def _used(instance: Json, metric: str) -> float:
    if instance["status"] in OFF:
        return 0.0
    kind = name_of(instance["machineType"])
    spot = bool((instance.get("scheduling") or {}).get("preemptible")) or (
        (instance.get("scheduling") or {}).get("provisioningModel") == "SPOT"
    )
    if metric == "IN_USE_ADDRESSES":
        return float(sum(len(nic.get("accessConfigs", [])) for nic in instance.get("networkInterfaces", [])))
    own = metric == "PREEMPTIBLE_CPUS" if spot else metric == ("N2_CPUS" if kind.startswith("n2-") else "CPUS")
    return float(CPUS.get(kind, 1)) if own or metric == "CPUS_ALL_REGIONS" else 0.0
