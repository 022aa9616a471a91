"""What a group gets of the one before it, and what is only named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from phoenix.clouds.aws.machines import carried
from phoenix.clouds.aws.machines.carried import Carried, Live
from tests.unit.clouds.aws import answers
from tests.unit.clouds.aws.answers import NAME, NOON, TARGET_GROUP, member

NEW = "web-prod-v043"
NEW_TARGETS = (f"arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/{NEW}/73e2d6bc24d8a067",)


def get(live: Live, *, cpu: bool = False) -> Carried:
    return carried.carried(live, to=NEW, target_groups=NEW_TARGETS, cpu=cpu, now=NOON)


def tracking(name: str, **configuration: Any) -> dict[str, Any]:
    return {
        "AutoScalingGroupName": NAME,
        "PolicyName": name,
        "PolicyARN": "arn:aws:autoscaling:...",
        "PolicyType": "TargetTrackingScaling",
        "StepAdjustments": [],
        "Alarms": [{"AlarmName": "TargetTracking-AlarmHigh", "AlarmARN": "arn:aws:cloudwatch:..."}],
        "TargetTrackingConfiguration": {"TargetValue": 50.0, "DisableScaleIn": False, **configuration},
        "Enabled": True,
    }


CPU = tracking("cpu50", PredefinedMetricSpecification={"PredefinedMetricType": "ASGAverageCPUUtilization"})


def test_of_a_plain_group_only_what_is_plain() -> None:
    got = get(Live(group=answers.group()))
    assert got == Carried(
        plain={"DefaultCooldown": 300, "TerminationPolicies": ["Default"]},
        hooks=(),
        policies=(),
        schedules=(),
        stopped=frozenset(),
        metrics=(),
    )


def test_plain_attributes() -> None:
    metrics = [{"Metric": "GroupTotalInstances", "Granularity": "1Minute"}]
    live = answers.group(MaxInstanceLifetime=604800, CapacityRebalance=True, EnabledMetrics=metrics, PlacementGroup="")
    got = get(Live(group=live))
    assert (got.plain["MaxInstanceLifetime"], got.plain["CapacityRebalance"]) == (604800, True)
    assert "PlacementGroup" not in got.plain
    assert got.metrics == ("GroupTotalInstances",)


@pytest.mark.parametrize(
    ("role", "named"),
    [
        ("arn:aws:iam::1:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling", False),
        ("arn:aws:iam::1:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling_kms", True),
    ],
)
def test_a_role_of_the_groups_own_is_named_and_the_usual_one_is_not(role: str, named: bool) -> None:
    assert ("ServiceLinkedRoleARN" in get(Live(group=answers.group(ServiceLinkedRoleARN=role))).plain) is named


@pytest.mark.parametrize("on", [True, False])
def test_zonal_shift_is_taken_over_where_it_is_on(on: bool) -> None:
    policy = {"ZonalShiftEnabled": on}
    got = get(Live(group=answers.group(AvailabilityZoneImpairmentPolicy=policy)))
    assert ("AvailabilityZoneImpairmentPolicy" in got.plain) is on


def test_hooks() -> None:
    hook = {
        "LifecycleHookName": "register",
        "AutoScalingGroupName": NAME,
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
        "HeartbeatTimeout": 300,
        "GlobalTimeout": 30000,
        "DefaultResult": "ABANDON",
    }
    assert get(Live(group=answers.group(), hooks=(hook,))).hooks == (
        {
            "LifecycleHookName": "register",
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
            "HeartbeatTimeout": 300,
            "DefaultResult": "ABANDON",
        },
    )


def test_target_tracking_names_the_successor_where_it_named_the_group() -> None:
    label = "app/shop/778d41231b141a0f"
    requests = tracking(
        "requests",
        PredefinedMetricSpecification={
            "PredefinedMetricType": "ALBRequestCountPerTarget",
            "ResourceLabel": f"{label}/targetgroup/{NAME}/943f017f100becff",
        },
    )
    custom = tracking(
        "queue",
        CustomizedMetricSpecification={
            "MetricName": "Backlog",
            "Namespace": "shop",
            "Dimensions": [{"Name": "AutoScalingGroupName", "Value": NAME}, {"Name": "Queue", "Value": "orders"}],
            "Statistic": "Average",
        },
    )
    first, second = get(Live(group=answers.group(), policies=(requests, custom))).policies
    predefined = first["TargetTrackingConfiguration"]["PredefinedMetricSpecification"]
    assert predefined["ResourceLabel"] == f"{label}/targetgroup/{NEW}/73e2d6bc24d8a067"
    dimensions = second["TargetTrackingConfiguration"]["CustomizedMetricSpecification"]["Dimensions"]
    assert [each["Value"] for each in dimensions] == [NEW, "orders"]
    assert set(first) == {"PolicyName", "PolicyType", "TargetTrackingConfiguration", "Enabled"}


def test_two_policies_for_the_same_load_would_pull_at_each_other() -> None:
    ours = {**CPU, "PolicyName": "phoenix-cpu"}
    live = Live(group=answers.group(), policies=(CPU, ours))
    assert [each["PolicyName"] for each in get(live).policies] == ["cpu50"]
    assert get(live, cpu=True).policies == ()


def schedule(name: str, **more: Any) -> dict[str, Any]:
    return {
        "AutoScalingGroupName": NAME,
        "ScheduledActionName": name,
        "ScheduledActionARN": "arn:aws:autoscaling:...",
        "MinSize": 4,
        **more,
    }


def test_schedules_that_are_still_to_come() -> None:
    past, future = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
    live = Live(
        group=answers.group(),
        schedules=(
            schedule("nightly", Recurrence="0 20 * * *", StartTime=past, Time=past, TimeZone="Europe/Paris"),
            schedule("sale", StartTime=future, Time=future),
            schedule("over", StartTime=past),
            schedule("season", Recurrence="0 8 * * *", StartTime=past, EndTime=past),
        ),
    )
    assert get(live).schedules == (
        {"ScheduledActionName": "nightly", "Recurrence": "0 20 * * *", "MinSize": 4, "TimeZone": "Europe/Paris"},
        {"ScheduledActionName": "sale", "StartTime": future, "MinSize": 4},
    )


def suspended(*names: str, reason: str = "User suspended at 2026-03-01T11:00:00Z") -> list[dict[str, str]]:
    return [{"ProcessName": name, "SuspensionReason": reason} for name in names]


def test_stopped_processes_but_those_of_a_pin_and_those_that_a_group_lives_by() -> None:
    live = answers.group(
        SuspendedProcesses=suspended("AZRebalance", "HealthCheck", "Launch"),
        Tags=answers.tags(project="shop", pinned_until="2026-03-01T12:00:00Z", pinned_stopped="AZRebalance"),
    )
    assert get(Live(group=live)).stopped == {"HealthCheck"}
    assert carried.not_carried(Live(group=live)) == ("suspended process Launch",)


def test_what_aws_stopped_itself_is_not_what_people_want() -> None:
    reason = "Administrative suspension: launches have failed for more than 24 hours"
    live = Live(group=answers.group(SuspendedProcesses=suspended("Launch", "AZRebalance", reason=reason)))
    assert get(live).stopped == frozenset()
    assert carried.not_carried(live) == ()


@pytest.mark.parametrize(
    ("live", "named"),
    [
        ({}, ()),
        ({"policies": (CPU,)}, ()),
        (
            {
                "policies": (
                    {"PolicyName": "burst", "PolicyType": "StepScaling"},
                    {"PolicyName": "old", "PolicyType": "SimpleScaling"},
                    {"PolicyName": "guess", "PolicyType": "PredictiveScaling"},
                )
            },
            ("step scaling policy burst", "simple scaling policy old", "predictive scaling policy guess"),
        ),
        (
            {
                "notifications": (
                    {"TopicARN": "arn:aws:sns:eu-west-1:1:ops", "NotificationType": "autoscaling:EC2_INSTANCE_LAUNCH"},
                    {"TopicARN": "arn:aws:sns:eu-west-1:1:ops", "NotificationType": "autoscaling:TEST_NOTIFICATION"},
                )
            },
            ("notifications to arn:aws:sns:eu-west-1:1:ops",),
        ),
        ({"group": {"WarmPoolConfiguration": {"MinSize": 2}}}, ("warm pool",)),
        ({"group": {"MixedInstancesPolicy": {"LaunchTemplate": {}}}}, ("mixed instances policy",)),
        ({"group": {"LoadBalancerNames": ["old-elb"]}}, ("classic load balancer old-elb",)),
        (
            {"group": {"TrafficSources": [{"Identifier": "arn:lattice", "Type": "vpc-lattice"}]}},
            ("traffic source arn:lattice",),
        ),
        (
            {"group": {"NewInstancesProtectedFromScaleIn": True}},
            ("protection of new machines from scale-in",),
        ),
    ],
)
def test_what_is_not_carried_has_a_name(live: Mapping[str, Any], named: tuple[str, ...]) -> None:
    group = answers.group(**live.get("group", {}))
    assert carried.not_carried(Live(**{**live, "group": group})) == named


def test_who_is_set_aside_or_protected_is_told() -> None:
    live = Live(group=answers.group(member("i-1", "Standby"), member("i-2", ProtectedFromScaleIn=True), member("i-3")))
    assert carried.told(live) == ("i-1 is in standby", "i-2 is protected from scale-in")


def test_a_refresh_that_runs_is_told_and_one_that_has_ended_is_not() -> None:
    running = {"InstanceRefreshId": "r-2", "Status": "InProgress", "PercentageComplete": 35}
    ended = {"InstanceRefreshId": "r-1", "Status": "Successful", "PercentageComplete": 100}
    assert carried.busy(Live(group=answers.group(), refreshes=(ended,))) == ""
    assert (
        carried.busy(Live(group=answers.group(), refreshes=(running, ended)))
        == "the instance refresh r-2 is InProgress, 35 % done"
    )


def test_with_several_target_groups_none_is_renamed() -> None:
    live = Live(group=answers.group(TargetGroupARNs=[TARGET_GROUP, TARGET_GROUP + "2"]), policies=(CPU,))
    assert get(live).policies[0]["PolicyName"] == "cpu50"
