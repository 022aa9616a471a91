"""The emulated managed instance groups: what they do by themselves, by the clock.

https://cloud.google.com/compute/docs/instance-groups/working-with-managed-instances
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.emulators.gcp import Emulator
from tests.emulators.gcp.bench import Bench, Json, refused

HEALED = [{"healthCheck": "global/healthChecks/web-autohealing", "initialDelaySec": 100}]
BOTH = pytest.mark.parametrize("zonal", [False, True], ids=["regional", "zonal"])


@pytest.fixture
def bench(gcp: Emulator) -> Bench:
    gcp.configure(speed=0)
    return Bench(gcp)


def zones(bench: Bench, name: str = "web") -> Counter[str]:
    return Counter(member["instance"].split("/")[-3] for member in bench.members(name))


def patched(bench: Bench, body: Json, name: str = "web") -> None:
    bench.do("regionInstanceGroupManagers.patch", body, instanceGroupManager=name)


@BOTH
def test_a_group_is_there_before_its_members(bench: Bench, zonal: bool) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroupManagers/insert"""
    bench.emulator.configure(creating=60)
    bench.group(size=2, zonal=zonal, autoHealingPolicies=HEALED)
    assert bench.actions(zonal=zonal) == ["CREATING", "CREATING"]
    assert not bench.stable(zonal=zonal)
    bench.emulator.sick("web")
    bench.emulator.advance(61)
    assert bench.manager(zonal=zonal)["currentActions"]["verifying"] == 2
    assert not bench.stable(zonal=zonal)
    bench.emulator.well("web")
    assert bench.actions(zonal=zonal) == ["NONE", "NONE"]
    assert bench.stable(zonal=zonal)
    assert {member["instanceStatus"] for member in bench.members(zonal=zonal)} == {"RUNNING"}


def test_members_are_named_placed_and_marked(bench: Bench) -> None:
    bench.group(size=4)
    assert sorted(zones(bench).values()) == [1, 1, 2]
    assert all(member["name"].startswith("web-") for member in bench.members())
    zone, name = bench.members()[0]["instance"].split("/")[-3::2]
    made = bench.call("instances.get", zone=zone, instance=name)
    items = {item["key"]: item["value"] for item in made["metadata"]["items"]}
    assert items["created-by"] == "projects/123456789012/regions/europe-west1/instanceGroupManagers/web"
    assert items["instance-template"].endswith("/instanceTemplates/web-template")


def test_verifying_ends_with_the_initial_delay(bench: Bench) -> None:
    bench.emulator.sick("web")
    bench.group(size=1, autoHealingPolicies=HEALED)
    bench.emulator.advance(99)
    assert bench.actions() == ["VERIFYING"]
    bench.emulator.advance(1)
    assert bench.actions() == ["NONE"]


