"""Bakes on an emulated Google Cloud with the real Packer, and what goes wrong with them: nothing is left that costs.

Packer is Debian's 1.6.6, which the emulator forgives what Compute Engine refuses. Operations are done at once but where
something is to happen meanwhile: Packer looks at them every 2 s.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.bake import packers
from phoenix.clouds.gcp.calls import RefusedCallError
from phoenix.errors import CloudError, RefusedError, ToolError
from phoenix.model import Proof, TestResult
from phoenix.spec.clouds import GcpBuilder, GcpImageOptions
from tests.support.fakes.doubles import FakeClock
from tests.support.real.bakes import GCP_BASE
from tests.support.real.gcp_image_shop import HELLO, Shop, program


def test_a_layer_on_the_vendors_image_and_what_it_costs_to_know_it_is_there(shop: Shop, ssh: Path) -> None:
    images = shop.images()
    image = shop.bake(images, shop.request(parent=None))
    assert (image.parent, image.packages, image.verified) == (None, (HELLO,), False)
    assert shop.left() == ["images shop-x"]
    assert shop.marks("shop-x").items() >= {"cost-centre": "42", "phoenix-role": "unproven"}.items()
    assert "boot finished" in shop.verify(images, image)
    proven = images.mark_verified(image, (), on=Proof.QEMU)
    assert shop.left() == ["images shop-x"]

    another = shop.images(clock=FakeClock())
    shop.emulator.forget_calls()
    assert another.sweep() == ()
    assert proven in another.list()
    assert another.find(image.id) == proven
    calls = sorted(call.method for call in shop.emulator.calls())
    assert calls == ["compute.disks.aggregatedList", "compute.images.list", "compute.instances.aggregatedList"]
    images.delete(image.id)
    assert shop.left() == []


def test_everything_that_is_made_is_labelled_as_it_is_made(shop: Shop, ssh: Path) -> None:
    """But for the disk of the builder, whose labels Packer cannot give it: it gets them as soon as it is there."""
    images = shop.images()
    image = shop.bake(images, shop.request(doing="sleep 4"))
    shop.verify(images, image)
    by_method: dict[str, list[dict[str, str]]] = {}
    for call in shop.emulator.calls():
        if call.body and call.method in (
            "compute.instances.insert",
            "compute.images.insert",
            "compute.disks.setLabels",
        ):
            by_method.setdefault(call.method, []).append(call.body["labels"])
    assert {method: [each["phoenix-role"] for each in found] for method, found in by_method.items()} == {
        "compute.instances.insert": ["builder", "trial"],
        "compute.disks.setLabels": ["builder"],
        "compute.images.insert": ["unproven"],
    }
    for found in (each for several in by_method.values() for each in several):
        assert found.items() >= {"cost-centre": "42", "phoenix-project": "shop", "phoenix-image": "shop-x"}.items()
        assert {"phoenix-baker", "phoenix-since"} <= found.keys()
        assert all(labels.value(value) == value for value in found.values())


def test_the_builder_is_as_phoenix_yaml_says(shop: Shop) -> None:
    builder = GcpBuilder(type="e2-medium", disk=20 << 30, zone=f"{shop.spec.region}-c", firewall=("ssh",), spot=True)
    wished = replace(shop, spec=replace(shop.spec, builder=builder, images=GcpImageOptions(location="eu")))
    wished.bake(wished.images(), wished.request())
    bodies = {call.method: call.body for call in shop.emulator.calls() if call.body}
    machine = bodies["compute.instances.insert"]
    assert machine["machineType"].endswith(f"/zones/{shop.spec.region}-c/machineTypes/e2-medium")
    assert machine["tags"]["items"] == ["ssh"]
    assert machine["scheduling"] == {"onHostMaintenance": "TERMINATE", "preemptible": True}
    assert machine["disks"][0]["initializeParams"]["diskSizeGb"] == "20"
    assert bodies["compute.images.insert"]["storageLocations"] == ["eu"]


def test_a_family_has_verified_images_alone(shop: Shop) -> None:
    images = shop.images(replace(shop.spec, images=GcpImageOptions(family="acme")))
    image = shop.bake(images, shop.request())
    assert "family" not in images.whereabouts("shop-x")
    proven = images.mark_verified(image, (), on=Proof.QEMU)
    assert images.whereabouts("shop-x")["family"] == "acme-foundation-marked"
    assert images.mark_verified(image, (), on=Proof.QEMU) == proven


def test_a_builder_that_packer_could_not_remove_is_removed_and_there_is_no_image(shop: Shop) -> None:
    """Packer says so and ends well (exit code 0): by that alone nobody can tell."""
    shop.emulator.fail("instances.delete", reason="operationNotPermitted", status=403, message="not now")
    with pytest.raises(ToolError, match="packer did not say what it made"):
        shop.bake(shop.images(), shop.request())
    assert "not now" in (shop.directory / "build.log").read_text()
    assert shop.left() == []
    assert shop.images().find("shop-x") is None


@pytest.mark.parametrize(
    ("method", "reason", "status"),
    [
        ("instances.insert", "rateLimitExceeded", 403),
        ("instances.insert", "quotaExceeded", 403),
        ("images.insert", "forbidden", 403),
        ("images.insert", "backendError", 503),
        ("machineTypes.get", "notFound", 404),
    ],
)
def test_a_bake_that_google_refuses_leaves_nothing(shop: Shop, method: str, reason: str, status: int) -> None:
    shop.emulator.fail(method, reason=reason, status=status, message="because of the test")
    with pytest.raises(ToolError) as caught:
        shop.bake(shop.images(), shop.request())
    assert "because of the test" in caught.value.details
    assert shop.left() == []


@pytest.mark.parametrize(
    "code", ["QUOTA_EXCEEDED", pytest.param("ZONE_RESOURCE_POOL_EXHAUSTED", marks=pytest.mark.full)]
)
def test_why_there_is_no_builder_is_told_before_packer_would_give_up(shop: Shop, code: str) -> None:
    """Packer 1.6.6 waits for it ten minutes."""
    shop.emulator.fail("instances.insert", code=code, message="because of the test")
    with pytest.raises(RefusedCallError, match="start of the builder machine") as caught:
        shop.bake(shop.images(), shop.request())
    assert "because of the test" in caught.value.details
    assert shop.left() == []


def test_an_image_that_packer_lost_sight_of_is_removed(shop: Shop) -> None:
    """It may not look at it, or (a current one) not set its deprecation: Packer fails, and the image stays."""
    images = shop.images()
    request = shop.request()
    shop.emulator.fail("images.get", reason="forbidden", status=403, skip=6)
    with pytest.raises(ToolError):
        shop.bake(images, request)
    assert "compute.images.insert" in [call.method for call in shop.emulator.calls()]
    assert shop.left() == []


MADE = """
import json, sys, urllib.request
from pathlib import Path
if sys.argv[1] != "build":
    sys.exit(2)
