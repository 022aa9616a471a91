"""What a group takes over from the one that serves, at the wire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phoenix.errors import UnreachableError
from phoenix.manner import Survey
from phoenix.model import Size
from tests.emulators.aws import Emulator
from tests.support.real import aws
from tests.support.real.aws import NAME, Account, wanted

LIVE = "legacy"
CPU = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}, "TargetValue": 50.0}
BACKLOG = {
    "CustomizedMetricSpecification": {
        "MetricName": "Backlog",
        "Namespace": "shop",
        "Dimensions": [{"Name": "AutoScalingGroupName", "Value": LIVE}],
        "Statistic": "Average",
    },
    "TargetValue": 10.0,
}


@pytest.fixture
def account(emulator: Emulator) -> Account:
    """In which a group serves that somebody made by hand, with much around it."""
    made = aws.account(emulator, "shop")
    made.foreign(LIVE, TerminationPolicies=["OldestInstance"], MaxInstanceLifetime=604800)
    ask = put(made, LIVE)
    ask(
        "put_lifecycle_hook",
        LifecycleHookName="register",
        LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING",
        HeartbeatTimeout=60,
        DefaultResult="CONTINUE",
    )
    for name, configuration in (("cpu", CPU), ("backlog", BACKLOG)):
        ask(
            "put_scaling_policy",
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingConfiguration=configuration,
        )
    later = made.clock.now() + timedelta(days=1)
    ask("put_scheduled_update_group_action", ScheduledActionName="sale", StartTime=later, MinSize=3)
    ask("put_scheduled_update_group_action", ScheduledActionName="night", Recurrence="0 20 * * *", MinSize=1)
    ask("suspend_processes", ScalingProcesses=["ReplaceUnhealthy"])
    ask("enable_metrics_collection", Granularity="1Minute", Metrics=["GroupTotalInstances"])
    return made


def put(account: Account, name: str) -> Callable[..., Any]:
    """Asks AWS about the group of that name."""

    def ask(action: str, **parameters: Any) -> Any:
        return account.ask("autoscaling", action, AutoScalingGroupName=name, **parameters)

    return ask


def of(account: Account, name: str) -> dict[str, Any]:
    """All that a group has of its own, by names."""
    ask, told = put(account, name), account.told(name)
    return {
        "hooks": [each["LifecycleHookName"] for each in ask("describe_lifecycle_hooks")["LifecycleHooks"]],
        "policies": {each["PolicyName"]: each for each in ask("describe_policies")["ScalingPolicies"]},
        "schedules": sorted(
            each["ScheduledActionName"] for each in ask("describe_scheduled_actions")["ScheduledUpdateGroupActions"]
        ),
        "stopped": sorted(each["ProcessName"] for each in told["SuspendedProcesses"]),
        "metrics": [each["Metric"] for each in told["EnabledMetrics"]],
        "plain": (told["TerminationPolicies"], told.get("MaxInstanceLifetime")),
    }


def test_a_successor_has_what_the_live_group_has(account: Account) -> None:
    template = replace(account.template(NAME), like=LIVE)
    for _time in range(2):
        account.groups().create(wanted(), template)
        got = of(account, NAME)
        dimensions = got["policies"]["backlog"]["TargetTrackingConfiguration"]["CustomizedMetricSpecification"]
        assert dimensions["Dimensions"] == [{"Name": "AutoScalingGroupName", "Value": NAME}]
        assert {**got, "policies": sorted(got["policies"])} == {
            "hooks": ["register"],
            "policies": ["backlog", "cpu"],
            "schedules": ["night", "sale"],
            "stopped": ["ReplaceUnhealthy"],
            "metrics": ["GroupTotalInstances"],
            "plain": (["OldestInstance"], 604800),
        }


def test_hooks_are_there_before_the_first_machine(account: Account) -> None:
    account.groups().create(wanted(), replace(account.template(NAME), like=LIVE))
    account.clock.sleep(10)
    assert {each.detail for each in account.seen().instances} == {"waiting for a lifecycle hook"}
    account.clock.sleep(60)
    assert {each.state for each in account.seen().instances} == {"running"}


def test_the_file_wins_where_both_have_a_policy_for_the_load(account: Account) -> None:
    size = Size(wanted=2, least=1, most=4, cpu=60)
    account.groups().create(wanted(), replace(account.template(NAME, size), like=LIVE))
    assert sorted(of(account, NAME)["policies"]) == ["backlog", "phoenix-cpu"]


def test_the_schedules_of_a_group_that_is_born_pinned_wait_for_the_end_of_the_pin(account: Account) -> None:
    size = Size(wanted=3, least=1, most=4)
    pinned = wanted(3, pinned_until=wanted().created)
    account.groups().create(pinned, replace(account.template(NAME, size), like=LIVE))
    assert of(account, NAME)["stopped"] == ["AZRebalance", "ReplaceUnhealthy", "ScheduledActions"]
    assert account.emulator.autoscale(NAME, 1, process="ScheduledActions") == 3
    account.groups().unpin(NAME)
    assert of(account, NAME)["stopped"] == ["ReplaceUnhealthy"]
    assert account.emulator.autoscale(NAME, 1, process="ScheduledActions") == 1


def test_a_pin_of_the_live_group_is_not_taken_over(account: Account) -> None:
    account.groups().pin(LIVE, until=wanted().created)
    account.groups().create(wanted(), replace(account.template(NAME), like=LIVE))
    assert of(account, NAME)["stopped"] == ["ReplaceUnhealthy"]


@pytest.mark.parametrize(
    "action",
    [
        "SuspendProcesses",
        "PutScalingPolicy",
        "BatchPutScheduledUpdateGroupAction",
        "EnableMetricsCollection",
        "PutLifecycleHook",
    ],
)
def test_what_was_broken_off_is_finished_the_next_time(account: Account, action: str) -> None:
    groups, template = account.groups(), replace(account.template(NAME), like=LIVE)
    account.emulator.fail("autoscaling", action, code="Throttling", times=2)
    if action != "PutLifecycleHook":  # a new group is made with its hooks
        with pytest.raises(UnreachableError):
            groups.create(wanted(), template)
    account.emulator.clear_faults()
    groups.create(wanted(), template)
    got = of(account, NAME)
    assert (sorted(got["policies"]), got["schedules"]) == (["backlog", "cpu"], ["night", "sale"])
    assert (got["hooks"], got["stopped"], got["metrics"]) == (
        ["register"],
        ["ReplaceUnhealthy"],
        ["GroupTotalInstances"],
    )


def test_a_group_that_is_gone_leaves_nothing_to_be_taken_over(account: Account) -> None:
    account.groups().create(wanted(), replace(account.template(NAME), like="web-prod-v000"))
    assert of(account, NAME)["hooks"] == []


def test_what_is_left_behind_has_names(account: Account) -> None:
    assert account.groups().survey(LIVE) == Survey()
    put(account, LIVE)(
        "put_scaling_policy",
        PolicyName="burst",
        PolicyType="SimpleScaling",
        AdjustmentType="ChangeInCapacity",
        ScalingAdjustment=2,
    )
    put(account, LIVE)("put_warm_pool", MinSize=1)
    put(account, LIVE)(
        "put_notification_configuration",
        TopicARN="arn:aws:sns:eu-west-1:123456789012:ops",
        NotificationTypes=["autoscaling:EC2_INSTANCE_LAUNCH", "autoscaling:EC2_INSTANCE_TERMINATE"],
    )
    named = account.groups().survey(LIVE).not_carried
    assert set(named) >= {"simple scaling policy burst", "notifications to arn:aws:sns:eu-west-1:123456789012:ops"}
    assert "warm pool" in named
