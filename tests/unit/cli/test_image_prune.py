"""`phoenix image prune`: every image with its verdict and the reason; what somebody needs stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phoenix.errors import CloudError
from phoenix.model import ImageType
from tests.support.fakes.desk import Desk

DAY = timedelta(days=1)


def aged(desk: Desk, image_id: str, days: int, **changes: Any) -> None:
    """An image that was baked so many days ago."""
    kinds = {name: changes.pop(name) for name in ("kind", "name", "verified") if name in changes}
    made = desk.images.put(image_id, **kinds)
    desk.images.there[image_id] = replace(made, created=desk.clock.now() - days * DAY, **changes)


def verdicts(result: dict[str, Any]) -> dict[str, tuple[bool, str]]:
    return {image["id"]: (image["stays"], image["why"]) for image in result["images"]}


def test_the_newest_of_each_name_stay_and_the_others_go(desk: Desk) -> None:
    for number in range(1, 6):
        aged(desk, f"image-{number}", 10 - number)
    aged(desk, "tomcat-1", 99, name="tomcat")
    told = desk.run("image", "prune", "--plan")
    assert told["plan"] == ["image-2", "image-1"]
    assert verdicts(told)["image-3"] == (True, "among the newest 3 of foundation/nodejs")
    assert verdicts(told)["tomcat-1"][0], "another name"
    assert verdicts(told)["image-1"] == (False, "not among the newest 3 of foundation/nodejs, and nobody needs it")
    assert "image-1" in desk.images.there, "a plan deletes nothing"
    assert sorted(desk.run("image", "prune", "--yes")["deleted"]) == ["image-1", "image-2"]
    assert sorted(desk.images.there) == ["image-3", "image-4", "image-5", "tomcat-1"]
    assert desk.run("image", "prune")["plan"] == []


def test_what_groups_start_from_and_what_a_rollback_would_stays(desk: Desk) -> None:
    for number in (1, 2, 3, 4):
        aged(desk, f"image-{number}", 10 - number)
    for number in (1, 2, 3):
        desk.run("roll", "web-tier", "--image", f"image-{number}")
    desk.run("group", "delete", "web-tier-local-v002", "--yes")
    said = verdicts(desk.run("image", "prune", "--keep", "1", "--plan"))
    assert said["image-3"] == (
        True,
        "web-tier-local-v003 starts its machines from it; "
        "a rollback of web-tier/local to web-tier-local-v003 would start from it",
    )
    assert said["image-2"] == (True, "a rollback of web-tier/local to web-tier-local-v002 would start from it")
    assert said["image-1"][0], "its group stands by"
    desk.run("group", "delete", "web-tier-local-v001", "--yes")
    assert desk.run("image", "prune", "--keep", "1", "--yes")["deleted"] == ["image-1"]


def test_what_a_held_run_names_stays(desk: Desk) -> None:
    for number in (1, 2, 3):
        aged(desk, f"image-{number}", 10 - number)
    desk.run("roll", "web-tier", "--image", "image-3")
    held = desk.run("roll", "web-tier", "--image", "image-2", "--no-traffic", code=8)["run"]
    said = verdicts(desk.run("image", "prune", "--keep", "1", "--plan"))
    assert f"{held} (held) names it" in said["image-2"][1]
    assert not said["image-1"][0]


def test_what_another_was_baked_on_stays_as_long_as_that_does(desk: Desk) -> None:
    aged(desk, "os-1", 9, kind="os", name="debian-12")
    aged(desk, "os-2", 8, kind="os", name="debian-12")
    aged(desk, "image-1", 7, parent="os-1")
    aged(desk, "hello-1", 6, kind="immutable", name="hello", parent="image-1")
    aged(desk, "image-2", 5, parent="os-2")
    said = verdicts(desk.run("image", "prune", "--keep", "1", "--plan"))
    assert said["image-1"] == (True, f"{desk.images.there['hello-1'].ref}, which stays, was baked on it")
    assert said["os-1"] == (True, f"{desk.images.there['image-1'].ref}, which stays, was baked on it")


def test_the_highest_layer_goes_first(desk: Desk) -> None:
    aged(desk, "os-1", 9, kind="os", name="debian-12")
    aged(desk, "hello-1", 8, kind="immutable", name="hello", parent="os-1")
    aged(desk, "os-2", 7, kind="os", name="debian-12")
    aged(desk, "hello-2", 6, kind="immutable", name="hello", parent="os-2")
    assert desk.run("image", "prune", "--keep", "1", "--yes")["deleted"] == ["hello-1", "os-1"]


def test_the_young_and_the_unproven_stay(desk: Desk) -> None:
    for number in (1, 2, 3):
        aged(desk, f"image-{number}", 10 * (4 - number))
    aged(desk, "image-4", 90, verified=False)
    said = verdicts(desk.run("image", "prune", "--keep", "1", "--older-than", "25d", "--plan"))
    assert said["image-1"][0] is False
    assert said["image-2"] == (True, "younger than --older-than says")
    assert said["image-4"][1].startswith("not verified: a bake may be at work on it")


def test_a_shared_directory_is_nobodys_to_prune(desk: Desk) -> None:
    for number in (1, 2):
        aged(desk, f"image-{number}", 10 - number)
    desk.images.shared = True
    told = desk.run("image", "prune", "--keep", "1", "--yes")
    assert told["plan"] == []
    assert "machines of other projects may start from it" in verdicts(told)["image-1"][1]


def test_a_cloud_that_does_not_answer_needs_every_image(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent() -> tuple[object, ...]:
        raise CloudError("no answer", details="of the cloud", resolution="Try again.")

    for number in (1, 2):
        aged(desk, f"image-{number}", 10 - number)
    monkeypatch.setattr(desk.cloud, "list", silent)
    assert desk.refused("image", "prune", "--keep", "1", "--yes", code=5)["brief"] == "no answer"
    assert sorted(desk.images.there) == ["image-1", "image-2"]


def test_who_comes_to_need_an_image_meanwhile_keeps_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two go; while the first is deleted somebody rolls the second."""
    for number in (1, 2, 3):
        aged(desk, f"image-{number}", 10 - number)
    first = desk.images.delete

    def delete(image_id: str) -> None:
        first(image_id)
        aged(desk, "image-1", 9)
        aged(desk, "hello-1", 1, kind=ImageType.IMMUTABLE, name="hello", parent="image-1")

    monkeypatch.setattr(desk.images, "delete", delete)
    assert desk.run("image", "prune", "--keep", "1", "--yes")["deleted"] == ["image-2"]
    assert "image-1" in desk.images.there


