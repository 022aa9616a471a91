"""An instance from what was asked for: its disks, addresses and machine. Used by instances.insert and by groups."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from tests.emulators.gcp.api.errors import ApiError, Json, OperationError, invalid, not_found, required
from tests.emulators.gcp.api.references import key_in, key_of, link, name_of, project_of, region_of, scope_of
from tests.emulators.gcp.api.store import Store
from tests.emulators.gcp.compute.images import ImageKind
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.machines import Launch

CREATED_BY = "created-by"
"""The metadata that says which managed group made an instance.
https://cloud.google.com/compute/docs/instances/view-instances-created-by-mig"""


class Launching:
    """Makes instances and their machines."""

    def __init__(self, emulated: Emulated, images: ImageKind) -> None:
        self._emulated = emulated
        self._store = emulated.store
        self._images = images
        self._hosts = itertools.count(2)
        self.machine_of: dict[str, str] = {}
        """The machine whose disk a boot disk is: it stays as long as the disk."""

    def forget(self) -> None:
        """No address is taken."""
        self._hosts = itertools.count(2)
        self.machine_of.clear()

    def built(self, key: str, body: Json) -> Json:
        """The instance as it is stored, its new disks too. ApiError where it cannot be."""
        for name in ("machineType", "disks", "networkInterfaces"):
            if not body.get(name):
                raise required(f"resource.{name}")
        if not any(disk.get("boot") for disk in body["disks"]):
            raise invalid("resource.disks", "", "No boot disk is among them.")
        row = {
            **body,
            "machineType": link(self._machine_type(key, body["machineType"])),
            "networkInterfaces": self._interfaces(key, body["networkInterfaces"]),
        }
        row["disks"] = [self._attached(key, number, dict(disk)) for number, disk in enumerate(body["disks"])]
        scheduling = {"automaticRestart": True, "onHostMaintenance": "MIGRATE", "provisioningModel": "STANDARD"}
        row["scheduling"] = {**scheduling, **row.get("scheduling", {})}
        return {**row, "status": "PROVISIONING", "cpuPlatform": "Unknown CPU Platform", "deletionProtection": False}

    def _machine_type(self, key: str, given: str) -> str:
        found = given if "/" in given else f"{scope_of(key)}/machineTypes/{given}"
        machine_type = key_of(found, project_of(key)) or found
        if machine_type not in self._store:
            raise invalid("resource.machineType", given, "Machine type with name does not exist in zone.")
        return machine_type

    def _interfaces(self, key: str, given: list[Json]) -> list[Json]:
        project, region = project_of(key), region_of(scope_of(key))
        made = []
        for number, interface in enumerate(given):
            network = key_of(interface.get("network") or "global/networks/default", project)
            default = f"projects/{project}/regions/{region}/subnetworks/default"
            subnetwork = key_of(interface.get("subnetwork", ""), project) or default
            if subnetwork not in self._store:
                raise not_found(subnetwork)
            network_link = self._store.need(subnetwork).get("network") or link(str(network))
            made.append(
                {
                    **interface,
                    "kind": "compute#networkInterface",
                    "name": f"nic{number}",
                    "network": network_link,
                    "subnetwork": link(subnetwork),
                    "accessConfigs": [
                        {
                            "name": "External NAT",
                            **access,
                            "kind": "compute#accessConfig",
                            "type": "ONE_TO_ONE_NAT",
                        }
                        for access in interface.get("accessConfigs", [])
                    ],
                }
            )
        return made

    def _attached(self, key: str, number: int, disk: Json) -> Json:
        wanted = disk.pop("initializeParams", None)
        if wanted is not None:
            disk["source"] = link(self._new_disk(key, number, disk, wanted))
        elif not disk.get("source"):
            raise required(f"resource.disks[{number}].source")
        else:
            source = self._store.need(key_in(disk["source"]))
            source["users"] = [*source.get("users", []), link(key)]
        disk.setdefault("deviceName", f"persistent-disk-{number}")
        return {**disk, "index": number, "kind": "compute#attachedDisk", "type": "PERSISTENT"}

    def _new_disk(self, key: str, number: int, disk: Json, wanted: Json) -> str:
        zone, name = scope_of(key), name_of(key)
        usual = name if disk.get("boot") else f"{name}-{number}"
        disk_key = f"{zone}/disks/{wanted.get('diskName') or usual}"
        if disk_key in self._store:
            raise ApiError(409, "alreadyExists", f"The resource '{disk_key}' already exists")
        fields: Json = {"sizeGb": wanted.get("diskSizeGb") or "10"}
        if wanted.get("sourceImage"):
            image = self._images.found(wanted["sourceImage"], project_of(key))
            row = self._store.need(image)
            fields = {
                "sizeGb": wanted.get("diskSizeGb") or row["diskSizeGb"],
                "sourceImage": link(image),
                "sourceImageId": row["id"],
            }
        kind = name_of(wanted.get("diskType") or "pd-standard")
        self._store.put(
            disk_key,
            status="READY",
            zone=link(zone),
            type=link(f"{zone}/diskTypes/{kind}"),
            users=[link(key)],
            labels=wanted.get("labels"),
            **fields,
        )
        return disk_key

    def launch(self, key: str) -> None:
        """Start its machine. OperationError where that fails."""
        row = self._store.need(key)
        boot = next(key_in(disk["source"]) for disk in row["disks"] if disk.get("boot"))
        items = metadata(row)
        try:
            address = self._emulated.machines.launch(
                Launch(
                    id=row["id"],
                    name=row["name"],
                    image=key_in((self._store.get(boot) or {}).get("sourceImage", "")),
                    type=name_of(row["machineType"]),
                    region=region_of(scope_of(key)),
                    zone=name_of(scope_of(key)),
                    group=name_of(items.get(CREATED_BY, "")),
                    public=any(interface["accessConfigs"] for interface in row["networkInterfaces"]),
                    tags=row.get("labels", {}),
                    project=project_of(key),
                    metadata=Metadata(self._store, key),
                    service_account=next((one.get("email", "") for one in row.get("serviceAccounts", [])), ""),
                    network_tags=tuple((row.get("tags") or {}).get("items", ())),
                )
            )
        except OSError as error:
            raise OperationError("INTERNAL_ERROR", str(error), status=500, phrase="INTERNAL SERVER ERROR") from None
        self.machine_of[boot] = row["id"]
        host = next(self._hosts)
        for interface in row["networkInterfaces"]:
            interface["networkIP"] = address or f"10.132.{host // 250}.{host % 250 + 1}"
            for access in interface["accessConfigs"]:
                access["natIP"] = address or f"34.76.{host // 250}.{host % 250 + 1}"
        row["status"] = "STAGING"

    def release(self, key: str) -> None:
        """Its machine and the disks that go with it are gone; the others are free."""
        for disk in self._store.need(key).get("disks", []):
            source = key_in(disk.get("source", ""))
            row = self._store.get(source)
            if row is None:
                continue
            if disk.get("autoDelete"):
                self._store.pop(source)
                self.free(source)
            else:
                row["users"] = [user for user in row.get("users", []) if user != link(key)]

    def free(self, disk: str) -> None:
        """A disk is gone, and with it the machine that it is of."""
        machine = self.machine_of.pop(disk, None)
        if machine is not None:
            self._emulated.machines.terminate(machine)


class Metadata(Mapping[str, str]):
    """The metadata of an instance as it is whenever somebody looks."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key

    def __getitem__(self, name: str) -> str:
        return self._now()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def _now(self) -> dict[str, str]:
        return metadata(self._store.get(self._key) or {})


def metadata(instance: Json) -> dict[str, str]:
    """The metadata of an instance, or of a template's properties."""
    items: list[dict[str, Any]] = (instance.get("metadata") or {}).get("items", [])
    return {item["key"]: item.get("value", "") for item in items if item}  # Packer 1.6.6 sends null, too


def address_of(instance: Json) -> str:
    """Its first address; empty before it has one."""
    return str(next((one.get("networkIP", "") for one in instance.get("networkInterfaces", [])), ""))
