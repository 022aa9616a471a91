"""What a group gets of the one before it, and what is only named."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.machines import carried, pins
from phoenix.clouds.gcp.machines.carried import Carried, Live
from phoenix.clouds.gcp.machines.pins import Owed
from tests.unit.clouds.gcp import answers
from tests.unit.clouds.gcp.answers import NAME, NOON, PROJECT

NEW = "web-prod-v043"


def get(live: Live, *, cpu: bool = False) -> Carried:
    return carried.carried(live, to=NEW, cpu=cpu)


def test_of_a_plain_group_there_is_nothing() -> None:
    live = Live(group=answers.group())
    assert get(live) == Carried(size=2)
    assert (carried.not_carried(live), carried.told(live), carried.busy(live)) == ((), (), "")


def test_an_autoscaler_is_taken_over_with_all_that_it_listens_to() -> None:
    schedule = {"night": {"schedule": "0 22 * * *", "durationSec": 3600, "minRequiredReplicas": 1}}
    metric = {
        "metric": "pubsub.googleapis.com/x",
        "filter": f'resource.labels.group = "{NAME}"',
        "utilizationTarget": 5,
    }
    control = {"maxScaledInReplicas": {"percent": 10}, "timeWindowSec": 600}
    scaler = answers.autoscaler(
        scalingSchedules=schedule, customMetricUtilizations=[metric], scaleInControl=control, stabilizationPeriodSec=30
    )
    got = get(Live(group=answers.group(), autoscaler=scaler))
    assert got.policy["scalingSchedules"] == schedule
    assert got.policy["customMetricUtilizations"][0]["filter"] == f'resource.labels.group = "{NEW}"'
    assert (got.policy["scaleInControl"], got.policy["coolDownPeriodSec"]) == (control, 90)
    assert "minNumReplicas" not in got.policy
    assert "maxNumReplicas" not in got.policy
    assert "mode" not in got.policy
    assert got.mode == "ON"


def test_controls_without_a_signal_make_no_autoscaler() -> None:
    scaler = answers.autoscaler(cpuUtilization=None)
    assert get(Live(group=answers.group(), autoscaler=scaler)).policy == {}


def test_the_load_that_phoenix_yaml_named_once_is_not_somebodys_own() -> None:
    live = Live(group=answers.group(), autoscaler=answers.autoscaler(labels.described({labels.CPU: "60"})))
    assert get(live).policy == {}
    assert get(live, cpu=True).policy["cpuUtilization"]["utilizationTarget"] == 0.6


@pytest.mark.parametrize("made", [True, False])
def test_a_pin_is_not_taken_over(made: bool) -> None:
    pin = Owed(mode="ON", least=2)
    written = pins.written(pin, NOON)
    live = Live(
        group=answers.group(made=made, labelled=written if made else None),
        autoscaler=answers.autoscaler("" if made else pins.described(pin, NOON), mode="ONLY_SCALE_OUT"),
    )
    assert get(live).mode == "ON"
    assert carried.not_carried(live) == (), "nor is its writing anything that a successor would lack"


def test_a_mode_that_somebody_chose_is_taken_over() -> None:
    for mode in ("OFF", "ONLY_SCALE_OUT"):
        assert get(Live(group=answers.group(), autoscaler=answers.autoscaler(mode=mode))).mode == mode


def test_the_zones_of_somebodys_group_are_taken_over_and_those_of_phoenix_yaml_are_not() -> None:
    assert get(Live(group=answers.group())).zones == ()
    zones = get(Live(group=answers.group(made=False))).zones
    assert zones == ("europe-west1-b", "europe-west1-c", "europe-west1-d")


@pytest.mark.parametrize(("shape", "got"), [("EVEN", "BALANCED"), ("BALANCED", "BALANCED"), ("ANY", "ANY")])
def test_shapes(shape: str, got: str) -> None:
    live = Live(group=answers.group(distributionPolicy={"targetShape": shape}))
    assert get(live).spread == got


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"statefulPolicy": {"preservedState": {"disks": {"data": {}}}}}, ("stateful policy for data",)),
        ({"targetSuspendedSize": 2}, ("standby pool of suspended or stopped machines",)),
        ({"standbyPolicy": {"mode": "SCALE_OUT_POOL"}}, ("standby pool of suspended or stopped machines",)),
        ({"standbyPolicy": {"mode": "MANUAL"}}, ()),
        (
            {"versions": [{"instanceTemplate": "a"}, {"name": "canary", "targetSize": {"fixed": 1}}]},
            ("version canary beside the first",),
        ),
        ({"instanceFlexibilityPolicy": {"instanceSelections": {}}}, ("instance flexibility policy",)),
        ({"targetPools": [f"{PROJECT}/regions/r/targetPools/old"]}, ("target pool old",)),
        (
            {"allInstancesConfig": {"properties": {"labels": {"team": "x"}, "metadata": {"a": "b"}}}},
            ("all-instances label team", "all-instances metadata a"),
        ),
        ({"allInstancesConfig": {"properties": {"labels": {labels.KEEP_UNTIL: ""}}}}, ()),
    ],
)
def test_what_is_left_behind_has_names(more: dict[str, Any], named: tuple[str, ...]) -> None:
    assert carried.not_carried(Live(group=answers.group(**more))) == named


def test_configurations_of_single_machines_are_left_behind() -> None:
    live = Live(group=answers.group(), own_configs=("web-1", "web-2"))
    assert carried.not_carried(live) == ("per-instance config of web-1", "per-instance config of web-2")


def test_an_updater_of_its_own_is_left_behind_and_seen_at_work() -> None:
    policy = {"updatePolicy": {"type": "PROACTIVE"}}
    still = Live(group=answers.group(made=False, **policy))
    assert carried.not_carried(still) == (
        "proactive update policy: phoenix replaces groups, and never machines in one",
    )
    assert carried.busy(still) == ""
    at_work = answers.group(made=False, **policy, status={"versionTarget": {"isReached": False}})
    assert carried.busy(Live(group=at_work)) == f"the group's own updater brings its machines to {NAME}"
    opportunistic = answers.group(made=False, status={"versionTarget": {"isReached": False}})
    assert carried.busy(Live(group=opportunistic)) == ""


def test_what_is_special_just_now() -> None:
    live = Live(group=answers.group(targetStoppedSize=1), autoscaler=answers.autoscaler(mode="OFF"))
    assert carried.told(live) == (
        "1 of its machines are suspended or stopped: somebody has set them aside",
        "its autoscaler web is off; it would have 4 machines",
    )
