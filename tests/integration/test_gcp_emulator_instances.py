"""The emulated instances, disks and images, and what a project has from the start."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulators.gcp import Emulator
from tests.emulators.gcp.bench import Bench, Json, failed, names, refused


@pytest.fixture
def bench(gcp: Emulator) -> Bench:
    gcp.configure(speed=0)
    return Bench(gcp)


def quotas(bench: Bench) -> dict[str, tuple[float, float]]:
    shown = bench.call("regions.get")["quotas"]
    return {one["metric"]: (one["usage"], one["limit"]) for one in shown}


def kept(bench: Bench) -> Json:
    """An instance whose disk stays when it is gone."""
    disk = {"boot": True, "autoDelete": False, "initializeParams": {"sourceImage": bench.world.base_image}}
    return bench.instance("one", disks=[disk])


def image(bench: Bench, name: str = "made", **more: Any) -> None:
    disk = f"zones/{bench.world.zones[0]}/disks/one"
    bench.do("images.insert", {"name": name, "sourceDisk": disk, **more})


def test_an_instance_comes_and_goes(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/instances/instance-life-cycle"""
    bench.emulator.configure(creating=30, stopping=20)
    operation = bench.call("instances.insert", bench.instance("one"))
    assert bench.call("instances.get", instance="one")["status"] == "PROVISIONING"
    bench.emulator.advance(10)
    assert bench.call("instances.get", instance="one")["status"] == "STAGING"
    with refused(400, "resourceNotReady"):
        bench.call("instances.delete", instance="one")
    bench.done(operation)
    assert bench.call("instances.get", instance="one")["status"] == "RUNNING"
    operation = bench.call("instances.delete", instance="one")
    assert bench.call("instances.get", instance="one")["status"] == "STOPPING"
    bench.done(operation)
    assert bench.emulator.keys("instances") == bench.emulator.keys("disks") == ()


def test_an_instance_has_addresses_and_disks(bench: Bench) -> None:
    nic = {"network": "global/networks/default", "accessConfigs": [{}]}
    bench.do("instances.insert", bench.instance("one", networkInterfaces=[nic]))
    made = bench.call("instances.get", instance="one")
    (interface,) = made["networkInterfaces"]
    assert interface["networkIP"].startswith("10.")
    assert interface["accessConfigs"][0]["natIP"].startswith("34.")
    assert interface["subnetwork"].endswith("/regions/europe-west1/subnetworks/default")
    (disk,) = made["disks"]
    assert (disk["source"].rpartition("/")[2], "initializeParams" in disk) == ("one", False)
    assert bench.call("disks.get", disk="one")["users"] == [made["selfLink"]]
    with refused(400, "resourceInUseByAnotherResource"):
        bench.call("disks.delete", disk="one")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"machineType": "zones/europe-west1-b/machineTypes/none"}, "none"),
        ({"disks": []}, "disks"),
        ({"networkInterfaces": []}, "networkInterfaces"),
        ({"disks": [{"initializeParams": {"sourceImage": "global/images/hello-1"}}]}, "No boot disk"),
        ({"networkInterfaces": [{"subnetwork": "regions/europe-west1/subnetworks/none"}]}, "not found"),
    ],
)
def test_what_an_instance_cannot_be(bench: Bench, wrong: Any, words: str) -> None:
    with pytest.raises(Exception, match=words):
        bench.call("instances.insert", bench.instance("one", **wrong))


