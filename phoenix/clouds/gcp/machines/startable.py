"""The image that machines start from, pinned: never a family, which would be another image tomorrow."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.clouds.gcp import links
from phoenix.clouds.gcp.calls import Asks
from phoenix.errors import CloudError

_UEFI = "UEFI_COMPATIBLE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Startable:
    """An image as machines start from it."""

    link: str
    """From `projects/` on."""
    disk: int
    """Gibibytes that a disk of it has at least; 0: nobody says."""
    shielded: bool
    """Whether its machines can have a vTPM and integrity monitoring."""


def find_image(calls: Asks, image: str) -> Startable:
    """The image as it is now, by its name or link. CloudError where it is gone or not ready: nothing would start."""
    project = links.part_of(image, "projects")
    where = {"project": project} if project else {}
    found = calls.find("images", "get", image=links.name_of(image), **where)
    if found is None:
        raise _unstartable(image, f"the project {project or 'of this cloud'} has no image of that name")
    if found.get("status", "READY") != "READY":
        raise _unstartable(image, f"it is {found['status']}")
    state = found.get("deprecated", {}).get("state", "")
    if state in ("OBSOLETE", "DELETED"):
        raise _unstartable(image, f"somebody has marked it as {state}")
    features = {each.get("type") for each in found.get("guestOsFeatures", ())}
    return Startable(
        link=links.short(found["selfLink"]), disk=int(found.get("diskSizeGb", 0)), shielded=_UEFI in features
    )


def _unstartable(image: str, why: str) -> CloudError:
    return CloudError(f"the image {image} cannot be started from", details=why, resolution="Bake it again, then roll.")
