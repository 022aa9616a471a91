"""The images of a project of phoenix's, and those of vendors, read from Compute Engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from phoenix.clouds.gcp import labels, links
from phoenix.clouds.gcp.bake import image_reading
from phoenix.clouds.gcp.bake.image_reading import GceImage
from phoenix.errors import RefusedError, SpecError

if TYPE_CHECKING:
    from phoenix.clouds.gcp.calls import Asks, Calls

_PART = r"[a-z]([-a-z0-9.:]{0,61}[a-z0-9])?"
_BASE = re.compile(rf"(?:(?P<owner>{_PART})/)?(?P<name>[a-z]([-a-z0-9]{{0,61}}[a-z0-9])?)")
_PINNED = re.compile(rf"projects/(?P<owner>{_PART})/global/images/(?P<name>[^/]+)")
_SHOWN = (
    "id,name,selfLink,status,creationTimestamp,diskSizeGb,family,labels,labelFingerprint,description,"
    "storageLocations,deprecated,guestOsFeatures"
)
"""What is asked of an image. The certificates of its boot loaders alone are ten times as much."""


def ours(calls: Calls, project: str) -> tuple[GceImage, ...]:
    """Every image with the project's label, in whatever state, by one paged call."""
    wanted, shown = f"labels.{labels.PROJECT}={project}", f"items({_SHOWN}),nextPageToken"
    return tuple(map(image_reading.gce_image, calls.pages("images", filter=wanted, fields=shown)))


def find(calls: Asks, name: str) -> GceImage | None:
    """The image of that name, whoever made it and in whatever state; None where there is none."""
    found = calls.find("images", image=name, fields=_SHOWN)
    return image_reading.gce_image(found) if found is not None else None


def base(calls: Asks, wanted: str, *, project: str) -> GceImage:
    """What a recipe's `base` means now: the newest image of the family `PROJECT/FAMILY`, or the one `PROJECT/IMAGE`.

    An image by its path (`projects/PROJECT/global/images/IMAGE`) is that one. `project`: where an image is that
    `wanted` names without one. RefusedError where there is none that machines can start from, SpecError where `wanted`
    names none.
    """
    if pinned := _PINNED.fullmatch(wanted):
        return _usable(calls, pinned["owner"], pinned["name"], families=False)
    parts = _BASE.fullmatch(wanted)
    if parts is None:
        raise SpecError(
            f"{wanted!r} names no image",
            details="accepted: PROJECT/FAMILY such as debian-cloud/debian-12, or PROJECT/IMAGE",
            resolution="Correct `base` in phoenix.yaml.",
        )
    return _usable(calls, parts["owner"] or project, parts["name"], families=True)


def _usable(calls: Asks, owner: str, name: str, *, families: bool) -> GceImage:
    newest = calls.find("images", "getFromFamily", project=owner, family=name, fields=_SHOWN) if families else None
    found = newest or calls.find("images", project=owner, image=name, fields=_SHOWN)
    image = image_reading.gce_image(found) if found else None
    if image is None or image.state != image_reading.READY or image.deprecated in image_reading.UNUSABLE:
        raise RefusedError(
            f"there is no image {owner}/{name} that machines can start from",
            details=f"it is {image.state}, {image.deprecated}" if image else "neither a family nor an image",
            resolution="Correct `base` in phoenix.yaml: PROJECT/FAMILY (debian-cloud/debian-12) or PROJECT/IMAGE.",
        )
    return image


def owner_of(image: GceImage) -> str:
    """The project that has it."""
    return links.part_of(image.link, "projects")