def test_quota_and_resources_are_seen_in_the_operation(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-vm-creation"""
    bench.emulator.configure(quotas={"CPUS": 1})
    with failed("QUOTA_EXCEEDED", "Quota 'CPUS' exceeded.  Limit: 1.0 in region europe-west1."):
        bench.do("instances.insert", bench.instance("one"))
    bench.emulator.configure(quotas={}, short=["europe-west1-b"])
    with failed("ZONE_RESOURCE_POOL_EXHAUSTED", "does not have enough resources"):
        bench.do("instances.insert", bench.instance("one"))
    assert bench.emulator.keys("instances") == bench.emulator.keys("disks") == ()
    bench.emulator.configure(short=[], capacity=0)
    with failed("ZONE_RESOURCE_POOL_EXHAUSTED"):
        bench.do("instances.insert", bench.instance("one"))


def test_quotas_of_a_region_count_what_is_there(bench: Bench) -> None:
    assert quotas(bench)["CPUS"] == (0, 72)
    bench.group(size=3)
    counted = quotas(bench)
    assert (counted["CPUS"], counted["INSTANCES"]) == ((6, 72), (3, 720))
    assert counted["REGIONAL_INSTANCE_GROUP_MANAGERS"] == (1, 100)
    assert counted["DISKS_TOTAL_GB"][0] == 30
    bench.emulator.configure(quotas={"CPUS": 8})
    assert quotas(bench)["CPUS"] == (6, 8)


def test_an_instance_is_stopped_and_started(bench: Bench) -> None:
    bench.do("instances.insert", bench.instance("one"))
    bench.do("instances.stop", instance="one")
    assert bench.call("instances.get", instance="one")["status"] == "TERMINATED"
    bench.do("instances.start", instance="one")
    assert bench.call("instances.get", instance="one")["status"] == "RUNNING"
    bench.do("instances.reset", instance="one")


def test_an_instance_with_a_limited_run_ends_by_itself(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/instances/limit-vm-runtime"""
    limited = {"maxRunDuration": {"seconds": "3600"}, "instanceTerminationAction": "DELETE"}
    bench.do("instances.insert", bench.instance("one", scheduling=limited))
    bench.emulator.advance(3500)
    assert len(bench.emulator.keys("instances")) == 1
    bench.emulator.advance(200)
    assert bench.emulator.keys("instances") == bench.emulator.keys("disks") == ()


def test_a_protected_instance_stays(bench: Bench) -> None:
    bench.do("instances.insert", bench.instance("one"))
    bench.do("instances.setDeletionProtection", resource="one", deletionProtection="true")
    with refused(400, "invalid", "protected"):
        bench.call("instances.delete", instance="one")
    bench.do("instances.setDeletionProtection", resource="one", deletionProtection="false")
    bench.do("instances.delete", instance="one")


def test_metadata_and_tags_have_fingerprints(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/instances/setMetadata"""
    bench.do("instances.insert", bench.instance("one"))
    made = bench.call("instances.get", instance="one")
    items = [{"key": "a", "value": "b"}]
    with refused(412, "conditionNotMet"):
        bench.call("instances.setMetadata", {"items": items}, instance="one")
    marked = {"items": items, "fingerprint": made["metadata"]["fingerprint"]}
    bench.do("instances.setMetadata", marked, instance="one")
    bench.do("instances.setTags", {"items": ["web"], "fingerprint": made["tags"]["fingerprint"]}, instance="one")
    made = bench.call("instances.get", instance="one")
    assert (made["metadata"]["items"], made["tags"]["items"]) == (items, ["web"])


def test_the_console_is_what_a_test_says(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/instances/getSerialPortOutput"""
    bench.do("instances.insert", bench.instance("one"))
    assert bench.call("instances.getSerialPortOutput", instance="one")["contents"] == ""
    bench.emulator.console("hello-1", "it boots\nit fails\n")
    said = bench.call("instances.getSerialPortOutput", instance="one", start=9)
    assert (said["contents"], said["next"]) == ("it fails\n", "18")


def test_an_instance_of_a_template(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/instances/create-vm-from-instance-template"""
    bench.template("web", labels={"a": "b"}, tags={"items": ["web"]})
    bench.do("instances.insert", {"name": "one"}, sourceInstanceTemplate="global/instanceTemplates/web")
    made = bench.call("instances.get", instance="one")
    assert (made["labels"], made["machineType"].rpartition("/")[2]) == ({"a": "b"}, "e2-small")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"machineType": ""}, "machineType"),
        ({"machineType": "zones/europe-west1-b/machineTypes/e2-small"}, "no URL"),
        ({"disks": []}, "disks"),
        ({"metadata": {"items": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}}, "twice"),
    ],
)
def test_what_a_template_cannot_be(bench: Bench, wrong: Any, words: str) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/instanceTemplates/insert"""
    with pytest.raises(Exception, match=words):
        bench.template(**wrong)


def test_a_template_is_never_changed(bench: Bench) -> None:
    bench.template()
    assert not [name for name in _methods(bench) if name.startswith("compute.instanceTemplates.") and "patch" in name]


def _methods(bench: Bench) -> list[str]:
    from tests.emulators.gcp.bench import document

    return list(document().methods)


def test_an_image_is_made_of_a_disk_that_nobody_writes_to(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/images/create-custom"""
    bench.do("instances.insert", kept(bench))
    with refused(400, "resourceInUseByAnotherResource", "is already being used by"):
        image(bench)
    bench.do("instances.delete", instance="one")
    assert [key.rpartition("/")[2] for key in bench.emulator.keys("disks")] == ["one"]
    bench.emulator.configure(image_pending=60)
    disk = f"/compute/v1/projects/shop-test/zones/{bench.world.zones[0]}/disks/one"
    features = [{"type": "UEFI_COMPATIBLE"}]
    operation = bench.call(
        "images.insert",
        {"name": "made", "sourceDisk": disk, "family": "web", "labels": {"a": "b"}, "guestOsFeatures": features},
    )
    assert bench.call("images.get", image="made")["status"] == "PENDING"
    with refused(404, "notFound"):
        bench.call("images.getFromFamily", family="web")
    bench.done(operation)
    made = bench.call("images.getFromFamily", family="web")
    assert (made["name"], made["status"], made["labels"], made["diskSizeGb"]) == ("made", "READY", {"a": "b"}, "10")
    assert made["sourceDisk"].startswith("https://www.googleapis.com/compute/v1/projects/shop-test/zones/")
    bench.do("disks.delete", disk="one")
    bench.do("images.delete", image="made")


def test_an_image_of_a_running_instance_by_force(bench: Bench) -> None:
    bench.do("instances.insert", kept(bench))
    bench.do(
        "images.insert", {"name": "made", "sourceDisk": f"zones/{bench.world.zones[0]}/disks/one"}, forceCreate="true"
    )


def test_the_url_of_debians_packer_is_malformed(bench: Bench) -> None:
    """https://github.com/hashicorp/packer/issues/11511"""
    bench.do("instances.insert", kept(bench))
    bench.do("instances.delete", instance="one")
    disk = f"https://compute.googleapis.com/compute/v1/shop-test/zones/{bench.world.zones[0]}/disks/one"
    with refused(400, "invalid", "The URL is malformed."):
        bench.call("images.insert", {"name": "made", "sourceDisk": disk})
    bench.emulator.configure(old_packer=True)
    bench.do("images.insert", {"name": "made", "sourceDisk": disk})


@pytest.mark.parametrize(
    "sources", [{}, {"sourceDisk": "zones/europe-west1-b/disks/a", "sourceImage": "global/images/hello-1"}]
)
def test_an_image_has_one_source(bench: Bench, sources: Any) -> None:
    bench.emulator.seed("projects/shop-test/zones/europe-west1-b/disks/a", sizeGb="10", status="READY")
    with refused(400, "invalid", "One source"):
        bench.call("images.insert", {"name": "made", **sources})


def test_a_family_has_a_name_as_everything_has(bench: Bench) -> None:
    with refused(400, "invalid", "regex"):
        bench.call("images.insert", {"name": "made", "family": "Web", "sourceImage": bench.world.image})


def test_a_family_is_the_newest_that_is_not_deprecated(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/images/image-families-best-practices"""
    newest = bench.call("images.getFromFamily", project="debian-cloud", family="debian-12")
    assert newest["name"] == "debian-12-bookworm-v20261111"
    for name in ("first", "second"):
        bench.emulator.advance(5)
        bench.do("images.insert", {"name": name, "family": "web", "sourceImage": bench.world.image})
    assert bench.call("images.getFromFamily", family="web")["name"] == "second"
    bench.do("images.deprecate", {"state": "DEPRECATED"}, image="second")
    assert bench.call("images.getFromFamily", family="web")["name"] == "first"
    bench.do("images.deprecate", {}, image="second")
    assert bench.call("images.getFromFamily", family="web")["name"] == "second"
    assert "deprecated" not in bench.call("images.get", image="second")


def test_a_project_has_places_and_types(bench: Bench) -> None:
    assert names(bench.call("regions.list")["items"]) == ["europe-west1", "us-central1"]
    assert bench.call("machineTypes.get", machineType="e2-small")["guestCpus"] == 2
    with refused(404, "notFound"):
        bench.call("machineTypes.get", machineType="none")
    project = bench.call("projects.get")
    assert "fingerprint" in project["commonInstanceMetadata"]
    shared = {**project["commonInstanceMetadata"], "items": [{"key": "a", "value": "b"}]}
    bench.do("projects.setCommonInstanceMetadata", shared)
    assert bench.call("projects.get")["commonInstanceMetadata"]["items"] == shared["items"]
    assert bench.call("projects.getXpnHost") == {}


def test_networks_subnetworks_and_firewalls(bench: Bench) -> None:
    bench.do("networks.insert", {"name": "own", "autoCreateSubnetworks": False})
    subnetwork = {"name": "own", "network": "global/networks/own", "ipCidrRange": "10.0.0.0/20"}
    bench.do("subnetworks.insert", subnetwork)
    rule: Json = {
        "name": "let-in",
        "network": "global/networks/own",
        "sourceRanges": ["35.191.0.0/16"],
        "allowed": [{"IPProtocol": "tcp", "ports": ["8080"]}],
    }
    bench.do("firewalls.insert", rule)
    assert names(bench.call("firewalls.list")["items"]) == ["allow-health-checks", "let-in"]
    nic = {"subnetwork": "regions/europe-west1/subnetworks/own"}
    bench.do("instances.insert", bench.instance("one", networkInterfaces=[nic]))
    (made,) = bench.call("instances.get", instance="one")["networkInterfaces"]
    assert made["network"].endswith("/networks/own")
