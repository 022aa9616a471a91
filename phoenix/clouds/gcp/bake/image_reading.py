"""What Compute Engine says of an image, and what phoenix wrote of it: an image, and back. Pure.

An image is called by its id. Its labels say what it is, so that it is found by them; what is longer stands in its
description. https://cloud.google.com/compute/docs/reference/rest/v1/images
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from phoenix.clock import from_rfc3339, rfc3339
from phoenix.clouds.api import BakeRequest
from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.bake import packed
from phoenix.clouds.gcp.labels import Role
from phoenix.errors import RefusedError
from phoenix.model import Image, ImageType, Package, Proof, Source, TestResult

GIB = 1024**3
READY, PENDING, DELETING = "READY", "PENDING", "DELETING"
UNUSABLE = frozenset({"OBSOLETE", "DELETED"})
"""States of deprecation in which nothing is made from an image any more."""
_SHOWN = (3000, 600, 120, 0)
"""Characters of each test's output that are kept, as many as the description has room for."""
_FOR_TESTS = 400
"""Characters of a description that are left for the results of its tests."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GceImage:
    """An image as Compute Engine describes it."""

    name: str
    number: str
    """Its own id, which no other image of this name will have."""
    link: str
    state: str
    deprecated: str
    """ACTIVE, DEPRECATED, OBSOLETE, DELETED."""
    created: str
    size: int
    """GiB."""
    family: str
    location: str
    features: tuple[str, ...]
    labels: Mapping[str, str]
    fingerprint: str
    """Of its labels: a write to them bears it."""
    description: str

    @property
    def verified(self) -> bool:
        """Whether it may be rolled."""
        return bool(self.labels.get(labels.VERIFIED))


def gce_image(answer: Mapping[str, Any]) -> GceImage:
    """One of the `items` of images.list, or the answer of images.get."""
    return GceImage(
        name=answer["name"],
        number=str(answer.get("id", "")),
        link=answer.get("selfLink", ""),
        state=answer.get("status", ""),
        deprecated=answer.get("deprecated", {}).get("state", "ACTIVE"),
        created=answer.get("creationTimestamp", ""),
        size=int(answer.get("diskSizeGb", 0)),
        family=answer.get("family", ""),
        location=", ".join(answer.get("storageLocations", ())),
        features=tuple(each["type"] for each in answer.get("guestOsFeatures", ()) if each.get("type")),
        labels=dict(answer.get("labels", {})),
        fingerprint=answer.get("labelFingerprint", ""),
        description=answer.get("description", ""),
    )


def image(found: GceImage, cloud: str) -> Image | None:
    """The image that it is; None where it is not whole yet, or what is written of it is not that of one."""
    marks, told = found.labels, packed.unpacked(found.description)
    try:
        return Image(
            id=found.name,
            type=ImageType(marks[labels.TYPE]),
            name=marks[labels.NAME],
            cloud=cloud,
            key=told["key"],
            parent=told["parent"] or None,
            created=from_rfc3339(told["created"]),
            verified=found.verified,
            builder=told["builder"],
            source=Source(**told["source"]),
            packages=tuple(Package(**each) for each in told["packages"]),
            tests=tuple(TestResult(**each) for each in told.get("tests", ())),
            size=found.size * GIB,
            verified_on=Proof.LIGHT if marks.get(labels.VERIFIED) == Proof.LIGHT else Proof.QEMU,
        )
    except (KeyError, ValueError, TypeError):
        return None


def facts(request: BakeRequest) -> dict[str, Any]:
    """What the description of the request's image tells of it.

    RefusedError where its packages are too many to be told.
    """
    told = {
        "key": request.key,
        "parent": request.parent or "",
        "created": rfc3339(request.created),
        "builder": request.builder,
        "source": asdict(request.source),
        "packages": [asdict(package) for package in request.packages],
    }
    length, room = len(packed.description(request.image_id, told)), packed.LONGEST - _FOR_TESTS
    if length > room:
        raise RefusedError(
            f"{request.type}/{request.name} has too many packages for the description of an image",
            details=f"with its {len(request.packages)} packages it would have {length} characters of at most {room}",
            resolution="Bake some of them into a layer below, or join them in a package that depends on them.",
        )
    return told


def proof(found: GceImage, tests: tuple[TestResult, ...]) -> str:
    """The description with how the tests ended.

    Where many said much, less of their output is kept; where there are too many tests, none of them is.
    """
    told = packed.unpacked(found.description) or {}
    longer = (packed.description(found.name, {**told, "tests": _cut(tests, length)}) for length in _SHOWN)
    without = packed.description(found.name, {**told, "tests": []})
    return next((text for text in longer if len(text) <= packed.LONGEST), without)


def proven(found: GceImage, on: Proof) -> dict[str, str]:
    """The labels that say that the image is verified."""
    return {**found.labels, labels.VERIFIED: str(on), labels.ROLE: Role.IMAGE}


def unproven(found: GceImage) -> dict[str, str]:
    """Its labels, but that it is not verified."""
    return {key: value for key, value in found.labels.items() if key != labels.VERIFIED}


def _cut(tests: tuple[TestResult, ...], length: int) -> list[dict[str, Any]]:
    return [{**asdict(test), "output": test.output[-length:] if length else ""} for test in tests]