asked = json.dumps({asked!r}).encode()
if {asked!r}:
    urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:{port}/emulator/seed", data=asked)).read()
Path("manifest.json").write_text(json.dumps({{"builds": [{{"artifact_id": "shop-x"}}]}}))
"""


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (None, "there is no such image"),
        ({"status": "FAILED"}, "it is FAILED"),
        ({"status": "PENDING"}, "it is PENDING"),
        ({"status": "READY"}, "it is READY"),
        ({"status": "READY", "labels": {"phoenix-project": "another"}}, "there is no such image"),
    ],
    ids=["none", "failed", "pending for ever", "not described", "another's"],
)
def test_what_packer_says_it_made_is_believed_when_compute_engine_shows_it(
    shop: Shop, programs: Path, fields: dict[str, object] | None, told: str
) -> None:
    own = {"phoenix-project": "shop", "phoenix-type": "foundation", "phoenix-name": "marked"}
    whole = {"description": "x", "diskSizeGb": "10", "labels": own, **(fields or {})}
    asked = {"key": f"projects/{shop.spec.project}/global/images/shop-x", "fields": whole} if fields else None
    request = shop.request()
    script = MADE.format(asked=asked, port=shop.emulator.port)
    (programs / "made.py").write_text(script)
    program(programs / "packer", f'exec {shlex.quote(sys.executable)} {programs}/made.py "$@"')
    with pytest.raises(ToolError, match="what Packer made is not the image shop-x") as caught:
        shop.bake(shop.images(clock=FakeClock()), request)
    assert told in caught.value.details


def test_somebody_elses_image_of_that_name_is_in_the_way_and_left(shop: Shop) -> None:
    shop.emulator.seed(f"projects/{shop.spec.project}/global/images/shop-x", status="READY", labels={"by": "hand"})
    with pytest.raises(RefusedError, match="an image shop-x that this project did not make") as caught:
        shop.bake(shop.images(), shop.request())
    assert caught.value.code == 3
    images = shop.images()
    images.delete("shop-x")
    images.discard("shop-x")
    assert images.find("shop-x") is None
    assert shop.left() == ["images shop-x"]
    assert "compute.instances.insert" not in [call.method for call in shop.emulator.calls()]


def test_debians_packer_is_refused_before_anything_is_made(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(packers.ANYWAY)
    with pytest.raises(RefusedError, match="no image of 'gcp' can be made with what is installed here") as caught:
        shop.bake(shop.images(), shop.request())
    assert caught.value.code == 3
    assert "1.6.6 begins a bake and cannot finish it" in caught.value.details
    assert shop.left() == []
    assert [call for call in shop.emulator.calls() if call.body] == []


def test_compute_engine_refuses_what_debians_packer_sends(shop: Shop) -> None:
    """Without the emulator's forgiveness; it is what the real service answers."""
    shop.emulator.configure(old_packer=False)
    with pytest.raises(ToolError) as caught:
        shop.bake(shop.images(), shop.request())
    assert "An element is null" in caught.value.details
    assert shop.left() == []


