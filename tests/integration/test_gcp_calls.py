"""The one place that speaks to Google, with the real SDK: what is sent, what comes back, and what is raised."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix.clouds.gcp import calls as spoken
from phoenix.clouds.gcp import links
from phoenix.clouds.gcp.calls import Calls, RefusedCallError, StaleError
from phoenix.errors import CloudError, UnreachableError
from phoenix.spec.clouds import GcpCloud
from tests.emulators.gcp import Emulator, World

CHECK = {"name": "check", "type": "HTTP", "httpHealthCheck": {"port": 8080, "requestPath": "/"}}


@pytest.fixture
def world(gcp: Emulator) -> World:
    return gcp.world()


@pytest.fixture
def calls(world: World) -> Calls:
    return Calls(spec(world))


def spec(world: World, impersonate: str | None = None) -> GcpCloud:
    return GcpCloud(name="gcp", project=world.project, region=world.region, impersonate=impersonate)


def test_a_thing_is_a_plain_mapping_with_the_names_of_the_reference(calls: Calls, world: World) -> None:
    told = calls.ask("images", image="hello-1")
    assert (told["name"], told["selfLink"]) == ("hello-1", world.image)
    assert told["diskSizeGb"] == "10", "numbers of 64 bits are texts"


def test_what_is_not_there_is_none_where_that_is_asked_for_and_nothing_else_is(calls: Calls, gcp: Emulator) -> None:
    assert calls.find("images", image="gone") is None
    with pytest.raises(RefusedCallError) as refused:
        calls.ask("images", image="gone")
    assert refused.value.said == "notFound"
    assert "https://" not in refused.value.details
    gcp.configure(denied=["compute.images.get"])
    with pytest.raises(RefusedCallError):
        calls.find("images", image="hello-1")
    gcp.configure(denied=[])
    gcp.fail("images.get", reason="backendError", times=2)
    with pytest.raises(UnreachableError):
        calls.find("images", image="hello-1")


def test_lists_are_read_to_their_end(calls: Calls, gcp: Emulator, world: World) -> None:
    gcp.configure(page=1)
    for name in ("one", "two", "three"):
        gcp.seed(f"projects/{world.project}/global/images/{name}", status="READY")
        for zone in world.zones:
            gcp.seed(f"projects/{world.project}/zones/{zone}/disks/{name}", sizeGb="10")
    gcp.forget_calls()
    assert {each["name"] for each in calls.pages("images")} == {"hello-1", "one", "two", "three"}
    assert len(gcp.calls()) == 4
    told = calls.pages("disks", "aggregatedList", filter="name = two")
    assert sorted(links.part_of(each["selfLink"], "zones") for each in told) == sorted(world.zones)


def test_only_what_is_wanted_of_a_list_is_sent(calls: Calls) -> None:
    (first, *_others) = calls.pages("images", fields="items/name,nextPageToken")
    assert first == {"name": "hello-1"}


def test_a_part_of_a_list_is_not_taken_for_the_whole(calls: Calls) -> None:
    with pytest.raises(UnreachableError, match="only a part"):
        spoken._refuse_partial("compute.instances.aggregatedList", {"unreachables": ["zones/europe-west1-b"]})
    spoken._refuse_partial("compute.instances.aggregatedList", {"items": {}})


def test_a_change_is_waited_for(calls: Calls) -> None:
    done = calls.change("healthChecks", "insert", body=CHECK)
    assert done["status"] == "DONE"
    assert calls.ask("healthChecks", healthCheck="check")["httpHealthCheck"]["port"] == 8080


def test_a_wait_that_google_holds_is_asked_once_between_two_renewals(
    calls: Calls, gcp: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = calls.begin("healthChecks", "insert", body=CHECK)
    assert begun["status"] != "DONE"
    monkeypatch.setattr(spoken, "_TIMEOUT", 0.3)
    gcp.fail("globalOperations.wait", delay=1.0)
    renewed: list[int] = []
    assert calls.await_done(begun, between=lambda: renewed.append(1))["status"] == "DONE"
    assert renewed


def test_a_change_of_what_has_changed_is_stale(calls: Calls, world: World) -> None:
    told = calls.ask("backendServices", backendService=world.fallback)
    body = {"fingerprint": told["fingerprint"], "timeoutSec": 12}
    calls.change("backendServices", "patch", backendService=world.fallback, body=body)
    with pytest.raises(StaleError) as refused:
        calls.change("backendServices", "patch", backendService=world.fallback, body={**body, "timeoutSec": 13})
    assert refused.value.said == "conditionNotMet"


def test_what_google_does_not_take_is_no_call(calls: Calls, gcp: Emulator) -> None:
    gcp.forget_calls()
    with pytest.raises(CloudError, match="does not take") as refused:
        calls.change("healthChecks", "insert", body={"name": "check", "typo": "HTTP"})
    assert 'no field named "typo"' in refused.value.details
    assert gcp.calls() == ()


def test_a_silent_google_is_asked_twice_and_given_up(
    calls: Calls, gcp: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls.ask("images", image="hello-1")  # the connection is there
    monkeypatch.setattr(spoken, "_TIMEOUT", 0.3)
    gcp.fail("images.get", delay=1.0)
    calls.ask("images", image="hello-1")
    gcp.fail("images.get", delay=1.0, times=2)
    with pytest.raises(UnreachableError, match="did not answer"):
        calls.ask("images", image="hello-1")


def test_nobody_there(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(UnreachableError):
        calls.ask("images", image="hello-1")


def test_no_credentials(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    for asked in (lambda: Calls(spec(world)).find("images", image="x"), lambda: Calls(spec(world)).token()):
        with pytest.raises(CloudError, match="no credentials for the cloud 'gcp'") as refused:
            asked()
        assert "gcloud auth application-default login" in refused.value.resolution


def test_a_key_that_is_another(world: World, gcp: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = json.loads((gcp.directory / "key.json").read_text())
    key["client_email"] = f"nobody@{world.project}.iam.gserviceaccount.com"
    (tmp_path / "key.json").write_text(json.dumps(key))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    with pytest.raises(CloudError) as refused:
        Calls(spec(world)).ask("images", image="hello-1")
    assert not isinstance(refused.value, UnreachableError)
    assert "phoenix doctor --cloud gcp" in refused.value.resolution


def test_somebody_may_act_as_a_service_account(world: World, gcp: Emulator) -> None:
    acting = Calls(spec(world, impersonate=world.service_account))
    acting.ask("regions", region=world.region)  # images are asked for by late calls of other tests, too
    asked = [call for call in gcp.calls() if call.method == "compute.regions.get"]
    assert [call.caller for call in asked] == [world.service_account]


def test_other_apis_are_asked_by_their_addresses(calls: Calls, gcp: Emulator, world: World) -> None:
    url = f"https://compute.googleapis.com/compute/v1/projects/{world.project}/global/images/hello-1"
    assert calls.web("GET", url)["name"] == "hello-1"
    with pytest.raises(RefusedCallError):
        calls.web("GET", f"{url}-another")


def test_a_program_gets_a_token(calls: Calls) -> None:
    assert len(calls.token()) > 10
    assert calls.token() == calls.token()