def test_a_sick_member_is_made_again_under_its_name(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/instance-groups/about-repairs-for-ha-vms-in-migs"""
    bench.group(size=2, autoHealingPolicies=HEALED)
    before = {member["name"]: member["id"] for member in bench.members()}
    bench.emulator.configure(creating=30)
    name = min(before)
    bench.emulator.sick(name)
    bench.emulator.advance(11)
    assert bench.actions() == ["NONE", "RECREATING"]
    bench.emulator.well(name)
    bench.emulator.advance(31)
    after = {member["name"]: member["id"] for member in bench.members()}
    assert (set(after), bench.stable()) == (set(before), True)
    assert [each for each in before if before[each] != after[each]] == [name]


def test_a_member_that_somebody_deletes_or_stops_is_made_again(bench: Bench) -> None:
    bench.group(size=2)
    for verb, member in zip(("delete", "stop"), bench.members(), strict=True):
        zone = member["instance"].split("/")[-3]
        bench.do(f"instances.{verb}", zone=zone, instance=member["name"])
    bench.emulator.advance(12)
    assert (bench.actions(), bench.stable()) == (["NONE", "NONE"], True)


def test_a_group_can_be_told_not_to_repair(bench: Bench) -> None:
    bench.group(size=1, autoHealingPolicies=HEALED, instanceLifecyclePolicy={"defaultActionOnFailure": "DO_NOTHING"})
    (before,) = bench.members()
    bench.emulator.sick("web")
    bench.emulator.advance(500)
    assert bench.members()[0]["id"] == before["id"]
    assert bench.members()[0]["instanceHealth"][0]["detailedHealthState"] == "UNHEALTHY"


@BOTH
def test_a_group_is_resized(bench: Bench, zonal: bool) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroupManagers/resize"""
    bench.group(size=1, zonal=zonal)
    for size in (4, 2, 0):
        bench.do(f"{bench.managers(zonal)}.resize", instanceGroupManager="web", size=size)
        bench.emulator.advance(1)
        assert (len(bench.members(zonal=zonal)), bench.stable(zonal=zonal)) == (size, True)
    assert bench.emulator.keys("instances") == bench.emulator.keys("disks") == ()


def test_members_that_serve_are_drained_before_they_end(bench: Bench) -> None:
    """ "[...] it can take up to 60 seconds after the connection draining duration has elapsed": resize."""
    bench.group(size=2)
    bench.backend_service("web", "web", connectionDraining={"drainingTimeoutSec": 300})
    bench.do("regionInstanceGroupManagers.resize", instanceGroupManager="web", size=1)
    bench.emulator.advance(299)
    assert (bench.actions(), len(bench.emulator.keys("instances"))) == (["DELETING", "NONE"], 2)
    bench.emulator.advance(2)
    assert (bench.actions(), len(bench.emulator.keys("instances"))) == (["NONE"], 1)


def test_quota_is_seen_in_list_errors_only(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/instance-groups/troubleshoot-migs-creating-vms"""
    bench.emulator.configure(quotas={"CPUS": 4}, retry=60)
    bench.group(size=3)
    assert (bench.actions(), bench.stable()) == (["CREATING", "NONE", "NONE"], False)
    assert bench.errors() == ["QUOTA_EXCEEDED"]
    (stuck,) = (member for member in bench.members() if member["currentAction"] == "CREATING")
    assert "Limit: 4.0 in region europe-west1" in stuck["lastAttempt"]["errors"]["errors"][0]["message"]
    bench.emulator.advance(125)
    assert bench.errors() == ["QUOTA_EXCEEDED"] * 3
    bench.emulator.configure(quotas={})
    bench.emulator.advance(61)
    assert bench.stable()


@pytest.mark.parametrize(("shape", "spread"), [("EVEN", [1, 1, 1]), ("BALANCED", [1, 2]), ("ANY", [1, 2])])
def test_a_zone_without_resources(bench: Bench, shape: str, spread: list[int]) -> None:
    """https://cloud.google.com/compute/docs/instance-groups/regional-mig-distribution-shape"""
    bench.emulator.configure(short=[bench.world.zones[0]])
    bench.group(size=3, distributionPolicy={"targetShape": shape})
    bench.emulator.advance(40)
    assert sorted(zones(bench).values()) == spread
    assert bench.stable() == (shape != "EVEN")
    assert set(bench.errors()) == {"ZONE_RESOURCE_POOL_EXHAUSTED"}


def test_a_group_that_creates_for_ever(bench: Bench) -> None:
    bench.emulator.configure(creating=10**9)
    bench.group(size=2)
    bench.emulator.advance(36000)
    assert (bench.actions(), bench.errors()) == (["CREATING", "CREATING"], [])


def test_what_a_group_does_by_itself_can_fail(bench: Bench) -> None:
    bench.emulator.fail("group.create", code="RESOURCE_OPERATION_RATE_EXCEEDED", message="slower", times=1)
    bench.group(size=1)
    assert bench.errors() == ["RESOURCE_OPERATION_RATE_EXCEEDED"]
    bench.emulator.advance(16)
    assert bench.stable()


def test_an_image_that_is_gone_is_seen_in_list_errors(bench: Bench) -> None:
    bench.template("web-template")
    bench.do("images.delete", image="hello-1")
    bench.group(size=1, instanceTemplate="global/instanceTemplates/web-template")
    assert bench.errors() == ["NOT_FOUND"]


def test_members_are_deleted_abandoned_and_made_again_by_name(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroupManagers/abandonInstances"""
    bench.group(size=4)
    first, second, third, _fourth = (member["instance"] for member in bench.members())
    ids = {member["instance"]: member["id"] for member in bench.members()}
    manager: Any = {"instanceGroupManager": "web"}
    bench.do("regionInstanceGroupManagers.deleteInstances", {"instances": [first]}, **manager)
    bench.do("regionInstanceGroupManagers.abandonInstances", {"instances": [second]}, **manager)
    bench.do("regionInstanceGroupManagers.recreateInstances", {"instances": [third]}, **manager)
    bench.emulator.advance(1)
    assert (bench.manager()["targetSize"], len(bench.members()), bench.stable()) == (2, 2, True)
    assert {member["instance"]: member["id"] for member in bench.members()}[third] != ids[third]
    there = [key.rpartition("/")[2] for key in bench.emulator.keys("instances")]
    assert (second.rpartition("/")[2] in there, first.rpartition("/")[2] in there) == (True, False)
    with refused(400, "invalid", "It is no instance of"):
        bench.call("regionInstanceGroupManagers.deleteInstances", {"instances": [first]}, **manager)
    skipping = {"instances": [first, third], "skipInstancesOnValidationError": True}
    bench.do("regionInstanceGroupManagers.deleteInstances", skipping, **manager)
    assert bench.manager()["targetSize"] == 1


def test_members_of_a_name(bench: Bench) -> None:
    bench.group(size=0)
    asked = {"instances": [{"name": "web-one"}, {"name": "web-two"}]}
    bench.do("regionInstanceGroupManagers.createInstances", asked, instanceGroupManager="web")
    bench.emulator.advance(1)
    assert ([member["name"] for member in bench.members()], bench.manager()["targetSize"]) == (
        ["web-one", "web-two"],
        2,
    )


def test_another_template_waits_unless_the_update_is_proactive(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/instance-groups/rolling-out-updates-to-managed-instance-groups"""
    bench.group(size=2)
    bench.template("next")
    patched(bench, {"instanceTemplate": "global/instanceTemplates/next"})
    bench.emulator.advance(60)
    templates = {member["version"]["instanceTemplate"].rpartition("/")[2] for member in bench.members()}
    assert (templates, bench.manager()["status"]["versionTarget"]["isReached"]) == ({"web-template"}, False)
    patched(bench, {"updatePolicy": {"type": "PROACTIVE"}})
    bench.emulator.advance(60)
    templates = {member["version"]["instanceTemplate"].rpartition("/")[2] for member in bench.members()}
    assert (templates, bench.manager()["status"]["versionTarget"]["isReached"]) == ({"next"}, True)


def test_a_version_may_have_a_size_of_its_own(bench: Bench) -> None:
    bench.template("a")
    bench.template("b")
    versions = [
        {"name": "a", "instanceTemplate": "global/instanceTemplates/a"},
        {"name": "b", "instanceTemplate": "global/instanceTemplates/b", "targetSize": {"fixed": 1}},
    ]
    bench.group(size=3, versions=versions, instanceTemplate=None)
    assert sorted(member["version"]["name"] for member in bench.members()) == ["a", "a", "b"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"targetSize": -1}, "targetSize"),
        ({"versions": [], "instanceTemplate": ""}, "instanceTemplate"),
        ({"autoHealingPolicies": HEALED * 2}, "only one"),
        ({"autoHealingPolicies": [{"initialDelaySec": 3601}]}, "initialDelaySec"),
        ({"namedPorts": [{"name": "http", "port": 80}]}, "output-only"),
        ({"distributionPolicy": {"zones": [{"zone": "zones/us-central1-a"}]}}, "no zone of the region"),
        ({"updatePolicy": {"maxSurge": {"fixed": 1}}}, "maxSurge"),
        ({"updatePolicy": {"maxUnavailable": {"percent": 50}}}, "Percent"),
    ],
)
def test_what_a_group_cannot_be(bench: Bench, wrong: Any, words: str) -> None:
    bench.template("a")
    body = {"name": "web", "targetSize": 1, "instanceTemplate": "global/instanceTemplates/a", **wrong}
    with pytest.raises(Exception, match=words):
        bench.call("regionInstanceGroupManagers.insert", body)


