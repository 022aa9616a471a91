"""Instance templates. https://cloud.google.com/compute/docs/reference/rest/v1/instanceTemplates"""

from __future__ import annotations

from tests.emulators.gcp.api.errors import Json, invalid, required
from tests.emulators.gcp.api.kinds import Asked, Kind
from tests.emulators.gcp.compute.quotas import Quotas


class TemplateKind(Kind):
    """Templates: they are made and deleted, and nothing in between."""

    noun = "instanceTemplates"

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def prepare(self, asked: Asked, key: str, body: Json) -> Json:
        """Whether an instance could be made from it, as far as that is seen."""
        self._quotas.check_kind(self.noun, key)
        properties = body.get("properties") or {}
        machine_type = properties.get("machineType")
        if not machine_type:
            raise required("resource.properties.machineType")
        if "/" in machine_type:
            raise invalid(
                "resource.properties.machineType",
                machine_type,
                "A template names a machine type, and no URL of one: it is for all zones.",
            )
        for name in ("disks", "networkInterfaces"):
            if not properties.get(name):
                raise required(f"resource.properties.{name}")
        if not any(disk.get("boot") for disk in properties["disks"]):
            raise invalid("resource.properties.disks", "", "No boot disk is among them.")
        keys = [item["key"] for item in (properties.get("metadata") or {}).get("items", [])]
        if len(keys) != len(set(keys)):
            raise invalid("resource.properties.metadata.items", keys, "A key is there twice.")
        return body
