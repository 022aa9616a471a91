"""The emulated Google Cloud refuses what Google refuses: each check beside the page that it follows."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.emulators.gcp import Emulator
from tests.emulators.gcp.bench import Bench, failed, names, refused, request_id

CHECK = {"name": "fine", "type": "HTTP"}


@pytest.fixture
def bench(gcp: Emulator) -> Bench:
    return Bench(gcp)


def test_what_fits_is_accepted(bench: Bench) -> None:
    bench.do("healthChecks.insert", CHECK)
    made = bench.call("healthChecks.get", healthCheck="fine")
    assert made["httpHealthCheck"] == {"port": 80, "requestPath": "/"}
    assert made["selfLink"].endswith("/projects/shop-test/global/healthChecks/fine")


@pytest.mark.parametrize(
    ("body", "reason", "words"),
    [
        ({**CHECK, "colour": "red"}, "invalid", 'Unknown name "colour"'),
        ({**CHECK, "check_interval_sec": 5}, "invalid", 'Unknown name "check_interval_sec"'),
        ({**CHECK, "type": "HTPP"}, "invalid", "Must be one of"),
        ({**CHECK, "name": "Bad_Name"}, "invalid", "Must be a match of regex"),
        ({"type": "HTTP"}, "required", "name"),
        ({**CHECK, "checkIntervalSec": "soon"}, "invalid", "Expected an integer"),
        ({**CHECK, "checkIntervalSec": True}, "invalid", "Expected an integer"),
        ({**CHECK, "checkIntervalSec": 2**31}, "invalid", "Out of range"),
        ({**CHECK, "httpHealthCheck": "no object"}, "invalid", "Expected an object"),
        ({**CHECK, "selfLink": "https://example.com"}, "invalid", "output-only"),
        ({**CHECK, "creationTimestamp": "2026"}, "invalid", "output-only"),
        ({**CHECK, "timeoutSec": 10}, "invalid", "greater than checkIntervalSec"),
        ({**CHECK, "tcpHealthCheck": {"port": 80}}, "invalid", "The type is HTTP"),
    ],
)
def test_what_does_not_fit_is_refused(bench: Bench, body: Any, reason: str, words: str) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/healthChecks"""
    with refused(400, reason, words):
        bench.call("healthChecks.insert", body)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"labels": {"phoenix-role": "image_1"}}, ""),
        ({"labels": {"Role": "image"}}, "Label key 'Role' violates"),
        ({"labels": {"role": "Image"}}, "Label value 'Image' violates"),
        ({"labels": {"role": "a.b"}}, "violates"),
        ({"labels": {"role": "a" * 64}}, "violates"),
        ({"labels": {"r" * 64: "a"}}, "violates"),
        ({"labels": {f"k{n}": "" for n in range(65)}}, "At most 64 labels"),
        ({"tags": {"items": ["web-1"]}}, ""),
        ({"tags": {"items": ["Web"]}}, "regex"),
        ({"metadata": {"items": [{"key": "a", "value": "x" * 256 * 1024}]}}, ""),
        ({"metadata": {"items": [{"key": "a", "value": "x" * (256 * 1024 + 1)}]}}, "larger than 262144"),
        ({"metadata": {"items": [{"key": k, "value": "x" * 200_000} for k in "abc"]}}, "larger than 524288"),
        ({"metadata": {"items": [{"key": "a b", "value": ""}]}}, "regex"),
        ({"description": "x" * 2048}, ""),
        ({"description": "x" * 2049}, "At most 2048"),
    ],
)
def test_labels_tags_metadata_and_descriptions_have_limits(bench: Bench, more: Any, words: str) -> None:
    """https://cloud.google.com/compute/docs/labeling-resources#requirements"""
    if not words:
        bench.do("instances.insert", bench.instance("one", **more))
        return
    with refused(400, "invalid", words):
        bench.call("instances.insert", bench.instance("one", **more))


def test_a_fingerprint_that_is_no_base64_is_refused(bench: Bench) -> None:
    with refused(400, "invalid", "Base64"):
        bench.call("urlMaps.patch", {"fingerprint": "!!"}, urlMap="web")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"colour": "red"}, "Unknown name"),
        ({"maxResults": "many"}, "maxResults"),
        ({"maxResults": "501"}, "range of [0, 500]"),
        ({"filter": "name = "}, "filter"),
        ({"returnPartialSuccess": "yes"}, "returnPartialSuccess"),
    ],
)
def test_parameters_are_checked(bench: Bench, given: Any, words: str) -> None:
    with refused(400, "invalid", words):
        bench.call("images.list", **given)


