"""What is there from the start: projects with their network, places, machine types, and Debian's images."""

from __future__ import annotations

from collections.abc import Mapping

from tests.emulators.gcp.api.errors import Json
from tests.emulators.gcp.api.generic import Generic, check_fingerprint
from tests.emulators.gcp.api.kinds import Asked, Handler, Kind
from tests.emulators.gcp.api.references import link
from tests.emulators.gcp.compute.quotas import CPUS, Quotas
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.world import PROJECT

PROJECTS = (PROJECT, "other")
"""The second one for what a project shares with another."""
PLACES = {"europe-west1": "bcd", "us-central1": "abcf"}
"""Regions, and the letters of their zones."""
DISK_TYPES = ("pd-balanced", "pd-ssd", "pd-standard")
VENDOR = {
    "debian-cloud": (("debian-12-bookworm-v20261010", "debian-12"), ("debian-12-bookworm-v20261111", "debian-12")),
    "ubuntu-os-cloud": (("ubuntu-2404-noble-amd64-v20261101", "ubuntu-2404-lts-amd64"),),
}
"""Public projects, their images, oldest first, and the families of these."""
MEMORY = 4096


def fill(emulated: Emulated) -> None:
    """Put all of it there."""
    for project in PROJECTS:
        _project(emulated, project)
    for project, images in VENDOR.items():
        emulated.store.put(f"projects/{project}")
        for name, family in images:
            emulated.store.put(
                f"projects/{project}/global/images/{name}",
                family=family,
                status="READY",
                diskSizeGb="10",
                sourceType="RAW",
                architecture="X86_64",
                guestOsFeatures=[{"type": "UEFI_COMPATIBLE"}, {"type": "VIRTIO_SCSI_MULTIQUEUE"}, {"type": "GVNIC"}],
            )


def _project(emulated: Emulated, project: str) -> None:
    put, base = emulated.store.put, f"projects/{project}"
    put(base, defaultServiceAccount=f"{emulated.store.id()}-compute@developer.gserviceaccount.com")
    network = link(f"{base}/global/networks/default")
    put(f"{base}/global/networks/default", autoCreateSubnetworks=True, routingConfig={"routingMode": "REGIONAL"})
    for number, (region, zones) in enumerate(PLACES.items()):
        place = f"{base}/regions/{region}"
        put(place, status="UP", zones=[link(f"{base}/zones/{region}-{zone}") for zone in zones])
        put(
            f"{place}/subnetworks/default",
            network=network,
            ipCidrRange=f"10.{128 + 4 * number}.0.0/20",
            region=link(place),
            purpose="PRIVATE",
        )
        for zone in zones:
            _zone(emulated, f"{base}/zones/{region}-{zone}", link(place))


def _zone(emulated: Emulated, zone: str, region: str) -> None:
    put, name = emulated.store.put, zone.rpartition("/")[2]
    put(zone, status="UP", region=region)
    for kind, cpus in CPUS.items():
        put(f"{zone}/machineTypes/{kind}", guestCpus=cpus, memoryMb=MEMORY, zone=name)
    for kind in DISK_TYPES:
        put(f"{zone}/diskTypes/{kind}", defaultDiskSizeGb="500", zone=link(zone))


class ProjectKind(Kind):
    """Projects. https://cloud.google.com/compute/docs/reference/rest/v1/projects"""

    noun = "projects"

    def __init__(self, emulated: Emulated, quotas: Quotas, generic: Generic) -> None:
        self._store = emulated.store
        self._quotas = quotas
        self._generic = generic

    def actions(self) -> Mapping[str, Handler]:
        """The metadata that all instances share, and the host of a shared network."""
        return {"setCommonInstanceMetadata": self._set_metadata, "getXpnHost": lambda _asked: {}}

    def show(self, key: str, row: Json) -> Json:
        """With what is used of its quotas."""
        return {**row, "quotas": self._quotas.of_project(key)}

    def _set_metadata(self, asked: Asked) -> Json:
        row = self._store.need(asked.key)
        check_fingerprint(asked.body.get("fingerprint"), row["commonInstanceMetadata"]["fingerprint"], must=False)

        def come() -> None:
            row["commonInstanceMetadata"] = {"kind": "compute#metadata", "items": asked.body.get("items", [])}
            self._store.stamp(asked.key)

        return self._generic.alter(asked, come)


class RegionKind(Kind):
    """Regions. https://cloud.google.com/compute/docs/reference/rest/v1/regions"""

    noun = "regions"

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def show(self, key: str, row: Json) -> Json:
        """With what is used of its quotas."""
        return {**row, "quotas": self._quotas.of_region(key)}
