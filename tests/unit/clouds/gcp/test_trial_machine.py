"""The machine of a verification: how it is started, and what is seen of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phoenix.clouds.gcp.bake import image_reading
from phoenix.clouds.gcp.bake.trial_machine import TrialMachine
from phoenix.clouds.gcp.bake.way_in import WayIn
from phoenix.errors import UnreachableError
from phoenix.spec.clouds import GcpBuilder, GcpCloud, GcpReach
from phoenix.wait import Look, Verdict
from tests.unit.clouds.gcp.asked import SPEC, Asked, no

LINK = "https://www.googleapis.com/compute/v1/projects/acme-prod/global/images/shop-os-1"
IMAGE = image_reading.gce_image({"name": "shop-os-1", "selfLink": LINK, "diskSizeGb": "10"})
WAY = WayIn(key=Path("/key"), metadata={"ssh-keys": "phoenix-builder:ssh-ed25519 AAAA phoenix-builder"})
MARKS = {"team": "web", "phoenix-role": "trial"}
KEY = "projects/acme-prod/locations/us/keyRings/images/cryptoKeys/disk"


def machine(calls: Asked, *, public: bool = True) -> TrialMachine:
    return TrialMachine(calls=calls, name="m-1", zone="us-central1-b", public=public)


def started(spec: GcpCloud) -> dict[str, Any]:
    calls = Asked()
    machine(calls).start(spec, IMAGE, WAY, MARKS, lambda: None)
    (asked,) = calls.of("instances.insert")
    assert asked["zone"] == "us-central1-b"
    return dict(asked["body"])


def test_it_is_labelled_as_is_its_disk_and_ends_for_good() -> None:
    assert started(SPEC) == {
        "name": "m-1",
        "labels": MARKS,
        "machineType": "zones/us-central1-b/machineTypes/e2-standard-2",
        "disks": [
            {
                "boot": True,
                "autoDelete": True,
                "initializeParams": {
                    "sourceImage": LINK,
                    "diskType": "zones/us-central1-b/diskTypes/pd-balanced",
                    "labels": MARKS,
                },
            }
        ],
        "networkInterfaces": [
            {
                "network": "projects/acme-prod/global/networks/default",
                "accessConfigs": [{"name": "External NAT", "type": "ONE_TO_ONE_NAT"}],
            }
        ],
        "metadata": {
            "items": [
                {"key": "block-project-ssh-keys", "value": "TRUE"},
                {"key": "enable-oslogin", "value": "FALSE"},
                {"key": "ssh-keys", "value": "phoenix-builder:ssh-ed25519 AAAA phoenix-builder"},
            ]
        },
        "scheduling": {
            "maxRunDuration": {"seconds": "5400"},
            "instanceTerminationAction": "DELETE",
            "provisioningModel": "STANDARD",
        },
    }


def test_it_is_started_as_builders_are() -> None:
    builder = GcpBuilder(
        type="n2-standard-4",
        disk_type="pd-ssd",
        zone="us-central1-f",
        identity="builder@acme-prod.iam.gserviceaccount.com",
        scopes=("https://www.googleapis.com/auth/compute",),
        firewall=("ssh",),
        reach=GcpReach.IAP,
        spot=True,
        secure_boot=True,
        max_run_duration=600.0,
        kms=KEY,
    )
    body = started(replace(SPEC, network="", subnetwork="web", host_project="acme-network", builder=builder))
    assert body["machineType"] == "zones/us-central1-f/machineTypes/n2-standard-4"
    assert body["disks"][0]["diskEncryptionKey"] == {"kmsKeyName": KEY}
    assert body["disks"][0]["initializeParams"]["diskType"] == "zones/us-central1-f/diskTypes/pd-ssd"
    shared = "projects/acme-network/regions/us-central1/subnetworks/web"
    assert body["networkInterfaces"] == [{"subnetwork": shared}], "no external address"
    assert body["serviceAccounts"] == [{"email": builder.identity, "scopes": list(builder.scopes)}]
    assert body["tags"] == {"items": ["ssh"]}
    assert body["shieldedInstanceConfig"] == {
        "enableSecureBoot": True,
        "enableVtpm": True,
        "enableIntegrityMonitoring": True,
    }
    assert body["scheduling"]["provisioningModel"] == "SPOT"
    assert body["scheduling"]["maxRunDuration"] == {"seconds": "600"}


CARD = {"networkIP": "10.0.0.2", "accessConfigs": [{"natIP": "34.1.2.3"}]}
RUNS = {"status": "RUNNING", "networkInterfaces": [CARD]}


@pytest.mark.parametrize(
    ("described", "verdict", "seen"),
    [
        ({"status": "STAGING"}, Verdict.UNKNOWN, "the machine is STAGING"),
        (RUNS, Verdict.PASS, "the machine is RUNNING at 34.1.2.3"),
        ({"status": "RUNNING"}, Verdict.UNKNOWN, "the machine is RUNNING at "),
        ({"status": "TERMINATED", "statusMessage": "preempted"}, Verdict.FAIL, "the machine is TERMINATED: preempted"),
        ({"status": "STOPPING"}, Verdict.FAIL, "the machine is STOPPING"),
        (None, Verdict.FAIL, "the machine is gone"),
    ],
)
def test_what_is_seen_of_it(described: dict[str, Any] | None, verdict: Verdict, seen: str) -> None:
    assert machine(Asked(instances__get=described)).look() == Look(verdict=verdict, seen=seen)


def test_where_it_is_reached() -> None:
    assert machine(Asked(instances__get=RUNS)).address() == "34.1.2.3"
    assert machine(Asked(instances__get=RUNS), public=False).address() == "10.0.0.2"
    assert machine(Asked(instances__get=None)).address() == ""


def test_no_answer_is_not_that_it_is_gone() -> None:
    with pytest.raises(UnreachableError):
        machine(Asked(instances__get=UnreachableError("no answer"))).look()


def test_of_a_way_that_is_not_open_yet_it_is_told_whether_it_still_can_be() -> None:
    waiting, lost = Look(verdict=Verdict.UNKNOWN, seen="refused"), Look(verdict=Verdict.FAIL, seen="x")
    assert machine(Asked(instances__get=RUNS)).or_ended(waiting) == waiting
    assert machine(Asked(instances__get=None)).or_ended(waiting).verdict is Verdict.FAIL
    assert machine(Asked(instances__get=RUNS)).or_ended(lost) == lost


def test_its_console_is_told_where_google_tells_it() -> None:
    assert machine(Asked(instances__getSerialPortOutput={"contents": "login: "})).console() == "login: "
    assert machine(Asked(instances__getSerialPortOutput=no("resourceNotReady"))).console() == ""