def test_a_parameter_that_is_missing_is_refused(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroupManagers/resize"""
    bench.group()
    with refused(400, "required", "size"):
        bench.call("regionInstanceGroupManagers.resize", instanceGroupManager="web")


def test_null_in_a_list_is_refused_but_for_old_packers(bench: Bench) -> None:
    body = bench.instance("one", metadata={"items": [None, {"key": "a", "value": "b"}]})
    with refused(400, "invalid", "null"):
        bench.call("instances.insert", body)
    bench.emulator.configure(old_packer=True)
    bench.do("instances.insert", body)
    assert bench.call("instances.get", instance="one")["metadata"]["items"] == [{"key": "a", "value": "b"}]


def test_what_nobody_has_is_not_found(bench: Bench) -> None:
    with refused(404, "notFound", "The resource 'projects/shop-test/global/images/none' was not found"):
        bench.call("images.get", image="none")
    with refused(404, "notFound"):
        bench.call("images.get", image="hello-1", project="nobodys")


def test_what_is_there_is_not_made_again(bench: Bench) -> None:
    bench.do("healthChecks.insert", CHECK)
    with refused(409, "alreadyExists"):
        bench.call("healthChecks.insert", CHECK)


def test_what_is_named_must_be_there(bench: Bench) -> None:
    with refused(404, "notFound", "healthChecks/none"):
        bench.call("backendServices.insert", {"name": "web", "healthChecks": ["global/healthChecks/none"]})
    disk = {"boot": True, "initializeParams": {"sourceImage": "global/images/none"}}
    with refused(400, "invalid", "image resource cannot be found"):
        bench.call("instances.insert", bench.instance("one", disks=[disk]))


def test_partial_urls_become_whole_ones(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/regions-zones/global-regional-zonal-resources"""
    bench.backend_service()
    (check,) = bench.service()["healthChecks"]
    assert check == "https://www.googleapis.com/compute/v1/projects/shop-test/global/healthChecks/web-check"


def test_a_change_is_not_there_before_its_operation_is_done(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/api/how-tos/api-requests-responses"""
    bench.emulator.configure(speed=0, operation=10)
    operation = bench.call("healthChecks.insert", CHECK)
    assert operation["status"] == "PENDING"
    bench.emulator.advance(6)
    assert bench.call("globalOperations.get", operation=operation["name"])["status"] == "RUNNING"
    with refused(400, "resourceNotReady"):
        bench.call("healthChecks.delete", healthCheck="fine")
    with refused(400, "resourceNotReady"):
        bench.call("backendServices.insert", {"name": "web", "healthChecks": ["global/healthChecks/fine"]})
    bench.emulator.advance(4)
    done = bench.call("globalOperations.get", operation=operation["name"])
    assert (done["status"], done["progress"], done["operationType"]) == ("DONE", 100, "insert")
    bench.do("healthChecks.delete", healthCheck="fine")


def test_waiting_ends_with_the_operation_and_after_two_minutes(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/globalOperations/wait"""
    bench.emulator.configure(speed=0, operation=100)
    operation = bench.call("healthChecks.insert", CHECK)
    assert bench.call("globalOperations.wait", operation=operation["name"])["status"] == "DONE"
    bench.emulator.configure(operation=500)
    operation = bench.call("healthChecks.delete", healthCheck="fine")
    assert bench.call("globalOperations.wait", operation=operation["name"])["status"] == "PENDING"
    bench.emulator.configure(speed=1)


def test_an_operation_wakes_who_waits_for_it(bench: Bench) -> None:
    bench.emulator.configure(operation=0.3)
    assert bench.do("healthChecks.insert", CHECK)["status"] == "DONE"


def test_a_request_is_carried_out_once(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/samples/compute-request-idempotency"""
    once = request_id()
    first = bench.call("healthChecks.insert", CHECK, requestId=once)
    second = bench.call("healthChecks.insert", CHECK, requestId=once)
    assert (second["name"], second["clientOperationId"]) == (first["name"], once)
    with refused(409, "alreadyExists"):
        bench.call("healthChecks.insert", CHECK, requestId=request_id())


@pytest.mark.parametrize("wrong", ["once", "00000000-0000-0000-0000-000000000000"])
def test_a_request_has_a_uuid(bench: Bench, wrong: str) -> None:
    with refused(400, "invalid", "UUID"):
        bench.call("healthChecks.insert", CHECK, requestId=wrong)


def test_a_stale_fingerprint_is_refused(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/backendServices/update"""
    bench.backend_service()
    before = bench.service()
    bench.do("backendServices.patch", {"fingerprint": before["fingerprint"], "timeoutSec": 20}, backendService="web")
    for verb in ("patch", "update"):
        with refused(412, "conditionNotMet"):
            bench.call(f"backendServices.{verb}", {**before, "timeoutSec": 40}, backendService="web")
        with refused(412, "conditionNotMet"):
            bench.call(f"backendServices.{verb}", {"name": "web", "timeoutSec": 40}, backendService="web")
    after = bench.service()
    assert (after["timeoutSec"], after["fingerprint"] != before["fingerprint"]) == (20, True)


def test_of_two_writers_at_once_the_second_is_refused(bench: Bench) -> None:
    bench.backend_service()
    before = bench.service()
    bench.emulator.configure(speed=0, operation=10)
    bench.call("backendServices.patch", {"fingerprint": before["fingerprint"], "timeoutSec": 20}, backendService="web")
    assert bench.service()["timeoutSec"] == 30
    with refused(400, "resourceNotReady"):
        bench.call("backendServices.patch", {**before, "timeoutSec": 40}, backendService="web")
    bench.emulator.advance(10)
    with refused(412, "conditionNotMet"):
        bench.call("backendServices.patch", {**before, "timeoutSec": 40}, backendService="web")


def test_a_patch_merges_and_an_update_replaces(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/api/how-tos/api-requests-responses#patch"""
    bench.backend_service(iap={"enabled": True, "oauth2ClientId": "a"}, description="first")
    mark = bench.service()["fingerprint"]
    bench.do("backendServices.patch", {"fingerprint": mark, "iap": {"enabled": False}}, backendService="web")
    assert bench.service()["iap"] == {"enabled": False, "oauth2ClientId": "a"}
    mark = bench.service()["fingerprint"]
    bench.do("backendServices.patch", {"fingerprint": mark, "description": None}, backendService="web")
    assert "description" not in bench.service()
    whole = bench.service()
    bench.do("backendServices.update", {k: v for k, v in whole.items() if k != "iap"}, backendService="web")
    assert "iap" not in bench.service()
    assert bench.service()["id"] == whole["id"]


def test_labels_have_a_fingerprint_of_their_own(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/images/setLabels"""
    mark = bench.call("images.get", image="hello-1")["labelFingerprint"]
    bench.do("images.setLabels", {"labels": {"a": "b"}, "labelFingerprint": mark}, resource="hello-1")
    assert bench.call("images.get", image="hello-1")["labels"] == {"a": "b"}
    with refused(412, "conditionNotMet"):
        bench.call("images.setLabels", {"labels": {}, "labelFingerprint": mark}, resource="hello-1")


def test_lists_come_filtered_ordered_and_in_pages(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/zones/list"""
    first = bench.call("zones.list", filter='name eq "europe-.*"', maxResults=2)
    assert names(first["items"]) == ["europe-west1-b", "europe-west1-c"]
    second = bench.call("zones.list", filter='name eq "europe-.*"', maxResults=2, pageToken=first["nextPageToken"])
    assert (names(second["items"]), "nextPageToken" in second) == (["europe-west1-d"], False)
    bench.emulator.configure(page=1)
    assert len(bench.call("zones.list")["items"]) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("family=debian-12", 2),
        ("family!=debian-12", 0),
        ("name=debian-12*", 2),
        ("name:20261111", 1),
        ("(family=debian-12) AND (name:20261111)", 1),
        ("(family=debian-12)(name:20261111)", 1),
        ("name:20261010 OR name:20261111", 2),
        ("NOT name:20261010", 1),
        ("diskSizeGb>9", 2),
        ("labels.a:*", 0),
        ('name ne ".*1010"', 1),
    ],
)
def test_filters(bench: Bench, text: str, found: int) -> None:
    assert len(bench.call("images.list", project="debian-cloud", filter=text).get("items", [])) == found


def test_an_aggregated_list_is_by_place_and_says_what_it_could_not_reach(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/instances/aggregatedList"""
    bench.group(size=3)
    found = bench.call("instances.aggregatedList")
    assert {place: len(each.get("instances", [])) for place, each in found["items"].items()} == {
        **{f"zones/{zone}": 1 for zone in bench.world.zones},
        **{f"zones/us-central1-{letter}": 0 for letter in "abcf"},
    }
    assert found["items"]["zones/us-central1-a"]["warning"]["code"] == "NO_RESULTS_ON_PAGE"
    bench.emulator.configure(unreachable=[bench.world.zones[0]])
    found = bench.call("instances.aggregatedList")
    assert (found["unreachables"], len(found["items"])) == ([f"zones/{bench.world.zones[0]}"], 6)


def test_an_answer_has_the_fields_that_were_asked_for(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/api/how-tos/performance#partial"""
    bench.group(size=1)
    found = bench.call("instances.aggregatedList", fields="items/*/instances(name,networkInterfaces/networkIP)")
    (instance,) = (one for place in found["items"].values() for one in place.get("instances", []))
    assert set(found) == {"items"}
    assert set(instance) == {"name", "networkInterfaces"}
    assert set(instance["networkInterfaces"][0]) == {"networkIP"}
    image = bench.call("images.get", image="hello-1", headers={"X-Goog-FieldMask": "name,family"})
    assert image == {"name": "hello-1", "family": "hello"}
    with refused(400, "invalidParameter", "colour"):
        bench.call("images.get", image="hello-1", fields="name,colour")


def test_what_is_used_cannot_be_deleted(bench: Bench) -> None:
    bench.served()
    given: Any
    for method, given in (
        ("backendServices.delete", {"backendService": "web"}),
        ("healthChecks.delete", {"healthCheck": "web-check"}),
        ("instanceTemplates.delete", {"instanceTemplate": "web-template"}),
        ("regionInstanceGroupManagers.delete", {"instanceGroupManager": "web"}),
        ("urlMaps.delete", {"urlMap": "web"}),
        ("targetHttpProxies.delete", {"targetHttpProxy": "web"}),
        ("networks.delete", {"network": "default"}),
    ):
        with refused(400, "resourceInUseByAnotherResource", "is already being used by"):
            bench.call(method, **given)


def test_a_call_can_be_refused_and_the_next_is_not(bench: Bench) -> None:
    bench.emulator.fail("images.get", reason="rateLimitExceeded", status=403, times=2, skip=1)
    bench.call("images.get", image="hello-1")
    for _ in range(2):
        with refused(403, "rateLimitExceeded"):
            bench.call("images.get", image="hello-1")
    bench.call("images.get", image="hello-1")


def test_an_operation_can_end_with_an_error_and_nothing_is_done(bench: Bench) -> None:
    bench.emulator.fail("healthChecks.(insert|delete)", code="INTERNAL_ERROR", times=1)
    with failed("INTERNAL_ERROR"):
        bench.do("healthChecks.insert", CHECK)
    with refused(404, "notFound"):
        bench.call("healthChecks.get", healthCheck="fine")
    bench.do("healthChecks.insert", CHECK)
    bench.emulator.fail("healthChecks.delete", code="INTERNAL_ERROR")
    with failed("INTERNAL_ERROR"):
        bench.do("healthChecks.delete", healthCheck="fine")
    bench.do("healthChecks.delete", healthCheck="fine")


def test_what_was_made_beside_a_thing_goes_with_it_when_its_operation_fails(bench: Bench) -> None:
    bench.emulator.fail("(instances|regionInstanceGroupManagers).insert", code="INTERNAL_ERROR", times=2)
    with failed("INTERNAL_ERROR"):
        bench.do("instances.insert", bench.instance("one"))
    with failed("INTERNAL_ERROR"):
        bench.group(size=1)
    for noun in ("instances", "disks", "instanceGroups", "instanceGroupManagers"):
        assert bench.emulator.keys(noun) == ()
    bench.do("instances.insert", bench.instance("one"))
    bench.group(size=1, instanceTemplate="global/instanceTemplates/web-template")
    bench.emulator.fail("instances.stop", code="INTERNAL_ERROR")
    with failed("INTERNAL_ERROR"):
        bench.do("instances.stop", instance="one")
    assert bench.call("instances.get", instance="one")["status"] == "RUNNING"


def test_an_answer_can_be_lost_after_the_call_was_carried_out(bench: Bench) -> None:
    bench.emulator.lose_answer("healthChecks.insert")
    once = request_id()
    with pytest.raises(requests.ConnectionError):
        bench.call("healthChecks.insert", CHECK, requestId=once)
    bench.done(bench.call("healthChecks.insert", CHECK, requestId=once))
    assert [call.status for call in bench.emulator.calls() if call.method.endswith("healthChecks.insert")] == [0, 200]


def test_calls_are_recorded_with_the_permissions_that_they_need(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/instances/insert (IAM Permissions)"""
    bench.call("instances.insert", bench.instance("one", serviceAccounts=[{"email": "a@b", "scopes": []}]))
    (call,) = (call for call in bench.emulator.calls() if call.method == "compute.instances.insert")
    assert (call.status, call.caller) == (200, "phoenix@shop-test.iam.gserviceaccount.com")
    assert set(call.permissions) == {
        "compute.disks.create",
        "compute.images.useReadOnly",
        "compute.instances.create",
        "compute.instances.setServiceAccount",
        "compute.networks.use",
        "compute.subnetworks.use",
        "iam.serviceAccounts.actAs",
    }


def test_a_permission_that_nobody_has(bench: Bench) -> None:
    bench.emulator.configure(denied=["compute.images.*"])
    with refused(403, "forbidden", "Required 'compute.images.get' permission"):
        bench.call("images.get", image="hello-1")
    asked = {"permissions": ["compute.images.get", "compute.instances.get"]}
    said = bench.call("instanceTemplates.testIamPermissions", asked, resource="any")
    assert said == {"permissions": ["compute.instances.get"]}
