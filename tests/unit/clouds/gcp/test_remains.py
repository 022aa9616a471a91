"""What a bake has left: found by its labels, removed as the very thing that bore them, tried again if need be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from phoenix.clouds.gcp.bake import image_reading, remains
from phoenix.clouds.gcp.bake.birth import Birth
from phoenix.clouds.gcp.bake.remains import DISKS, IMAGES, MACHINES, Thing
from phoenix.clouds.gcp.calls import RefusedCallError, StaleError
from phoenix.errors import UnreachableError
from tests.support.fakes.doubles import FakeClock
from tests.unit.clouds.gcp.asked import Asked, no

MARKS = {
    "phoenix-project": "shop",
    "phoenix-image": "shop-os-debian-12-0123",
    "phoenix-role": "builder",
    "phoenix-baker": "here_1_2_3",
}
ZONE = "https://www.googleapis.com/compute/v1/projects/acme-prod/zones/us-central1-b"
DISK = f"{ZONE}/disks/m-1"


def row(name: str, number: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "id": number, "zone": ZONE, "labels": MARKS, **more}


MACHINE = row("m-1", "1", status="RUNNING", disks=[{"source": DISK, "autoDelete": False}])


def thing(kind: str, number: str = "1", name: str = "m-1") -> Thing:
    zone = "" if kind == IMAGES else "us-central1-b"
    return Thing(kind=kind, name=name, number=number, zone=zone, labels=MARKS)


def removed(calls: Asked, *things: Thing, patience: float = 25.0) -> list[str]:
    gone = remains.remove(calls, things, FakeClock(), patience=patience)
    return [f"{each.kind} {each.number}" for each in gone]


def test_machines_disks_and_images_are_found_by_their_labels_in_two_calls() -> None:
    calls = Asked(
        instances__aggregatedList={"items": [row("m-1", "1")]},
        disks__aggregatedList={
            "items": [row("m-1", "2"), row("whole", "3", labels={**MARKS, "phoenix-role": "image"})]
        },
    )
    half = image_reading.gce_image({"name": "i", "id": "4", "labels": {**MARKS, "phoenix-role": "unproven"}})
    whole = replace(half, labels={**half.labels, "phoenix-verified": "qemu"})
    found = remains.unfinished(calls, "shop", (half, whole))
    assert [(each.kind, each.number) for each in found] == [(MACHINES, "1"), (DISKS, "2"), (IMAGES, "4")]
    assert found[0].zone == "us-central1-b"
    assert [asked["filter"] for _name, asked in calls.asked] == [
        "(labels.phoenix-project=shop) (labels.phoenix-role:*)"
    ] * 2
    remains.unfinished(calls, "shop", (), "x")
    assert calls.asked[-1][1]["filter"] == (
        "(labels.phoenix-project=shop) (labels.phoenix-image=x) (labels.phoenix-role:*)"
    )


def test_the_disk_of_a_machine_is_labelled_before_the_machine_goes_and_goes_after_it() -> None:
    """Packer labels it not, and who dies in between has left it."""
    calls = Asked(
        instances__get=[MACHINE, MACHINE, {**MACHINE, "status": "STOPPING"}, {**MACHINE, "status": "STOPPING"}, None],
        disks__get=[row("m-1", "2", labels={}, labelFingerprint="f"), *[row("m-1", "2")] * 5, None],
        disks__delete=[no("resourceInUseByAnotherResource"), {}],
    )
    assert removed(calls, thing(MACHINES)) == ["instances 1", "disks 2"]
    (labelled,) = calls.of("disks.setLabels")
    assert labelled == {
        "zone": "us-central1-b",
        "resource": "m-1",
        "body": {"labels": MARKS, "labelFingerprint": "f"},
    }
    verbs = calls.verbs()
    assert verbs.index("disks.setLabels") < verbs.index("instances.delete") < verbs.index("disks.delete")
    assert len(calls.of("instances.delete")) == 1, "it is ending"


@pytest.mark.parametrize(
    "there",
    [
        None,
        row("m-1", "99"),
        row("m-1", "1", labels={**MARKS, "phoenix-baker": "another_1_2_3"}),
    ],
    ids=["gone", "another of this name", "another bake has taken it over"],
)
def test_what_is_not_that_thing_any_more_is_not_removed(there: Mapping[str, Any] | None) -> None:
    calls = Asked(disks__get=there)
    assert removed(calls, thing(DISKS)) == []
    assert "disks.delete" not in calls.verbs()


def test_an_image_that_is_still_being_made_goes_when_it_is() -> None:
    calls = Asked(
        images__get=[row("m-1", "1", status="PENDING"), row("m-1", "1", status="READY"), None],
        images__delete=[no("resourceNotReady"), {}],
    )
    assert removed(calls, thing(IMAGES)) == ["images 1"]
    assert calls.of("images.delete") == [{"image": "m-1"}] * 2


def test_what_cannot_go_in_time_is_left_to_the_next_sweep() -> None:
    calls = Asked(disks__get=row("m-1", "1"), disks__delete=no("resourceInUseByAnotherResource"))
    assert removed(calls, thing(DISKS), patience=10) == []


def test_a_refusal_is_told() -> None:
    with pytest.raises(RefusedCallError):
        removed(Asked(disks__get=row("m-1", "1"), disks__delete=no("forbidden")), thing(DISKS))


def test_a_moment_without_an_answer_ends_no_removal() -> None:
    calls = Asked(disks__get=[UnreachableError("busy"), row("m-1", "1"), None])
    assert removed(calls, thing(DISKS)) == ["disks 1"]


def test_a_thing_is_told_in_words() -> None:
    assert str(thing(MACHINES)) == "the machine m-1 of shop-os-debian-12-0123"
    assert str(thing(IMAGES, name="shop-os-debian-12-0123")) == "the image shop-os-debian-12-0123"


def looked(calls: Asked, times: int = 3) -> FakeClock:
    clock = FakeClock()
    birth = Birth(calls, clock, zone="us-central1-b", name="m-1", marks=MARKS)
    for _time in range(times):
        birth.watch()
        clock.sleep(1.5)
    return clock


MADE = {"operationType": "insert", "status": "DONE"}
RUNS = {"operationType": "insert", "status": "RUNNING"}
FAILED = {
    **MADE,
    "httpErrorStatusCode": 403,
    "error": {"errors": [{"code": "QUOTA_EXCEEDED", "message": "Quota 'CPUS' exceeded. Limit: 24.0"}]},
}


def operations(*found: Mapping[str, Any]) -> Any:
    return [{"items": [each]} for each in found]


def test_the_disk_of_the_builder_is_labelled_as_soon_as_it_is_there() -> None:
    calls = Asked(disks__get=[None, row("m-1", "2", labels={})], zoneOperations__list=operations(RUNS, RUNS, MADE))
    looked(calls, 12)
    assert len(calls.of("disks.setLabels")) == 1
    assert len(calls.of("disks.get")) == 2
    assert len(calls.of("zoneOperations.list")) == 3, "then nothing more is looked for"


def test_why_there_is_no_builder_is_told_at_once_and_its_disk_is_known_all_the_same() -> None:
    calls = Asked(disks__get=row("m-1", "2", labels={}), zoneOperations__list=operations(FAILED))
    with pytest.raises(RefusedCallError, match="start of the builder machine m-1") as caught:
        looked(calls)
    assert "Quota 'CPUS' exceeded" in caught.value.details
    assert caught.value.said == "quotaExceeded"
    assert len(calls.of("disks.setLabels")) == 1


def test_a_builder_that_came_and_went_is_looked_for_no_more() -> None:
    calls = Asked(disks__get=None, zoneOperations__list=operations(MADE))
    looked(calls, 9)
    assert len(calls.asked) == 2


def test_a_moment_without_an_answer_ends_no_build() -> None:
    calls = Asked(
        disks__get=[UnreachableError("busy"), row("m-1", "2", labels={})],
        disks__setLabels=[StaleError("stale", said="conditionNotMet", details=""), no("notFound"), {}],
        zoneOperations__list=operations(RUNS, RUNS, RUNS, RUNS, MADE),
    )
    looked(calls, 16)
    assert len(calls.of("disks.setLabels")) == 3
    assert len(calls.of("zoneOperations.list")) == 5
