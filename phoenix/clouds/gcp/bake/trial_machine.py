"""The one machine of a verification: started, looked at, listened to. It is ended with what else was made (`remains`).

instances.insert: https://cloud.google.com/compute/docs/reference/rest/v1/instances/insert.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phoenix.clouds.api import Between
from phoenix.errors import CloudError
from phoenix.spec.clouds import GcpReach
from phoenix.wait import Look, Verdict

if TYPE_CHECKING:
    from phoenix.clouds.gcp.bake.image_reading import GceImage
    from phoenix.clouds.gcp.bake.way_in import WayIn
    from phoenix.clouds.gcp.calls import Calls
    from phoenix.spec.clouds import GcpCloud

_COMING = frozenset({"PROVISIONING", "STAGING"})
_HERE = "RUNNING"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialMachine:
    """A machine by its name."""

    calls: Calls
    name: str
    zone: str
    public: bool
    """Whether it is reached at its external address."""

    def start(self, cloud: GcpCloud, image: GceImage, way: WayIn, marks: Mapping[str, str], between: Between) -> None:
        """Start it from the image, as the cloud's builder machines are, with the labels `marks` on all of it.

        RefusedCallError with Google's own words where it cannot: no quota, no room in the zone.
        """
        body = {"name": self.name, "labels": dict(marks), **parameters(cloud, image, way, marks)}
        self.calls.change("instances", "insert", zone=self.zone, body=body, between=between)

    def address(self) -> str:
        """Where it is reached; empty while nobody knows."""
        return self._address(self._described() or {})

    def look(self) -> Look:
        """Whether it runs, at an address; it no longer will once it ends."""
        described = self._described()
        state = (described or {}).get("status", "gone")
        if state in _COMING:
            return Look(verdict=Verdict.UNKNOWN, seen=f"the machine is {state}")
        if described is None or state != _HERE:
            why = (described or {}).get("statusMessage", "")
            return Look(verdict=Verdict.FAIL, seen=f"the machine is {state}" + (f": {why}" if why else ""))
        there = self._address(described)
        return Look(verdict=Verdict.PASS if there else Verdict.UNKNOWN, seen=f"the machine is {state} at {there}")

    def or_ended(self, seen: Look) -> Look:
        """What was seen; where that is not enough yet, whether it still can be."""
        here = self.look() if seen.verdict is Verdict.UNKNOWN else seen
        return here if here.verdict is Verdict.FAIL else seen

    def console(self) -> str:
        """The last that it printed; empty where Compute Engine tells nothing of it (yet)."""
        with suppress(CloudError):
            answer = self.calls.ask("instances", "getSerialPortOutput", zone=self.zone, instance=self.name)
            return str(answer.get("contents", ""))
        return ""

    def _described(self) -> Mapping[str, Any] | None:
        return self.calls.find("instances", zone=self.zone, instance=self.name)

    def _address(self, described: Mapping[str, Any]) -> str:
        card: Mapping[str, Any] = next(iter(described.get("networkInterfaces", ())), {})
        outside: Mapping[str, Any] = next(iter(card.get("accessConfigs", ())), {})
        return str(outside.get("natIP", "") if self.public else card.get("networkIP", ""))


def parameters(cloud: GcpCloud, image: GceImage, way: WayIn, marks: Mapping[str, str]) -> dict[str, Any]:
    """What a machine of a verification is, beside its name and its own labels."""
    builder, zone = cloud.builder, f"zones/{cloud.builder_zone}"
    public = {"accessConfigs": [{"name": "External NAT", "type": "ONE_TO_ONE_NAT"}]}
    card = {
        "network": cloud.network_path,
        "subnetwork": cloud.subnetwork_path,
        **(public if builder.reach is GcpReach.PUBLIC else {}),
    }
    whole = {
        "machineType": f"{zone}/machineTypes/{builder.type}",
        "disks": [_disk(cloud, image, marks)],
        "networkInterfaces": [{key: value for key, value in card.items() if value}],
        "metadata": {"items": [{"key": key, "value": value} for key, value in sorted(_told(way).items())]},
        "tags": {"items": list(builder.firewall)} if builder.firewall else {},
        "serviceAccounts": [{"email": builder.identity, "scopes": list(builder.scopes)}] if builder.identity else [],
        "shieldedInstanceConfig": _signed() if builder.secure_boot else {},
        "scheduling": {
            "maxRunDuration": {"seconds": str(int(builder.max_run_duration))},
            "instanceTerminationAction": "DELETE",
            "provisioningModel": "SPOT" if builder.spot else "STANDARD",
        },
    }
    return {key: value for key, value in whole.items() if value}


def _disk(cloud: GcpCloud, image: GceImage, marks: Mapping[str, str]) -> dict[str, Any]:
    """It goes with the machine, and bears labels for when it does not."""
    builder = cloud.builder
    made_of = {
        "sourceImage": image.link,
        "diskType": f"zones/{cloud.builder_zone}/diskTypes/{builder.disk_type}",
        "labels": dict(marks),
    }
    key = {"diskEncryptionKey": {"kmsKeyName": builder.kms}} if builder.kms else {}
    return {"boot": True, "autoDelete": True, "initializeParams": made_of, **key}


def _told(way: WayIn) -> dict[str, str]:
    """Its metadata. Keys of the project, and login profiles, are for other machines."""
    return {"enable-oslogin": "FALSE", "block-project-ssh-keys": "TRUE", **way.metadata}


def _signed() -> dict[str, bool]:
    return {"enableSecureBoot": True, "enableVtpm": True, "enableIntegrityMonitoring": True}
