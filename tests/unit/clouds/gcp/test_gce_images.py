"""Which image a base means, and which images are a project's."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.clouds.gcp.bake import gce_images
from phoenix.errors import RefusedError, SpecError, UnreachableError
from tests.unit.clouds.gcp.asked import Asked

LINK = "https://www.googleapis.com/compute/v1/projects/debian-cloud/global/images/debian-12-bookworm-v20260115"
ONE = {"name": "debian-12-bookworm-v20260115", "selfLink": LINK, "status": "READY", "diskSizeGb": "10"}


@pytest.mark.parametrize(
    ("wanted", "project", "family"),
    [("debian-cloud/debian-12", "debian-cloud", "debian-12"), ("golden", "acme-prod", "golden")],
)
def test_a_family_is_asked_for_its_newest(wanted: str, project: str, family: str) -> None:
    calls = Asked(images__getFromFamily=ONE)
    found = gce_images.base(calls, wanted, project="acme-prod")
    assert (found.name, gce_images.owner_of(found)) == ("debian-12-bookworm-v20260115", "debian-cloud")
    ((verb, asked),) = calls.asked
    assert (verb, asked["project"], asked["family"]) == ("images.getFromFamily", project, family)


def test_what_is_no_family_is_one_image() -> None:
    calls = Asked(images__getFromFamily=None, images__get=ONE)
    assert gce_images.base(calls, "debian-cloud/debian-12-bookworm-v20260115", project="x").name == ONE["name"]


def test_an_image_that_was_pinned_is_that_one_whatever_families_are_called() -> None:
    calls = Asked(images__get=ONE)
    path = "projects/debian-cloud/global/images/debian-12-bookworm-v20260115"
    assert gce_images.base(calls, path, project="x").name == ONE["name"]
    assert calls.verbs() == ["images.get"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "neither a family nor an image"),
        ({**ONE, "status": "PENDING"}, "it is PENDING, ACTIVE"),
        ({**ONE, "deprecated": {"state": "OBSOLETE"}}, "it is READY, OBSOLETE"),
    ],
)
def test_a_base_that_nothing_can_start_from_is_refused(answer: dict[str, Any] | None, why: str) -> None:
    with pytest.raises(RefusedError, match="there is no image debian-cloud/debian-12") as caught:
        gce_images.base(Asked(images__getFromFamily=None, images__get=answer), "debian-cloud/debian-12", project="x")
    assert caught.value.details == why


@pytest.mark.parametrize("wanted", ["", "debian-cloud/", "a/b/c", "Debian/12", "debian-cloud/debian-12-*"])
def test_a_base_that_is_no_name_is_a_mistake_in_the_file(wanted: str) -> None:
    calls = Asked()
    with pytest.raises(SpecError, match="names no image"):
        gce_images.base(calls, wanted, project="x")
    assert calls.asked == []


def test_no_answer_is_not_that_there_is_none() -> None:
    with pytest.raises(UnreachableError):
        gce_images.find(Asked(images__get=UnreachableError("busy")), "x")


def test_a_projects_images_are_found_by_its_label_without_their_certificates() -> None:
    calls = Asked(images__list={"items": [ONE]})
    assert [image.name for image in gce_images.ours(calls, "shop")] == [ONE["name"]]
    ((_verb, asked),) = calls.asked
    assert asked["filter"] == "labels.phoenix-project=shop"
    assert "shieldedInstanceInitialState" not in asked["fields"]
