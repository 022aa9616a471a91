"""Whole rolls on the emulated Google Cloud, and what goes wrong in them: who serves goes on serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phoenix.errors import OverriddenError, RefusedError, UndoneError
from phoenix.record.journal import RunState
from phoenix.spec.services import BlueGreen, Canary, Rolling, Size, Strategy
from tests.emulators.gcp import Emulator
from tests.support.fakes.doubles import Killed
from tests.support.rolls.gcp_stage import NEW, OLD, PLACE, SHARED, GcpStage, by_backend_service, by_url_map

pytestmark = pytest.mark.timeout(240)

QUOTA = "Quota 'CPUS' exceeded. Limit: 24.0 in region europe-west1."
PARTS = (Rolling(step=1, percent=False), Canary(steps=(20, 100), soak=60.0, hold=(), keep=0.0))


@pytest.fixture
def stage(gcp: Emulator, tmp_path: Path) -> GcpStage:
    return by_url_map(gcp, tmp_path)


@pytest.fixture
def shared(gcp: Emulator, tmp_path: Path) -> GcpStage:
    return by_backend_service(gcp, tmp_path)


def refused(stage: GcpStage, version: str = "2") -> str:
    """The roll is undone, the former group serves at its full size, and nothing is left; what was said."""
    with pytest.raises(UndoneError) as error:
        stage.roll(version)
    stage.account.emulator.clear_faults()
    stage.account.clock.sleep(30)
    assert stage.shares == {OLD: 100}
    assert stage.size_of(OLD) == (2, 2)
    assert stage.account.seen(OLD).pinned_until is None
    assert stage.left_of(NEW) == []
    return str(error.value)


def _settable(told: Mapping[str, Any]) -> dict[str, Any]:
    """What Google tells of a backend service, without what is about who uses it."""
    return {key: value for key, value in told.items() if key != "usedBy"}


def rolled_twice(stage: GcpStage) -> None:
    """Both rolls are good, the second group serves alone, and of the first there is what the strategy keeps."""
    assert stage.roll("1").state is RunState.DONE
    assert stage.shares == {OLD: 100}
    assert stage.roll("2").state is RunState.DONE
    stage.account.clock.sleep(30)
    assert stage.shares == {NEW: 100}
    assert stage.size_of(NEW) == (2, 2)
    assert stage.account.seen(NEW).pinned_until is None
    if stage.strategy == BlueGreen(keep=600.0):
        kept = stage.account.seen(OLD)
        assert kept.keep_until is not None
        assert kept.pinned_until == kept.keep_until
    else:
        assert stage.left_of(OLD) == []


@pytest.mark.parametrize(
    "strategy",
    [BlueGreen(keep=600.0), BlueGreen(keep=0.0), *PARTS],
    ids=["blue-green", "burnt at once", "rolling", "canary"],
)
def test_a_roll_by_a_route(stage: GcpStage, strategy: Strategy) -> None:
    rolled_twice(replace(stage, strategy=strategy))


@pytest.mark.parametrize(
    "strategy",
    [BlueGreen(keep=600.0), BlueGreen(keep=0.0), PARTS[0]],
    ids=["blue-green", "burnt at once", "rolling"],
)
def test_a_roll_by_one_backend_service(shared: GcpStage, strategy: Strategy) -> None:
    rolled_twice(replace(shared, strategy=strategy))


def test_a_first_roll_by_one_backend_service_serves_at_once_and_the_plan_says_so(shared: GcpStage) -> None:
    (note,) = shared.plan("1").notes
    assert note == f"{OLD} is the only group of its balancer, which gives it all traffic from its first moment"
    seen: list[dict[str, int]] = []
    shared.meddle["shift"] = lambda: seen.append(shared.shares)
    assert shared.roll("1").state is RunState.DONE
    assert seen == [{OLD: 100}]
    assert shared.plan("2").notes == ()


@pytest.mark.parametrize("balancer", ["stage", "shared"])
def test_a_first_roll_that_fails_leaves_nothing(balancer: str, request: pytest.FixtureRequest) -> None:
    stage: GcpStage = request.getfixturevalue(balancer)
    before = stage.balanced()
    stage.account.emulator.sick(OLD)
    with pytest.raises(UndoneError, match="undone"):
        stage.roll("1")
    assert stage.shares == {}
    assert stage.left_of(OLD) == []
    after = stage.balanced()
    assert after["defaultService"] == before["defaultService"]
    assert after.get("pathMatchers", []) == []


def test_a_canary_by_one_backend_service_is_refused(shared: GcpStage) -> None:
    shared.roll("1")
    with pytest.raises(RefusedError, match="cannot be rolled as a canary"):
        replace(shared, strategy=PARTS[1]).roll("2")


def test_a_group_of_one_zone(gcp: Emulator, tmp_path: Path) -> None:
    rolled_twice(replace(by_url_map(gcp, tmp_path, zones=(gcp.world().zones[1],)), strategy=BlueGreen(keep=0.0)))


@pytest.mark.full
def test_a_group_between_bounds_is_as_large_as_the_live_one_and_scales_again_afterwards(stage: GcpStage) -> None:
    stage = replace(stage, size=Size(minimum=1, maximum=5, cpu=60))
    stage.roll("1")
    assert stage.account.emulator.load(OLD, 4) == 4
    stage.account.clock.sleep(60)
    stage.meddle["candidate-healthy"] = lambda: stage.account.emulator.load(OLD, 1)
    stage.roll("2")
    assert stage.account.seen(NEW).size == 4
    assert stage.account.seen(OLD).size == 4, "it was pinned, and could take the traffic back"
    policy = stage.account.scaler(NEW)["autoscalingPolicy"]
    assert (policy["minNumReplicas"], policy["maxNumReplicas"], policy["mode"]) == (1, 5, "ON")


def test_an_image_that_never_becomes_healthy(stage: GcpStage) -> None:
    stage.roll("1")
    stage.account.emulator.sick(NEW)
    assert "never became healthy" in refused(stage)


@pytest.mark.full
def test_an_image_that_never_becomes_healthy_behind_one_backend_service(shared: GcpStage) -> None:
    shared.roll("1")
    shared.account.emulator.sick(NEW)
    assert "never became healthy" in refused(shared)


@pytest.mark.full
def test_boot_work_that_fails(stage: GcpStage) -> None:
    stage.roll("1")
    stage.account.emulator.sick(NEW)
    stage.account.emulator.console(NEW, "phoenix-boot: failed: exit code 100, at its packages\n")
    began = stage.account.clock.slept
    assert "boot work failed: exit code 100, at its packages" in refused(stage)
    assert stage.account.clock.slept - began < 240, "long before the deadline"


@pytest.mark.full
def test_a_quota_that_is_visible_in_list_errors_only(stage: GcpStage) -> None:
    stage.roll("1")
    stage.account.emulator.fail("group.create", code="QUOTA_EXCEEDED", message=QUOTA, times=99)
    began = stage.account.clock.slept
    assert f"no machine can be started: QUOTA_EXCEEDED: {QUOTA}" in refused(stage)
    assert stage.account.clock.slept - began < 240, "long before the deadline"


@pytest.mark.full
def test_a_zone_without_resources(stage: GcpStage) -> None:
    stage.roll("1")
    stage.account.emulator.configure(short=stage.account.world.zones)
    assert "ZONE_RESOURCE_POOL_EXHAUSTED" in refused(stage)


@pytest.mark.full
def test_somebody_removes_the_new_group(stage: GcpStage) -> None:
    stage.roll("1")

    def remove() -> None:
        account = stage.account
        service = account.everywhere("backendServices", NEW)
        told = account.ask(service)
        account.ask(service, verb="PUT", body={**_settable(told), "backends": []})
        account.ask(account.path("instanceGroupManagers", NEW), verb="DELETE")

    stage.meddle["candidate-healthy"] = remove
    assert "somebody has removed it" in refused(stage)


def test_somebody_removes_the_new_backend_service(stage: GcpStage) -> None:
    """Its health check is removed with the group, though nothing leads to it any more."""
    stage.roll("1")

    def remove() -> None:
        account = stage.account
        rest = {key: value for key, value in stage.balanced().items() if key not in {"hostRules", "pathMatchers"}}
        body = {**rest, "defaultService": account.everywhere("backendServices", OLD)}
        body.pop("defaultRouteAction", None)
        account.ask(account.everywhere("urlMaps", account.world.url_map), verb="PUT", body=body)
        account.ask(account.everywhere("backendServices", NEW), verb="DELETE")

    stage.meddle["candidate-healthy"] = remove
    with pytest.raises((UndoneError, OverriddenError)):
        stage.roll("2")
    stage.account.clock.sleep(30)
    assert stage.left_of(NEW) == []


def test_somebody_moves_traffic_meanwhile_and_nothing_is_undone(stage: GcpStage) -> None:
    stage.roll("1")

    def move() -> None:
        account = stage.account
        told = stage.balanced()
        body = {**told, "defaultService": account.everywhere("backendServices", account.world.fallback)}
        account.ask(account.everywhere("urlMaps", account.world.url_map), verb="PUT", body=body)

    stage.meddle["shift"] = move
    with pytest.raises(OverriddenError, match="somebody else has moved traffic"):
        stage.roll("2")
    assert stage.shares == {}
    assert stage.account.seen(NEW).size == 2


def test_others_who_write_the_same_url_map_all_the_while(stage: GcpStage) -> None:
    stage.roll("1")
    stage.account.emulator.fail("urlMaps.update", reason="conditionNotMet", status=412, times=3)
    assert stage.roll("2").state is RunState.DONE
    stage.account.emulator.fail("urlMaps.update", reason="conditionNotMet", status=412, times=6, skip=1)
    assert stage.roll("3").state is RunState.DONE


@pytest.mark.full
@pytest.mark.parametrize(
    "method",
    [
        "instanceTemplates.insert",
        "regionInstanceGroupManagers.insert",
        "backendServices.insert",
        "backendServices.update",
        "urlMaps.update",
        "healthChecks.insert",
    ],
)
def test_a_lost_answer(stage: GcpStage, method: str) -> None:
    """Both attempts are carried out, and nobody hears of it."""
    stage.roll("1")
    stage.account.emulator.lose_answer(method, times=2)
    assert stage.roll("2").state is RunState.DONE
    assert stage.shares == {NEW: 100}
    assert stage.size_of(NEW) == (2, 2)


@pytest.mark.full
@pytest.mark.parametrize(("reason", "status"), [("rateLimitExceeded", 403), ("backendError", 503)])
def test_a_google_that_is_too_busy_for_a_while(stage: GcpStage, reason: str, status: int) -> None:
    stage.roll("1")
    stage.meddle["create-candidate"] = lambda: stage.account.emulator.fail(
        "(?!.*perations).*", reason=reason, status=status, times=25
    )
    assert stage.roll("2").state is RunState.DONE


def test_a_run_that_is_killed_is_taken_over(stage: GcpStage) -> None:
    stage.roll("1")

    def die() -> None:
        raise Killed

    stage.meddle["candidate-healthy"] = die
    with pytest.raises(Killed):
        stage.roll("2")
    assert stage.account.seen(NEW).pinned_until is not None
    assert stage.take_over().state is RunState.DONE
    assert stage.shares == {NEW: 100}
    assert stage.account.seen(NEW).pinned_until is None


def test_two_writers_of_one_place(stage: GcpStage) -> None:
    """The second decides on what it reads, and the first on what it has written: nothing is written over."""
    stage.roll("1")
    one, other = stage.door.traffic(PLACE), stage.door.traffic(PLACE)
    seen = one.read()
    stage.roll("2")
    with pytest.raises(Exception, match="somebody else has moved traffic meanwhile"):
        other.shift({OLD: 100}, seen)
    assert stage.shares == {NEW: 100}


@pytest.mark.parametrize("balancer", ["stage", "shared"])
def test_a_group_of_somebody_else_gives_its_traffic_and_stays(balancer: str, request: pytest.FixtureRequest) -> None:
    stage: GcpStage = request.getfixturevalue(balancer)
    account = stage.account
    account.foreign("legacy", size=3)
    ports = {"namedPorts": [{"name": "http", "port": 8080}]}
    account.ask(f"{account.path('instanceGroups', 'legacy')}/setNamedPorts", verb="POST", body=ports)
    service = account.everywhere("backendServices", SHARED if balancer == "shared" else account.world.fallback)
    group = f"https://www.googleapis.com/compute/v1/{account.path('instanceGroups', 'legacy')}"
    told = account.ask(service)
    backends = [{"group": group, "balancingMode": "UTILIZATION"}]
    account.ask(service, verb="PUT", body={**_settable(told), "backends": backends})
    account.clock.sleep(60)
    before = account.told("legacy")
    with pytest.raises(RefusedError, match="did not make legacy"):
        stage.roll("1")
    stage = replace(stage, adopt=True, size=Size(minimum=1, maximum=6))
    assert stage.roll("1").state is RunState.DONE
    assert stage.shares == {OLD: 100}
    assert stage.size_of(OLD) == (3, 3), "as large as what served"
    assert account.told("legacy")["targetSize"] == before["targetSize"]
    stage.door.traffic(PLACE).detach("legacy")
    account.groups().delete("legacy", adopt=True)
    assert account.groups().find("legacy") is None
    assert stage.shares == {OLD: 100}