def test_one_that_cannot_go_keeps_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2, 3):
        aged(desk, f"image-{number}", 10 - number)
    first = desk.images.delete

    def delete(image_id: str) -> None:
        if image_id == "image-2":
            raise CloudError("the image image-2 is being worked on", details="by 1", resolution="Wait.")
        first(image_id)

    monkeypatch.setattr(desk.images, "delete", delete)
    told = desk.run("image", "prune", "--keep", "1", "--yes", code=5)
    assert told["deleted"] == ["image-1"]
    assert told["error"]["brief"] == "the image image-2 is being worked on"


def test_at_least_one_stays(desk: Desk) -> None:
    assert "--keep 0" in desk.refused("image", "prune", "--keep", "0", code=2)["brief"]
    desk.refused("image", "prune", "--older-than", "long", code=2)


def test_people_read_the_reason_of_each(desk: Desk) -> None:
    for number in (1, 2):
        aged(desk, f"image-{number}", 10 - number)
    page = desk.page("image", "prune", "--keep", "1", "--plan")
    assert "goes" in page
    assert "and nobody needs it" in page


def test_an_image_whose_manifest_names_a_former_cloud_is_seen_as_the_one_that_it_is(desk: Desk) -> None:
    for number in (1, 2):
        aged(desk, f"image-{number}", 10 - number, cloud="home")
    desk.run("roll", "web-tier", "--image", "image-1")
    said = verdicts(desk.run("image", "prune", "--keep", "1", "--plan"))
    assert said["image-1"][1].startswith("web-tier-local-v001 starts its machines from it")
