"""What a live managed group has of its own, at the wire: given to its successor, or named."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phoenix.errors import UnreachableError
from phoenix.model import Size
from tests.emulators.gcp import Emulator
from tests.support.real import gcp as google
from tests.support.real.gcp import NAME, Account, wanted

LEGACY = "legacy"
UNTIL = wanted().created + timedelta(hours=1)
METRIC = {
    "metric": "pubsub.googleapis.com/subscription/num_undelivered_messages",
    "filter": f'resource.labels.group = "{LEGACY}"',
    "utilizationTarget": 20.0,
    "utilizationTargetType": "GAUGE",
}
SIGNALS: dict[str, Any] = {
    "cpuUtilization": {"utilizationTarget": 0.7, "predictiveMethod": "OPTIMIZE_AVAILABILITY"},
    "customMetricUtilizations": [METRIC],
    "scaleInControl": {"maxScaledInReplicas": {"fixed": 1}, "timeWindowSec": 600},
    "coolDownPeriodSec": 90,
    "scalingSchedules": {
        "morning": {"schedule": "0 6 * * *", "durationSec": 3600, "minRequiredReplicas": 3, "timeZone": "Europe/Berlin"}
    },
}


@pytest.fixture
def account(gcp: Emulator) -> Account:
    account = google.account(gcp, "shop")
    account.foreign(LEGACY, 3)
    account.scale(LEGACY, (2, 9), **SIGNALS)
    account.clock.sleep(30)
    return account


def follow(account: Account, size: Size | None = None, **more: Any) -> None:
    bounds = size or Size(wanted=3, least=2, most=5)
    account.groups().create(wanted(3, **more), account.template(bounds, like=LEGACY))


def policy(account: Account) -> dict[str, Any]:
    return dict(account.scaler()["autoscalingPolicy"])


def test_a_successor_has_what_the_live_group_has(account: Account) -> None:
    follow(account)
    got = policy(account)
    assert got["cpuUtilization"]["utilizationTarget"] == 0.7
    assert got["customMetricUtilizations"][0]["filter"] == f'resource.labels.group = "{NAME}"'
    assert (got["scaleInControl"], got["coolDownPeriodSec"]) == (SIGNALS["scaleInControl"], 90)
    assert got["scalingSchedules"]["morning"]["minRequiredReplicas"] == 3
    assert (got["minNumReplicas"], got["maxNumReplicas"]) == (2, 5), "bounds are phoenix.yaml's"
    assert account.told()["targetSize"] == 3


def test_the_file_wins_where_both_have_a_load(account: Account) -> None:
    follow(account, Size(wanted=3, least=2, most=5, cpu=50))
    cpu = policy(account)["cpuUtilization"]
    assert (cpu["utilizationTarget"], cpu["predictiveMethod"]) == (0.5, "OPTIMIZE_AVAILABILITY")


def test_a_load_that_the_file_no_longer_names_is_not_inherited_for_ever(account: Account) -> None:
    account.groups().create(wanted(3), account.template(Size(wanted=3, least=2, most=5, cpu=50)))
    second = wanted(3, name="web-prod-v002")
    account.groups().create(second, account.template(Size(wanted=3, least=3, most=3), like=NAME))
    assert [key for key in account.emulator.keys("autoscalers") if key.endswith("v002")] == []


@pytest.mark.parametrize("mode", ["OFF", "ONLY_SCALE_OUT"])
def test_a_mode_that_somebody_chose_is_taken_over(account: Account, mode: str) -> None:
    account.by_hand("autoscalers", LEGACY, autoscalingPolicy={"mode": mode})
    follow(account, pinned_until=UNTIL)
    assert policy(account)["mode"] == mode
    account.groups().unpin(NAME)
    assert policy(account)["mode"] == mode


def test_a_pin_of_the_live_group_is_not_taken_over(account: Account) -> None:
    account.groups().pin(LEGACY, until=UNTIL)
    follow(account)
    assert policy(account)["mode"] == "ON"
    assert account.seen().pinned_until is None


def test_the_zones_of_a_foreign_group_are_taken_over(gcp: Emulator) -> None:
    account = google.account(gcp, "shop")
    zones = [{"zone": f"projects/{account.world.project}/zones/{zone}"} for zone in account.world.zones[:2]]
    account.foreign(LEGACY, distributionPolicy={"zones": zones})
    follow(account)
    account.clock.sleep(30)
    assert {instance.zone for instance in account.seen().instances} == set(account.world.zones[:2])


@pytest.mark.parametrize(
    "method",
    [
        "healthChecks.insert",
        "instanceTemplates.insert",
        "regionInstanceGroupManagers.insert",
        "regionInstanceGroups.setNamedPorts",
        "regionAutoscalers.insert",
    ],
)
def test_what_was_broken_off_is_finished_the_next_time(account: Account, method: str) -> None:
    account.emulator.fail(method, reason="backendError", times=2)
    with pytest.raises(UnreachableError):
        follow(account)
    follow(account)
    assert policy(account)["coolDownPeriodSec"] == 90
    assert account.ask(account.path("instanceGroups", NAME))["namedPorts"]


def test_a_group_that_is_gone_leaves_nothing_to_be_taken_over(account: Account) -> None:
    template = account.template(Size(wanted=2, least=2, most=2), like="gone")
    account.groups().create(wanted(), template)
    assert f"regions/{account.world.region}/autoscalers/{NAME}" not in account.left()


def test_what_is_left_behind_has_names(gcp: Emulator) -> None:
    account = google.account(gcp, "shop")
    account.foreign(LEGACY, updatePolicy={"type": "PROACTIVE"})
    config = {"properties": {"labels": {"team": "web"}, "metadata": {"mode": "x"}}}
    account.by_hand("instanceGroupManagers", LEGACY, allInstancesConfig=config)
    account.clock.sleep(30)
    survey = account.groups().survey(LEGACY)
    assert survey.not_carried == (
        "all-instances label team",
        "all-instances metadata mode",
        "proactive update policy: phoenix replaces groups, and never machines in one",
    )
    assert survey.busy == ""


def test_what_single_machines_keep_is_left_behind_and_named(gcp: Emulator) -> None:
    account = google.account(gcp, "shop")
    account.foreign(LEGACY)
    account.clock.sleep(30)
    disk = {"data": {"source": f"{account.world.project}/data", "autoDelete": "NEVER"}}
    kept = [{"name": each.id, "preservedState": {"disks": disk}} for each in account.seen(LEGACY).instances]
    path = f"{account.path('instanceGroupManagers', LEGACY)}/updatePerInstanceConfigs"
    account.ask(path, verb="POST", body={"perInstanceConfigs": kept})
    account.emulator.configure(page=1)
    names = sorted(each.id for each in account.seen(LEGACY).instances)
    assert account.groups().survey(LEGACY).not_carried == tuple(f"per-instance config of {name}" for name in names)


def test_an_autoscaler_that_is_off_is_told_with_the_size_that_it_recommends(account: Account) -> None:
    account.by_hand("autoscalers", LEGACY, autoscalingPolicy={"mode": "OFF"})
    account.emulator.load(LEGACY, 7)
    assert account.groups().survey(LEGACY).told == (f"its autoscaler {LEGACY} is off; it would have 7 machines",)


@pytest.mark.parametrize("mode", ["ON", "OFF"])
def test_a_successor_is_as_large_as_the_live_autoscaler_recommends(account: Account, mode: str) -> None:
    account.by_hand("autoscalers", LEGACY, autoscalingPolicy={"mode": mode})
    account.emulator.load(LEGACY, 6)
    follow(account, Size(wanted=3, least=2, most=9))
    wants = account.told()["targetSize"]
    assert wants == (6 if mode == "OFF" else 3), "a live group that follows its autoscaler is as large as it asks for"
    bounded = account.template(Size(wanted=3, least=2, most=5), like=LEGACY)
    account.groups().create(wanted(3, name="web-prod-v002"), bounded)
    assert account.told("web-prod-v002")["targetSize"] == (5 if mode == "OFF" else 3)


def test_an_update_that_runs_is_seen(gcp: Emulator) -> None:
    account = google.account(gcp, "shop")
    account.foreign(LEGACY, 2, updatePolicy={"type": "PROACTIVE"})
    account.foreign("next", 0)
    account.clock.sleep(30)
    template = account.everywhere("instanceTemplates", "next")
    account.by_hand("instanceGroupManagers", LEGACY, versions=[{"instanceTemplate": template}])
    assert account.groups().survey(LEGACY).busy == "the group's own updater brings its machines to next"


def test_an_adopted_group_goes_with_its_autoscaler_and_its_template_stays(account: Account) -> None:
    for _time in range(2):
        account.groups().delete(LEGACY, adopt=True)
    assert account.left() == [f"global/instanceTemplates/{LEGACY}"]


def test_what_phoenix_made_is_carried_on_from_group_to_group(account: Account) -> None:
    follow(account)
    account.groups().pin(NAME, until=UNTIL)
    second = wanted(3, name="web-prod-v002")
    account.groups().create(second, replace(account.template(Size(wanted=3, least=2, most=5)), like=NAME))
    told = account.scaler("web-prod-v002")["autoscalingPolicy"]
    assert (told["mode"], told["coolDownPeriodSec"]) == ("ON", 90)
    assert told["customMetricUtilizations"][0]["filter"].endswith('"web-prod-v002"')
