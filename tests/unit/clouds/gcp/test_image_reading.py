"""Images in labels and descriptions: what Google answers becomes an image, and what is baked becomes that."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from phoenix.clouds.api import BakeRequest
from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.bake import image_reading, packed
from phoenix.clouds.gcp.bake.image_reading import GceImage
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
    "phoenix-project": "shop",
    "phoenix-image": REQUEST.image_id,
    "phoenix-type": "foundation",
    "phoenix-name": "nodejs",
    "phoenix-role": "unproven",
    "phoenix-baker": "0123456789abcdef_1_2_3",
    "phoenix-since": "2026-03-01t12-00-00z",
}


def answer(description: str, **changes: Any) -> dict[str, Any]:
    """One of images.list's `items`."""
    return {
        "id": "1234567890",
        "name": REQUEST.image_id,
        "selfLink": f"https://www.googleapis.com/compute/v1/projects/acme-prod/global/images/{REQUEST.image_id}",
        "status": "READY",
        "creationTimestamp": "2026-03-01T12:20:00.000-07:00",
        "diskSizeGb": "10",
        "labels": BY_TEMPLATE,
        "labelFingerprint": "abcd=",
        "description": description,
        "storageLocations": ["us"],
        "guestOsFeatures": [{"type": "UEFI_COMPATIBLE"}, {"type": "GVNIC"}],
        **changes,
    }


def baked(**changes: Any) -> GceImage:
    request = replace(REQUEST, **changes)
    return image_reading.gce_image(answer(packed.description(request.image_id, image_reading.facts(request))))


def proven(found: GceImage, tests: tuple[TestResult, ...]) -> GceImage:
    marks = image_reading.proven(found, Proof.QEMU)
    return replace(found, description=image_reading.proof(found, tests), labels=marks)


def read(found: GceImage) -> Image:
    image = image_reading.image(found, "gcp")
    assert image is not None
    return image


def test_what_was_asked_for_is_read_back_with_its_whole_key() -> None:
    assert read(baked()) == Image(
        id=REQUEST.image_id,
        type=ImageType.FOUNDATION,
        name="nodejs",
        cloud="gcp",
        key=REQUEST.key,
        parent=REQUEST.parent,
        created=NOON,
        verified=False,
        builder="packer",
        source=Source(commit="c" * 40, dirty=True),
        packages=(HELLO,),
        size=10 * 1024**3,
    )
    assert (baked().features, baked().location) == (("UEFI_COMPATIBLE", "GVNIC"), "us")


def test_the_description_begins_with_words_for_people() -> None:
    assert baked().description.startswith(f"{REQUEST.image_id}, baked by phoenix: ")


def test_an_image_without_parent_packages_or_commit() -> None:
    image = read(baked(parent=None, packages=(), source=Source()))
    assert (image.parent, image.packages, image.source) == (None, (), Source())


@pytest.mark.parametrize(
    ("description", "marks"),
    [
        ("", BY_TEMPLATE),
        ("shop, baked by phoenix", BY_TEMPLATE),
        ("shop, baked by phoenix: no base64!", BY_TEMPLATE),
        ("shop, baked by phoenix: QUJD", BY_TEMPLATE),
        (packed.description("shop", {"key": "01", "created": "yesterday"}), BY_TEMPLATE),
        (packed.description("shop", image_reading.facts(REQUEST)), {}),
        (packed.description("shop", ["not", "facts"]), BY_TEMPLATE),
    ],
)
def test_what_is_no_whole_image(description: str, marks: dict[str, str]) -> None:
    assert image_reading.image(image_reading.gce_image(answer(description, labels=marks)), "gcp") is None


def test_an_answer_that_says_little() -> None:
    pending = image_reading.gce_image({"name": "x", "status": "PENDING"})
    assert (pending.size, pending.labels, pending.features, pending.deprecated) == (0, {}, (), "ACTIVE")


def test_a_verified_image_tells_its_tests() -> None:
    tests = (TestResult(name="boot finished", ok=True), TestResult(name="true", ok=True, output="Grüße\n" * 100))
    found = proven(baked(), tests)
    image = read(found)
    assert (image.verified, image.verified_on, image.tests) == (True, Proof.QEMU, tests)
    assert found.labels[labels.ROLE] == "image"
    assert replace(image, verified=False, tests=()) == read(baked())
    assert labels.VERIFIED not in image_reading.unproven(found)


def test_fewer_results_leave_nothing_of_the_former_ones() -> None:
    many = tuple(TestResult(name=f"test {number}", ok=True) for number in range(30))
    assert read(proven(proven(baked(), many), many[:1])).tests == many[:1]


def noise(length: int, seed: int) -> str:
    """Text that cannot be compressed well."""
    return "".join(Random(seed).choices(string.printable, k=length))


def test_output_that_the_description_has_no_room_for_is_cut_from_its_front() -> None:
    tests = tuple(TestResult(name=f"test {n}", ok=True, output=noise(700, n)) for n in range(4))
    found = proven(baked(), tests)
    assert len(found.description) <= packed.LONGEST
    kept = read(found).tests
    assert [(test.name, test.ok) for test in kept] == [(test.name, True) for test in tests]
    for one, whole in zip(kept, tests, strict=True):
        assert one.output
        assert whole.output.endswith(one.output)
        assert len(one.output) < len(whole.output)


def test_of_too_many_tests_none_is_kept_and_the_image_is_whole() -> None:
    tests = tuple(TestResult(name=noise(200, n), ok=True) for n in range(40))
    found = proven(baked(), tests)
    assert len(found.description) <= packed.LONGEST
    assert replace(read(found), verified=False) == read(baked())


def test_packages_that_the_description_has_no_room_for_are_refused_before_anything_is_made() -> None:
    many = tuple(replace(HELLO, name=f"hello-{n}", sha256=noise(64, n)) for n in range(40))
    with pytest.raises(RefusedError, match="foundation/nodejs has too many packages") as caught:
        image_reading.facts(replace(REQUEST, packages=many))
    assert "40 packages" in caught.value.details


def test_a_dozen_packages_have_room() -> None:
    digests = (Random(n).randbytes(32).hex() for n in range(12))
    packages = tuple(replace(HELLO, name=f"hello-{n}", sha256=digest) for n, digest in enumerate(digests))
    assert read(baked(packages=packages)).packages == packages
