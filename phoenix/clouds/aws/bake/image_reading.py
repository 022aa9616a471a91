"""What AWS says of an AMI, and what phoenix wrote into its tags: an image, and back. Pure.

DescribeImages: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from phoenix.clock import from_rfc3339, rfc3339
from phoenix.clouds.api import BakeRequest
from phoenix.clouds.aws import labels
from phoenix.clouds.aws.bake import packed
from phoenix.errors import RefusedError
from phoenix.model import Image, ImageType, Package, Proof, Source, TestResult

GIB = 1024**3
AVAILABLE = "available"
_DIRTY = " dirty"
_OF_EVERY_IMAGE, _FOR_TESTS = 14, 5
"""Tags: what the Packer template and `facts` write on each, and what is left for the results of its tests."""
_SHOWN = (3000, 600, 120, 0)
"""Characters of each test's output that are kept, as many as the tags have room for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ami:
    """An AMI as AWS describes it."""

    id: str
    name: str
    state: str
    created: str
    """As AWS writes times: it sorts."""
    architecture: str
    root_device: str
    size: int
    """GiB of its root disk."""
    snapshots: tuple[str, ...]
    made_from: str
    """The instance, where AWS still tells it."""
    tags: Mapping[str, str]

    @property
    def verified(self) -> bool:
        """Whether it may be rolled."""
        return bool(self.tags.get(labels.VERIFIED))


def ami(answer: Mapping[str, Any]) -> Ami:
    """One of the `Images` of DescribeImages."""
    disks = {each.get("DeviceName", ""): each["Ebs"] for each in answer.get("BlockDeviceMappings", []) if "Ebs" in each}
    root = answer.get("RootDeviceName", "")
    return Ami(
        id=answer["ImageId"],
        name=answer.get("Name", ""),
        state=answer.get("State", ""),
        created=str(answer.get("CreationDate", "")),
        architecture=answer.get("Architecture", ""),
        root_device=root,
        size=int(disks.get(root, {}).get("VolumeSize", 0)),
        snapshots=tuple(disk["SnapshotId"] for disk in disks.values() if disk.get("SnapshotId")),
        made_from=answer.get("SourceInstanceId", ""),
        tags=labels.read(answer.get("Tags", [])),
    )


def image(found: Ami, cloud: str) -> Image | None:
    """The image that the AMI is; None where it is not whole yet, or its tags are not those of one."""
    tags = found.tags
    try:
        return Image(
            id=tags[labels.IMAGE],
            type=ImageType(tags[labels.TYPE]),
            name=tags[labels.NAME],
            cloud=cloud,
            key=tags[labels.KEY],
            parent=tags.get(labels.PARENT) or None,
            created=from_rfc3339(tags[labels.CREATED]),
            verified=found.verified,
            builder=tags.get(labels.BUILDER, ""),
            source=_source(tags.get(labels.SOURCE, "")),
            packages=tuple(Package(**each) for each in packed.unpacked(labels.PACKAGES, tags) or ()),
            tests=tuple(TestResult(**each) for each in packed.unpacked(labels.TESTS, tags) or ()),
            size=found.size * GIB,
            verified_on=Proof.LIGHT if tags.get(labels.VERIFIED) == Proof.LIGHT else Proof.QEMU,
        )
    except (KeyError, ValueError, TypeError):
        return None


def facts(request: BakeRequest, company: int) -> dict[str, str]:
    """What the tags of the request's AMI tell of it, beside `company` tags that phoenix.yaml wants on everything.

    RefusedError where its packages are too many to be told.
    """
    told = {
        labels.KEY: request.key,
        labels.PARENT: request.parent or "",
        labels.CREATED: rfc3339(request.created),
        labels.VERIFIED: "",
        labels.BUILDER: request.builder,
        labels.SOURCE: request.source.commit + (_DIRTY if request.source.dirty else ""),
    }
    packages = packed.packed(labels.PACKAGES, [asdict(package) for package in request.packages])
    room = packed.MOST - _OF_EVERY_IMAGE - company - _FOR_TESTS
    if len(packages) > room:
        raise RefusedError(
            f"{request.type}/{request.name} has too many packages for the tags of an AMI",
            details=f"its {len(request.packages)} packages would take {len(packages)} tags of at most {max(room, 0)}",
            resolution="Bake some of them into a layer below, or join them in a package that depends on them.",
        )
    return {**told, **packages}


def proof(found: Ami, tests: tuple[TestResult, ...], on: Proof) -> dict[str, str]:
    """The tags that say that the image is verified. Where many tests said much, less of their output is kept."""
    former = [key for key in found.tags if key.startswith(f"{labels.TESTS}-")]
    others = [key for key in found.tags if not key.startswith(("aws:", *former))]
    lengths = (_tests(tests, length) for length in _SHOWN)
    told = next((tags for tags in lengths if len(tags) <= packed.MOST - len(others)), {})
    return {labels.VERIFIED: str(on), labels.ROLE: labels.Role.IMAGE, **dict.fromkeys(former, ""), **told}


def newest(found: tuple[Ami, ...]) -> Ami | None:
    """The one that was made last, of those that can be started."""
    whole = [each for each in found if each.state == AVAILABLE]
    return max(whole, key=lambda each: (each.created, each.id), default=None)


def _tests(tests: tuple[TestResult, ...], length: int) -> dict[str, str]:
    cut = [{**asdict(test), "output": test.output[-length:] if length else ""} for test in tests]
    return packed.packed(labels.TESTS, cut)


def _source(text: str) -> Source:
    return Source(commit=text.removesuffix(_DIRTY), dirty=text.endswith(_DIRTY))
