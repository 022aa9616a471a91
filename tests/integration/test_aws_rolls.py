"""Whole rolls on the emulated AWS, and what goes wrong in them: who serves goes on serving, and nothing is left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.errors import RefusedError, UndoneError
from phoenix.plan.due import due
from phoenix.record.journal import RunState
from phoenix.spec.services import BlueGreen, Canary, Rolling, Size, Strategy
from tests.emulators.aws import Emulator
from tests.support.fakes.doubles import Killed
from tests.support.real import aws
from tests.support.rolls.aws_stage import NEW, OLD, PLACE, AwsStage

QUOTA = "You have requested more vCPU capacity than your current vCPU limit of 32 allows."


@pytest.fixture
def stage(emulator: Emulator, tmp_path: Path) -> AwsStage:
    return AwsStage(account=aws.account(emulator, "shop"), logs=tmp_path)


def left_of(stage: AwsStage, name: str) -> list[str]:
    """What there is of a group that is gone."""
    found = [each["LaunchTemplateName"] for each in stage.account.templates()]
    found += [group.name for group in stage.account.groups().list()]
    targets = stage.account.ask("elbv2", "describe_target_groups")["TargetGroups"]
    found += [each["TargetGroupName"] for each in targets]
    return [each for each in found if each == name]


def refused(stage: AwsStage, version: str = "2") -> str:
    """The roll is undone, the former group serves at its full size, and nothing is left; what was said."""
    with pytest.raises(UndoneError) as error:
        stage.roll(version)
    stage.account.emulator.clear_faults()
    stage.account.clock.sleep(30)
    assert stage.shares == {OLD: 100}
    assert stage.size_of(OLD) == (2, 2)
    assert stage.account.seen(OLD).pinned_until is None
    assert stage.account.told(OLD)["SuspendedProcesses"] == []
    assert left_of(stage, NEW) == []
    return str(error.value)


@pytest.mark.parametrize(
    "strategy",
    [
        BlueGreen(keep=600.0),
        BlueGreen(keep=0.0),
        Rolling(step=1, percent=False),
        Canary(steps=(20, 100), soak=60.0, hold=(), keep=0.0),
    ],
    ids=["blue-green", "burnt at once", "rolling", "canary"],
)
def test_a_roll(stage: AwsStage, strategy: Strategy) -> None:
    stage = replace(stage, strategy=strategy)
    assert stage.roll("1").state is RunState.DONE
    assert stage.shares == {OLD: 100}
    assert stage.roll("2").state is RunState.DONE
    stage.account.clock.sleep(30)
    assert stage.shares == {NEW: 100}
    assert stage.size_of(NEW) == (2, 2)
    assert stage.account.seen(NEW).pinned_until is None
    if strategy == BlueGreen(keep=600.0):
        kept = stage.account.seen(OLD)
        assert kept.keep_until is not None
        assert kept.pinned_until == kept.keep_until
    else:
        assert left_of(stage, OLD) == []


def test_a_listener_is_opened_once_however_often_its_traffic_is_asked_for(stage: AwsStage) -> None:
    door = stage.door
    for _once in range(2):
        door.traffic(PLACE).read()
    asked = [call.action for call in stage.account.emulator.calls()]
    assert asked == ["DescribeListeners", "DescribeLoadBalancers", "DescribeRules", "DescribeRules"]


@pytest.mark.full
def test_a_group_between_bounds_is_as_large_as_the_live_one_and_scales_again_afterwards(stage: AwsStage) -> None:
    stage = replace(stage, size=Size(minimum=1, maximum=5, cpu=60))
    stage.roll("1")
    assert stage.account.emulator.autoscale(OLD, 4) == 4
    stage.account.clock.sleep(30)
    stage.meddle["candidate-healthy"] = lambda: stage.account.emulator.autoscale(OLD, 1)
    stage.roll("2")
    told = stage.account.told(NEW)
    assert (told["MinSize"], told["DesiredCapacity"], told["MaxSize"]) == (1, 4, 5)
    assert stage.account.told(OLD)["DesiredCapacity"] == 4, "it was pinned, and could take the traffic back"
    assert stage.account.emulator.autoscale(NEW, 1) == 1


@pytest.mark.full
def test_machines_that_are_ill(stage: AwsStage) -> None:
    stage.roll("1")
    stage.account.emulator.sick(NEW)
    assert "never became healthy" in refused(stage)


def test_boot_work_that_fails(stage: AwsStage) -> None:
    stage.roll("1")
    stage.account.emulator.sick(NEW)
    stage.account.emulator.console(NEW, "phoenix-boot: failed: exit code 100, at its packages\n")
    began = stage.account.clock.slept
    assert "boot work failed: exit code 100, at its packages" in refused(stage)
    assert stage.account.clock.slept - began < 120, "long before the deadline"


def test_a_quota_that_is_reached(stage: AwsStage) -> None:
    stage.roll("1")
    stage.account.emulator.fail("autoscaling", "Launch", message=QUOTA, times=99)
    began = stage.account.clock.slept
    assert QUOTA in refused(stage)
    assert stage.account.clock.slept - began < 120, "long before the deadline"


@pytest.mark.full
def test_no_capacity(stage: AwsStage) -> None:
    stage.roll("1")
    stage.account.emulator.configure(capacity=3)
    assert "do not have sufficient t3.micro capacity" in refused(stage)


@pytest.mark.full
def test_a_subnet_that_is_gone(stage: AwsStage) -> None:
    stage.roll("1")
    account, world = stage.account, stage.account.world
    extra = account.ask("ec2", "create_subnet", VpcId=world.vpc, CidrBlock="10.7.240.0/24")["Subnet"]["SubnetId"]
    there = replace(account, spec=replace(account.spec, subnets=(*world.subnets, extra)))
    account.ask("ec2", "delete_subnet", SubnetId=extra)
    assert f"The subnet ID '{extra}' does not exist" in refused(replace(stage, account=there))


@pytest.mark.full
def test_somebody_removes_the_new_group(stage: AwsStage) -> None:
    stage.roll("1")
    gone = {"AutoScalingGroupName": NEW, "ForceDelete": True}
    stage.meddle["candidate-healthy"] = lambda: stage.account.ask("autoscaling", "delete_auto_scaling_group", **gone)
    assert "somebody has removed it" in refused(stage)


@pytest.mark.full
def test_somebody_makes_the_new_group_smaller(stage: AwsStage) -> None:
    stage.roll("1")
    smaller = {"AutoScalingGroupName": NEW, "DesiredCapacity": 1, "MinSize": 1}
    stage.meddle["grow"] = lambda: stage.account.ask("autoscaling", "update_auto_scaling_group", **smaller)
    assert stage.roll("2").state is RunState.DONE
    assert stage.size_of(NEW) == (2, 2)


@pytest.mark.full
def test_a_machine_that_is_lost_is_replaced_meanwhile(stage: AwsStage) -> None:
    stage.roll("1")

    def lose_one() -> None:
        stage.account.clock.sleep(10)
        lost = stage.account.seen(NEW).instances[0].id
        stage.account.ask("ec2", "terminate_instances", InstanceIds=[lost])

    stage.meddle["candidate-healthy"] = lose_one
    assert stage.roll("2").state is RunState.DONE
    assert stage.size_of(NEW) == (2, 2)


@pytest.mark.full
@pytest.mark.parametrize(
    ("service", "action"),
    [
        ("ec2", "CreateLaunchTemplate"),
        ("autoscaling", "CreateAutoScalingGroup"),
        ("elbv2", "ModifyListener"),
        ("autoscaling", "UpdateAutoScalingGroup"),
    ],
)
def test_a_lost_answer(stage: AwsStage, service: str, action: str) -> None:
    """Both attempts are carried out, and nobody hears of it."""
    stage.roll("1")
    stage.account.emulator.fail(service, action, lost=True, times=2)
    assert stage.roll("2").state is RunState.DONE
    assert stage.shares == {NEW: 100}
    assert stage.size_of(NEW) == (2, 2)


@pytest.mark.full
def test_answers_that_are_older_than_what_was_written(stage: AwsStage) -> None:
    stage.roll("1")
    for step in ("create-candidate", "candidate-healthy", "shift"):
        stage.meddle[step] = lambda: stage.account.emulator.fail(
            "autoscaling", "DescribeAutoScalingGroups", empty=True, times=2, skip=2
        )
    assert stage.roll("2").state is RunState.DONE
    assert stage.shares == {NEW: 100}


@pytest.mark.full
def test_an_aws_that_is_too_busy_for_a_while(stage: AwsStage) -> None:
    stage.roll("1")
    stage.meddle["create-candidate"] = lambda: stage.account.emulator.fail(
        "autoscaling|elbv2|ec2", ".*", code="Throttling", times=25
    )
    assert stage.roll("2").state is RunState.DONE


def test_credentials_that_expire_on_the_way(stage: AwsStage) -> None:
    """Nothing can be undone without them, and the way back is walked when they are there again."""
    stage.roll("1")
    expire = ("autoscaling|elbv2|ec2", ".*")
    stage.meddle["candidate-healthy"] = lambda: stage.account.emulator.fail(
        *expire, code="ExpiredToken", message="The security token included in the request is expired", times=9999
    )
    with pytest.raises(Exception, match="failed") as error:
        stage.roll("2")
    stage.account.emulator.clear_faults()
    assert "expired" in str(error.value)
    assert stage.shares == {OLD: 100}


def test_a_run_that_is_killed_is_taken_over(stage: AwsStage) -> None:
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


def protect(stage: AwsStage, *, protected: bool) -> str:
    """Somebody protects a machine of the group that serves, or no longer; its id."""
    kept = min(instance.id for instance in stage.account.seen(OLD).instances)
    stage.account.ask(
        "autoscaling",
        "set_instance_protection",
        AutoScalingGroupName=OLD,
        InstanceIds=[kept],
        ProtectedFromScaleIn=protected,
    )
    return kept


@pytest.mark.full
@pytest.mark.parametrize(
    "strategy", [BlueGreen(keep=0.0), Rolling(step=1, percent=False)], ids=["blue-green", "rolling"]
)
def test_a_machine_that_somebody_protects_stays_until_it_is_no_longer(stage: AwsStage, strategy: Strategy) -> None:
    """The roll is good, and `phoenix tend` burns the former group when it can."""
    stage = replace(stage, strategy=strategy)
    stage.roll("1")
    kept = protect(stage, protected=True)
    assert stage.roll("2").state is RunState.DONE
    assert stage.shares == {NEW: 100}
    assert [each.id for each in stage.account.seen(OLD).instances] == [kept]
    assert [group.name for group in due(stage.observed, stage.account.clock.now(), frozenset())] == [OLD]
    assert protect(stage, protected=False) == kept
    stage.account.groups().delete(OLD)
    assert left_of(stage, OLD) == []


@pytest.mark.full
def test_a_machine_that_somebody_set_aside_stays_until_somebody_ends_it(stage: AwsStage) -> None:
    stage = replace(stage, strategy=BlueGreen(keep=0.0))
    stage.roll("1")
    aside = stage.account.seen(OLD).instances[0].id
    stage.account.ask(
        "autoscaling",
        "enter_standby",
        AutoScalingGroupName=OLD,
        InstanceIds=[aside],
        ShouldDecrementDesiredCapacity=False,
    )
    stage.account.clock.sleep(60)
    assert stage.size_of(OLD) == (2, 2), "AWS has put another in its place"
    assert stage.roll("2").state is RunState.DONE
    assert stage.shares == {NEW: 100}
    assert stage.size_of(NEW) == (2, 2)
    assert [each.id for each in stage.account.seen(OLD).instances] == [aside]
    stage.account.ask(
        "autoscaling",
        "terminate_instance_in_auto_scaling_group",
        InstanceId=aside,
        ShouldDecrementDesiredCapacity=False,
    )
    stage.account.clock.sleep(60)
    stage.account.groups().delete(OLD)
    assert left_of(stage, OLD) == []


def test_a_group_of_somebody_else_gives_its_traffic_and_its_ways_and_stays(stage: AwsStage) -> None:
    account = stage.account
    targets = account.target_group("legacy")
    account.foreign("legacy", size=3, TargetGroupARNs=[targets])
    account.ask(
        "autoscaling",
        "put_scheduled_update_group_action",
        AutoScalingGroupName="legacy",
        ScheduledActionName="night",
        Recurrence="0 20 * * *",
        MinSize=1,
    )
    forward = {"Type": "forward", "TargetGroupArn": targets}
    account.ask("elbv2", "modify_listener", ListenerArn=account.world.listener, DefaultActions=[forward])
    account.clock.sleep(60)
    before = account.told("legacy")
    with pytest.raises(RefusedError, match="did not make legacy"):
        stage.roll("1")
    stage = replace(stage, adopt=True, size=Size(minimum=1, maximum=6, cpu=60))
    assert stage.roll("1").state is RunState.DONE
    assert stage.shares == {OLD: 100}
    assert stage.size_of(OLD) == (3, 3), "as large as what served"
    assert account.told("legacy") == before
    schedules = account.pages(
        "autoscaling", "describe_scheduled_actions", "ScheduledUpdateGroupActions", AutoScalingGroupName=OLD
    )
    assert [each["ScheduledActionName"] for each in schedules] == ["night"]


def test_what_a_successor_would_lack_refuses_the_roll_and_so_does_a_refresh(stage: AwsStage) -> None:
    stage.roll("1")
    of_it = {"AutoScalingGroupName": OLD}
    account = stage.account
    account.ask("autoscaling", "put_warm_pool", **of_it, MinSize=1)
    with pytest.raises(RefusedError) as error:
        stage.roll("2")
    assert "warm pool" in str(error.value)
    account.ask("autoscaling", "delete_warm_pool", **of_it)
    account.ask("autoscaling", "start_instance_refresh", **of_it)
    with pytest.raises(RefusedError) as error:
        stage.roll("2")
    assert "instance refresh" in str(error.value)


def delete_template(stage: AwsStage, group: str) -> None:
    """Somebody tidies up launch templates."""
    stage.account.ask("ec2", "delete_launch_template", LaunchTemplateName=group)


def test_somebody_deletes_the_launch_template_of_the_new_group(stage: AwsStage) -> None:
    """Its machines run, and it could replace none of them: no request goes there."""
    stage.roll("1")
    stage.meddle["shift"] = lambda: delete_template(stage, NEW)
    began = stage.account.clock.slept
    said = refused(stage)
    assert f"{NEW} can start no machine any more" in said
    assert "its launch template lt-" in said
    assert stage.account.clock.slept - began < 240, "long before any deadline"


def test_somebody_deletes_the_launch_template_of_the_group_that_serves(stage: AwsStage) -> None:
    """A rolling one would end machines of it, which nothing could bring back: none is ended."""
    stage = replace(stage, strategy=Rolling(step=1, percent=False))
    stage.roll("1")
    before = {each.id for each in stage.account.seen(OLD).instances}
    stage.meddle["candidate-healthy"] = lambda: delete_template(stage, OLD)
    said = refused(stage)
    assert f"{OLD} can start no machine any more" in said
    assert "`--strategy blue-green`" in said, "each rolling roll would come to the same end"
    assert {each.id for each in stage.account.seen(OLD).instances} == before
    assert "its launch template is gone" in stage.account.seen(OLD).trouble
    stage = replace(stage, strategy=BlueGreen(keep=0.0))
    assert stage.roll("2").state is RunState.DONE, "what ends no machine before the end brings it right"
    assert stage.shares == {"web-prod-v003": 100}


def test_somebody_deletes_the_launch_template_of_a_group_that_is_growing(stage: AwsStage) -> None:
    """AWS's own words say so as soon as a machine is to start."""
    stage = replace(stage, strategy=Rolling(step=1, percent=False))
    stage.roll("1")
    stage.meddle["grow-100"] = lambda: delete_template(stage, NEW)
    began = stage.account.clock.slept
    assert "launch template" in refused(stage)
    assert stage.account.clock.slept - began < 300, "long before the deadline"