def test_zones_and_the_base_name_stay(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/instance-groups/regional-mig-set-target-distribution-shape#limitations"""
    bench.group(distributionPolicy={"zones": [{"zone": f"zones/{bench.world.zones[1]}"}]})
    assert set(zones(bench)) == {bench.world.zones[1]}
    with refused(400, "invalid", "Zones cannot be changed"):
        patched(bench, {"distributionPolicy": {"zones": [{"zone": f"zones/{bench.world.zones[0]}"}]}})
    with refused(400, "invalid", "baseInstanceName"):
        patched(bench, {"baseInstanceName": "other"})
    patched(bench, {"distributionPolicy": {"targetShape": "ANY"}, "autoHealingPolicies": HEALED})
    assert bench.manager()["distributionPolicy"]["targetShape"] == "ANY"


def test_named_ports_are_set_at_the_instance_group(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroups/setNamedPorts"""
    bench.group(size=1)
    assert bench.manager()["namedPorts"] == [{"name": "http", "port": 8080}]
    group = bench.call("regionInstanceGroups.get", instanceGroup="web")
    assert (group["size"], group["namedPorts"]) == (1, [{"name": "http", "port": 8080}])
    with refused(412, "conditionNotMet"):
        wrong = {"namedPorts": [], "fingerprint": "AAAAAAAAAAA="}
        bench.call("regionInstanceGroups.setNamedPorts", wrong, instanceGroup="web")
    listed = bench.call("regionInstanceGroups.listInstances", {"instanceState": "RUNNING"}, instanceGroup="web")
    assert [(one["status"], one["namedPorts"][0]["port"]) for one in listed["items"]] == [("RUNNING", 8080)]


def test_a_group_goes_with_all_its_members(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroupManagers/delete"""
    bench.group(size=2)
    bench.emulator.configure(stopping=50)
    operation = bench.call("regionInstanceGroupManagers.delete", instanceGroupManager="web")
    bench.emulator.advance(49)
    assert bench.actions() == ["DELETING", "DELETING"]
    assert bench.call("regionOperations.get", operation=operation["name"])["status"] == "RUNNING"
    bench.emulator.advance(2)
    assert bench.call("regionOperations.get", operation=operation["name"])["status"] == "DONE"
    for noun in ("instances", "disks", "instanceGroups", "instanceGroupManagers"):
        assert bench.emulator.keys(noun) == ()


@BOTH
def test_an_autoscaler_sets_the_size(bench: Bench, zonal: bool) -> None:
    """https://cloud.google.com/compute/docs/autoscaler/managing-autoscalers"""
    bench.group(size=2, zonal=zonal)
    scalers = "autoscalers" if zonal else "regionAutoscalers"
    target = bench.manager(zonal=zonal)["selfLink"]
    policy = {"minNumReplicas": 3, "maxNumReplicas": 6, "coolDownPeriodSec": 30}
    bench.do(f"{scalers}.insert", {"name": "web", "target": target, "autoscalingPolicy": policy})
    made = bench.call(f"{scalers}.get", autoscaler="web")
    assert (made["recommendedSize"], made["autoscalingPolicy"]["mode"], made["status"]) == (3, "ON", "ACTIVE")
    assert bench.manager(zonal=zonal)["targetSize"] == 3
    assert bench.manager(zonal=zonal)["status"]["autoscaler"] == made["selfLink"]
    assert [bench.emulator.load("web", wanted) for wanted in (5, 9, 1)] == [5, 6, 3]
    with refused(400, "invalid", "set by the autoscaler"):
        bench.call(f"{bench.managers(zonal)}.resize", instanceGroupManager="web", size=1)
    with refused(400, "resourceInUseByAnotherResource"):
        bench.call(f"{bench.managers(zonal)}.delete", instanceGroupManager="web")


def test_an_autoscaler_that_only_scales_out(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/autoscaler/managing-autoscalers#turn_off_or_restrict"""
    bench.group(size=2)
    target = bench.manager()["selfLink"]
    policy = {"minNumReplicas": 1, "maxNumReplicas": 6}
    bench.do("regionAutoscalers.insert", {"name": "web", "target": target, "autoscalingPolicy": policy})
    bench.emulator.load("web", 4)
    patch: Json = {"autoscalingPolicy": {"mode": "ONLY_SCALE_OUT"}}
    bench.do("regionAutoscalers.patch", patch, autoscaler="web")
    assert [bench.emulator.load("web", wanted) for wanted in (2, 5)] == [4, 5]
    bench.emulator.load("web", 1)
    assert bench.call("regionAutoscalers.get", autoscaler="web")["recommendedSize"] == 1
    patch = {"name": "web", "autoscalingPolicy": {"minNumReplicas": 6}}
    bench.do("regionAutoscalers.patch", patch)
    assert bench.manager()["targetSize"] == 6
    bench.do("regionAutoscalers.patch", {"autoscalingPolicy": {"mode": "OFF", "minNumReplicas": 1}}, autoscaler="web")
    assert bench.emulator.load("web", 2) == 6
    bench.do("regionInstanceGroupManagers.resize", instanceGroupManager="web", size=3)
    whole = bench.call("regionAutoscalers.get", autoscaler="web")
    bench.do("regionAutoscalers.update", {**whole, "autoscalingPolicy": {"maxNumReplicas": 5}}, autoscaler="web")
    assert bench.manager()["targetSize"] == 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"autoscalingPolicy": {}}, "maxNumReplicas"),
        ({"autoscalingPolicy": {"minNumReplicas": 3, "maxNumReplicas": 2}}, "lower than the minimum"),
        ({"target": None}, "target"),
        ({"target": "zones/europe-west1-b/instanceGroupManagers/zonal"}, "of the same place"),
    ],
)
def test_what_an_autoscaler_cannot_be(bench: Bench, wrong: Any, words: str) -> None:
    bench.group(size=0)
    bench.group("zonal", size=0, zonal=True)
    body = {"name": "web", "target": bench.manager()["selfLink"], "autoscalingPolicy": {"maxNumReplicas": 5}, **wrong}
    with pytest.raises(Exception, match=words):
        bench.call("regionAutoscalers.insert", body)


def test_a_group_has_one_autoscaler(bench: Bench) -> None:
    bench.group(size=1)
    body = {"name": "web", "target": bench.manager()["selfLink"], "autoscalingPolicy": {"maxNumReplicas": 5}}
    bench.do("regionAutoscalers.insert", body)
    with refused(400, "invalid", "has an autoscaler"):
        bench.call("regionAutoscalers.insert", {**body, "name": "other"})
