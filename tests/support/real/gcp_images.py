"""Images of an emulated Google Cloud that are there without a bake, and what bakes have left in it."""

from __future__ import annotations

from dataclasses import asdict

from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.bake import packed
from phoenix.model import ImageType, Source
from tests.emulators.gcp import Emulator

NOUNS = ("instances", "disks", "images")


def layer(emulator: Emulator, cloud_project: str, project: str, image_id: str) -> str:
    """A verified os image of `project`; its id."""
    told = {
        "key": image_id.encode().hex(),
        "parent": "",
        "created": "2026-02-01T12:00:00Z",
        "builder": "packer",
        "source": asdict(Source(commit="c" * 40, dirty=False)),
        "packages": [],
    }
    marks = {
        labels.PROJECT: project,
        labels.IMAGE: image_id,
        labels.TYPE: str(ImageType.OS),
        labels.NAME: "debian-12",
        labels.ROLE: str(labels.Role.IMAGE),
        labels.VERIFIED: "qemu",
    }
    emulator.seed(
        f"projects/{cloud_project}/global/images/{image_id}",
        description=packed.description(image_id, told),
        labels=marks,
        status="READY",
        diskSizeGb="10",
        storageLocations=["eu"],
        guestOsFeatures=[{"type": "UEFI_COMPATIBLE"}],
    )
    return image_id


def left(emulator: Emulator, cloud_project: str) -> list[str]:
    """What is in the project that somebody pays for, as `KIND NAME`, but for what is there from the beginning."""
    found = [key for noun in NOUNS for key in emulator.keys(noun) if key.startswith(f"projects/{cloud_project}/")]
    return [f"{key.split('/')[-2]} {key.split('/')[-1]}" for key in found]