@pytest.mark.parametrize("fault", ["lost", "raced"])
def test_labels_that_somebody_else_wrote_meanwhile_are_read_again(shop: Shop, fault: str) -> None:
    images = shop.images()
    image = shop.bake(images, shop.request())
    if fault == "lost":
        shop.emulator.lose_answer("images.setLabels")
    else:
        shop.emulator.fail("images.setLabels", status=412, reason="conditionNotMet")
    tests = (TestResult(name="true", ok=True),)
    proven = images.mark_verified(image, tests, on=Proof.QEMU)
    assert proven == replace(image, verified=True, tests=tests)
    assert shop.marks(image.id)[labels.ROLE] == "image"


def test_what_cannot_be_done_is_refused_before_anything_is_made(shop: Shop) -> None:
    small = shop.images(replace(shop.spec, builder=GcpBuilder(disk=1 << 30)))
    with pytest.raises(RefusedError, match="smaller than the image below"):
        shop.bake(small, shop.request())
    with pytest.raises(CloudError, match="the image shop-gone is gone"):
        shop.bake(shop.images(), shop.request(parent="shop-gone"))
    assert shop.left() == []


def test_the_base_is_the_newest_and_a_part_of_what_is_baked(shop: Shop) -> None:
    plain = shop.images().base(GCP_BASE)
    debian = shop.emulator.world().base_image.rpartition("/")[2]
    assert plain == f"projects/debian-cloud/global/images/{debian}"
    key = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
    keyed = replace(shop.spec, images=GcpImageOptions(kms=key, features=("GVNIC",)), builder=GcpBuilder(disk=20 << 30))
    assert shop.images(keyed).base(GCP_BASE) == f"{plain}, encrypted by {key}, with GVNIC, {20 << 30} bytes"


def test_a_bake_starts_from_the_base_that_its_key_counts(shop: Shop) -> None:
    """Whatever the vendor has published since it was planned."""
    planned = shop.images().base(GCP_BASE)
    newer = "projects/debian-cloud/global/images/debian-12-bookworm-v20270101"
    shop.emulator.seed(newer, family="debian-12", status="READY", diskSizeGb="10")
    assert shop.images().base(GCP_BASE) == newer
    shop.bake(shop.images(), replace(shop.request(parent=None), base=planned))
    (asked,) = [call for call in shop.emulator.calls() if call.method == "compute.instances.insert"]
    assert asked.body["disks"][0]["initializeParams"]["sourceImage"].endswith(planned)


def test_every_image_is_booted(shop: Shop) -> None:
    images = shop.images()
    assert images.proof(lambda _line: None) is Proof.QEMU
    image = shop.bake(images, shop.request())
    images.refuse_unproven(replace(image, verified_on=Proof.QEMU))
    with pytest.raises(RefusedError, match="not verified on a whole machine"):
        images.refuse_unproven(replace(image, verified_on=Proof.LIGHT))
