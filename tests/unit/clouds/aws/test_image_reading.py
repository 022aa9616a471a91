"""Images in the tags of AMIs: what AWS answers becomes an image, what is baked becomes tags, and nothing gets lost."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from phoenix.clouds.api import BakeRequest
from phoenix.clouds.aws import labels
from phoenix.clouds.aws.bake import image_reading, packed
from phoenix.clouds.aws.bake.image_reading import Ami
from phoenix.errors import RefusedError
from phoenix.model import Image, ImageType, Package, Proof, Source, TestResult

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HELLO = Package(name="hello", version="2.10-3", sha256="0123456789abcdef" * 4, repository="main")
REQUEST = BakeRequest(
    image_id="shop-foundation-nodejs-0123456789ab",
    type=ImageType.FOUNDATION,
    name="nodejs",
    key="01" * 32,
    parent="shop-os-debian-12-fedcba987654",
    base="",
    builder="packer",
    workspace=Path("/nowhere"),
    fresh=False,
    packages=(HELLO,),
    source=Source(commit="c" * 40, dirty=True),
    created=NOON,
)
BY_TEMPLATE = {
    "Name": REQUEST.image_id,
    "phoenix:project": "shop",
    "phoenix:image": REQUEST.image_id,
    "phoenix:type": "foundation",
    "phoenix:name": "nodejs",
    "phoenix:role": "unproven",
    "phoenix:baker": "here/1/2/3",
    "phoenix:since": "2026-03-01T12:00:00Z",
}


def answer(tags: dict[str, str], **changes: Any) -> dict[str, Any]:
    """One of DescribeImages' `Images`."""
    return {
        "ImageId": "ami-0123456789abcdef0",
        "Name": REQUEST.image_id,
        "State": "available",
        "CreationDate": "2026-03-01T12:20:00.000Z",
        "Architecture": "x86_64",
        "RootDeviceName": "/dev/xvda",
        "SourceInstanceId": "i-0123456789abcdef0",
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
            {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-1", "VolumeSize": 10, "Encrypted": True}},
            {"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": "snap-2", "VolumeSize": 100}},
        ],
        "Tags": labels.written(tags),
        **changes,
    }


def baked(**changes: Any) -> Ami:
    return image_reading.ami(answer({**BY_TEMPLATE, **image_reading.facts(replace(REQUEST, **changes), company=2)}))


def test_what_was_asked_for_is_read_back_from_the_tags() -> None:
    assert image_reading.image(baked(), "aws") == Image(
        id=REQUEST.image_id,
        type=ImageType.FOUNDATION,
        name="nodejs",
        cloud="aws",
        key=REQUEST.key,
        parent=REQUEST.parent,
        created=NOON,
        verified=False,
        builder="packer",
        source=Source(commit="c" * 40, dirty=True),
        packages=(HELLO,),
        size=10 * 1024**3,
    )
    assert (baked().snapshots, baked().made_from) == (("snap-1", "snap-2"), "i-0123456789abcdef0")


def test_an_image_without_parent_packages_or_commit() -> None:
    image = image_reading.image(baked(parent=None, packages=(), source=Source()), "aws")
    assert image is not None
    assert (image.parent, image.packages, image.source) == (None, (), Source())


@pytest.mark.parametrize(
    "tags",
    [{}, BY_TEMPLATE, {**BY_TEMPLATE, "phoenix:key": "01", "phoenix:created": "yesterday"}],
    ids=["somebody else's", "the builder's tags, which Packer 1.10 puts on it first", "changed by hand"],
)
def test_an_ami_that_is_no_whole_image(tags: dict[str, str]) -> None:
    assert image_reading.image(image_reading.ami(answer(tags)), "aws") is None


def test_an_answer_that_says_little() -> None:
    pending = image_reading.ami({"ImageId": "ami-1", "State": "pending"})
    assert (pending.size, pending.snapshots, pending.tags) == (0, (), {})


def with_tags(ami: Ami, more: dict[str, str]) -> Ami:
    return replace(ami, tags={**ami.tags, **more})


def test_a_verified_image_tells_its_tests() -> None:
    tests = (TestResult(name="boot finished", ok=True), TestResult(name="true", ok=True, output="Grüße\n" * 100))
    proven = with_tags(baked(), image_reading.proof(baked(), tests, Proof.QEMU))
    image = image_reading.image(proven, "aws")
    assert image is not None
    assert (image.verified, image.verified_on, image.tests) == (True, Proof.QEMU, tests)
    assert proven.tags[labels.ROLE] == "image"


def test_fewer_results_leave_nothing_of_the_former_ones() -> None:
    many = tuple(TestResult(name=f"test {number} {number * 7919}", ok=True) for number in range(60))
    first = with_tags(baked(), image_reading.proof(baked(), many, Proof.QEMU))
    second = with_tags(first, image_reading.proof(first, many[:1], Proof.QEMU))
    image = image_reading.image(second, "aws")
    assert image is not None
    assert image.tests == many[:1]


def noise(length: int, seed: int) -> str:
    """Text that cannot be compressed well."""
    return "".join(Random(seed).choices(string.printable, k=length))


def test_output_that_the_tags_have_no_room_for_is_cut_from_its_front() -> None:
    tests = tuple(TestResult(name=f"test {n}", ok=True, output=noise(3000, n)) for n in range(12))
    proven = with_tags(baked(), image_reading.proof(baked(), tests, Proof.QEMU))
    image = image_reading.image(proven, "aws")
    assert image is not None
    assert [(test.name, test.ok) for test in image.tests] == [(test.name, True) for test in tests]
    for kept, whole in zip(image.tests, tests, strict=True):
        assert whole.output.endswith(kept.output)
        assert len(kept.output) < len(whole.output)
    assert len(proven.tags) <= packed.MOST
    assert max(map(len, proven.tags.values())) <= packed.VALUE


def test_packages_that_the_tags_have_no_room_for_are_refused_before_anything_is_made() -> None:
    many = tuple(replace(HELLO, name=noise(60, number), sha256=noise(64, number)) for number in range(200))
    with pytest.raises(RefusedError, match="foundation/nodejs has too many packages"):
        image_reading.facts(replace(REQUEST, packages=many), company=2)


def test_a_verified_image_of_another_version_is_a_whole_machines() -> None:
    """Also where the tag holds a time, as an earlier version might have written it."""
    image = image_reading.image(with_tags(baked(), {labels.VERIFIED: "2026-01-02T03:14:05+00:00"}), "aws")
    assert image is not None
    assert (image.verified, image.verified_on) == (True, Proof.QEMU)


def test_the_newest_ami_that_can_be_started() -> None:
    old, young, unready = (
        image_reading.ami(answer({}, ImageId=name, CreationDate=f"2026-0{month}-01T00:00:00.000Z", State=state))
        for name, month, state in (("ami-1", 1, "available"), ("ami-2", 2, "available"), ("ami-3", 3, "pending"))
    )
    assert image_reading.newest((old, unready, young)) == young
    assert image_reading.newest((unready,)) is None


@pytest.mark.parametrize("tags", [{}, {"x-00": "no base64!"}, {"x-00": "QUJD"}, {"x-01": ""}])
def test_tags_that_hold_nothing_whole_are_read_as_nothing(tags: dict[str, str]) -> None:
    assert packed.unpacked("x", tags) is None
