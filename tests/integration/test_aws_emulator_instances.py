"""The emulator's instances of groups, against the API's reference: ended, replaced, put aside, hooked, refreshed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulators.aws import Emulator
from tests.emulators.aws.bench import Bench, refused

HOOK = {"AutoScalingGroupName": "web", "LifecycleHookName": "warm"}


@pytest.fixture
def bench(emulator: Emulator) -> Bench:
    emulator.configure(speed=0)
    return Bench(emulator)


def test_an_ended_instance_is_replaced_or_the_group_shrinks(bench: Bench) -> None:
    bench.group(size=2, least=1)
    first, second = bench.ids()
    end = bench.asg.terminate_instance_in_auto_scaling_group
    activity = end(InstanceId=first, ShouldDecrementDesiredCapacity=False)["Activity"]
    assert activity["Description"] == f"Terminating EC2 instance: {first}"
    assert len(bench.ids()) == 2
    end(InstanceId=second, ShouldDecrementDesiredCapacity=True)
    assert bench.described()["DesiredCapacity"] == 1
    with refused("ValidationError", "min size constraint"):
        end(InstanceId=bench.ids()[0], ShouldDecrementDesiredCapacity=True)
    with refused("ValidationError", "No managed instance found"):
        end(InstanceId="i-0123456789abcdef0", ShouldDecrementDesiredCapacity=True)


def test_an_instance_that_is_on_its_way_is_not_ended(bench: Bench) -> None:
    bench.emulator.configure(pending=60)
    bench.group(size=1)
    (young,) = bench.ids(state="Pending")
    with refused("ScalingActivityInProgress", "is in progress"):
        bench.asg.terminate_instance_in_auto_scaling_group(InstanceId=young, ShouldDecrementDesiredCapacity=True)
    bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=0)
    assert bench.states() == [], "the group itself may"


def test_several_are_ended_at_once(bench: Bench) -> None:
    bench.group(size=3)
    chosen = bench.ids()[:2]
    asked = {"AutoScalingGroupName": "web", "InstanceIds": chosen, "ShouldDecrementDesiredCapacity": True}
    assert len(bench.asg.terminate_instance_in_auto_scaling_group(**asked)["Activities"]) == 2
    assert len(bench.ids()) == 1


def test_an_instance_drains_before_it_ends(bench: Bench) -> None:
    bench.emulator.configure(terminating=10)
    arn = bench.served(size=2)
    gone = bench.ids()[0]
    bench.asg.terminate_instance_in_auto_scaling_group(InstanceId=gone, ShouldDecrementDesiredCapacity=True)
    assert bench.states() == ["InService", "Terminating"]
    assert bench.health(arn)[gone] == ("draining", "Target.DeregistrationInProgress")
    assert bench.activities()[0]["StatusCode"] == "WaitingForELBConnectionDraining"
    bench.emulator.advance(299)
    assert bench.states() == ["InService", "Terminating"]
    bench.emulator.advance(1)
    assert bench.states() == ["InService", "Terminating:Proceed"]
    assert state_of(bench, gone) == "shutting-down"
    bench.emulator.advance(10)
    assert bench.states() == ["InService"]
    assert state_of(bench, gone) == "terminated"
    assert bench.activities()[0]["StatusCode"] == "Successful"


def test_what_is_protected_from_scale_in_stays(bench: Bench) -> None:
    bench.group(size=3)
    kept = bench.ids()[:2]
    bench.asg.set_instance_protection(InstanceIds=kept, AutoScalingGroupName="web", ProtectedFromScaleIn=True)
    bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=0)
    assert sorted(bench.ids()) == sorted(kept)
    shown = {one["InstanceId"]: one["ProtectedFromScaleIn"] for one in bench.described()["Instances"]}
    assert shown == dict.fromkeys(kept, True)


def test_standby_is_out_of_the_balancer_and_not_counted(bench: Bench) -> None:
    arn = bench.served(size=2)
    aside = bench.ids()[0]
    asked = {"AutoScalingGroupName": "web", "InstanceIds": [aside]}
    bench.asg.enter_standby(**asked, ShouldDecrementDesiredCapacity=True)
    assert bench.states() == ["EnteringStandby", "InService"]
    bench.emulator.advance(300)
    assert bench.states() == ["InService", "Standby"]
    assert list(bench.health(arn)) == bench.ids()
    assert bench.described()["DesiredCapacity"] == 1
    bench.asg.exit_standby(**asked)
    assert bench.states() == ["InService", "InService"]
    assert bench.described()["DesiredCapacity"] == 2
    assert bench.health(arn)[aside] == ("healthy", "")


def test_a_sick_instance_is_replaced_after_its_grace_and_the_new_one_serves(bench: Bench) -> None:
    arn = bench.served(size=2, HealthCheckType="ELB", HealthCheckGracePeriod=120)
    sick = bench.ids()[0]
    bench.emulator.sick(sick)
    bench.emulator.advance(100)
    assert bench.health(arn)[sick] == ("unhealthy", "Target.ResponseCodeMismatch")
    assert sick in bench.ids(), "the grace is not over"
    bench.emulator.advance(30)
    assert sick not in bench.ids()
    assert len(bench.ids()) == 2
    assert {bench.health(arn)[one][0] for one in bench.ids()} == {"healthy"}
    shown = {one["InstanceId"]: one["HealthStatus"] for one in bench.described()["Instances"]}
    assert shown[sick] == "Unhealthy"


@pytest.mark.parametrize("process", ["HealthCheck", "ReplaceUnhealthy", "Terminate"])
def test_nothing_is_replaced_while_a_process_of_it_is_suspended(bench: Bench, process: str) -> None:
    bench.served(size=1, HealthCheckType="ELB")
    (sick,) = bench.ids()
    bench.asg.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=[process])
    bench.emulator.sick(sick)
    bench.emulator.advance(60)
    assert bench.ids() == [sick]


def test_the_balancer_is_not_asked_where_the_check_is_ec2s(bench: Bench) -> None:
    bench.served(size=1)
    bench.emulator.sick("web")
    before = bench.ids()
    bench.emulator.advance(600)
    assert bench.ids() == before


def test_with_launch_suspended_a_sick_instance_ends_without_another(bench: Bench) -> None:
    bench.served(size=1, HealthCheckType="ELB")
    bench.asg.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Launch"])
    bench.emulator.sick("web")
    bench.emulator.advance(400)
    assert bench.states() == []


def test_an_instance_that_ec2_ended_is_replaced_and_registered(bench: Bench) -> None:
    arn = bench.served(size=2)
    gone = bench.ids()[0]
    bench.ec2.terminate_instances(InstanceIds=[gone])
    bench.emulator.advance(10)
    assert len(bench.ids()) == 2
    assert gone not in bench.ids()
    assert all(bench.health(arn)[one] == ("healthy", "") for one in bench.ids())


def test_what_is_launched_while_adding_is_suspended_is_never_registered(bench: Bench) -> None:
    arn = bench.served(size=1)
    bench.asg.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["AddToLoadBalancer"])
    bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=2)
    bench.asg.resume_processes(AutoScalingGroupName="web")
    assert len(bench.ids()) == 2
    assert len(bench.health(arn)) == 1


def test_declared_ill_by_hand_an_instance_is_replaced(bench: Bench) -> None:
    bench.group(size=1, HealthCheckGracePeriod=300)
    (ill,) = bench.ids()
    bench.asg.set_instance_health(InstanceId=ill, HealthStatus="Unhealthy")
    bench.emulator.advance(20)
    assert bench.ids() == [ill], "the grace is respected"
    bench.asg.set_instance_health(InstanceId=ill, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False)
    assert ill not in bench.ids()
    assert len(bench.ids()) == 1


def test_instances_are_attached_and_detached(bench: Bench) -> None:
    bench.group(size=1)
    made = bench.ec2.run_instances(
        ImageId=bench.world.image, MinCount=1, MaxCount=1, SubnetId=bench.world.subnets[0], InstanceType="t3.small"
    )["Instances"][0]["InstanceId"]
    bench.asg.attach_instances(InstanceIds=[made], AutoScalingGroupName="web")
    assert made in bench.ids()
    assert bench.described()["DesiredCapacity"] == 2
    asked = {"InstanceIds": [made], "AutoScalingGroupName": "web", "ShouldDecrementDesiredCapacity": True}
    bench.asg.detach_instances(**asked)
    assert made not in bench.ids()
    assert state_of(bench, made) == "running"


def test_a_launch_waits_for_its_hook(bench: Bench) -> None:
    bench.group(size=1, LifecycleHookSpecificationList=[hook()])
    (waiting,) = bench.ids(state="Pending:Wait")
    bench.asg.complete_lifecycle_action(**HOOK, InstanceId=waiting, LifecycleActionResult="CONTINUE")
    assert bench.ids() == [waiting]
    with refused("ValidationError", "No active Lifecycle Action"):
        bench.asg.complete_lifecycle_action(**HOOK, InstanceId=waiting, LifecycleActionResult="CONTINUE")


@pytest.mark.parametrize(("default", "stays"), [("CONTINUE", True), ("ABANDON", False)])
def test_a_hook_that_nobody_completes_ends_by_its_default(bench: Bench, default: str, stays: bool) -> None:
    bench.group(size=1, LifecycleHookSpecificationList=[hook(DefaultResult=default)])
    (waiting,) = bench.ids(state="Pending:Wait")
    bench.emulator.advance(30)
    bench.asg.record_lifecycle_action_heartbeat(**HOOK, InstanceId=waiting)
    bench.emulator.advance(59)
    assert bench.ids(state="Pending:Wait") == [waiting]
    bench.emulator.advance(1)
    assert (bench.ids() == [waiting]) is stays
    assert len(bench.described()["Instances"]) == 1, "an abandoned one is replaced"


def test_a_termination_waits_for_its_hook(bench: Bench) -> None:
    bench.group(size=1)
    bench.asg.put_lifecycle_hook(
        **HOOK, LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING", HeartbeatTimeout=60
    )
    (shown,) = bench.asg.describe_lifecycle_hooks(AutoScalingGroupName="web")["LifecycleHooks"]
    assert (shown["HeartbeatTimeout"], shown["DefaultResult"]) == (60, "ABANDON")
    bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=0)
    assert bench.states() == ["Terminating:Wait"]
    bench.asg.delete_lifecycle_hook(**HOOK)
    assert bench.states() == []


def test_a_refresh_replaces_all_and_keeps_the_floor(bench: Bench) -> None:
    arn = bench.served(size=4)
    bench.emulator.configure(pending=20, drain=0)
    before = set(bench.ids())
    bench.ec2.create_launch_template_version(
        LaunchTemplateName="web-template", SourceVersion="1", LaunchTemplateData={"InstanceType": "t3.large"}
    )
    desired = {"LaunchTemplate": {"LaunchTemplateName": "web-template", "Version": "2"}}
    started = bench.asg.start_instance_refresh(
        AutoScalingGroupName="web", DesiredConfiguration=desired, Preferences={"MinHealthyPercentage": 75}
    )["InstanceRefreshId"]
    with refused("InstanceRefreshInProgress"):
        bench.asg.start_instance_refresh(AutoScalingGroupName="web")
    bench.emulator.advance(5)
    assert bench.states() == ["InService"] * 3 + ["Pending"]
    assert refresh_of(bench)["Status"] == "InProgress"
    assert bench.described()["LaunchTemplate"]["Version"] == "1", "the group has the new one when all went well"
    bench.emulator.advance(300)
    shown = refresh_of(bench)
    assert (shown["InstanceRefreshId"], shown["Status"], shown["PercentageComplete"]) == (started, "Successful", 100)
    assert not before & set(bench.ids())
    assert {one["InstanceType"] for one in bench.described()["Instances"]} == {"t3.large"}
    assert bench.described()["LaunchTemplate"]["Version"] == "2"
    assert set(bench.health(arn)) == set(bench.ids())


def test_a_refresh_rests_while_its_process_is_suspended(bench: Bench) -> None:
    bench.group(size=1)
    before = bench.ids()
    bench.asg.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["InstanceRefresh"])
    bench.asg.start_instance_refresh(AutoScalingGroupName="web")
    bench.emulator.advance(60)
    assert bench.ids() == before
    bench.asg.resume_processes(AutoScalingGroupName="web")
    bench.emulator.advance(60)
    assert bench.ids() != before


@pytest.mark.parametrize(
    ("action", "most", "more"),
    [
        ("enter_standby", 20, {"ShouldDecrementDesiredCapacity": True}),
        ("detach_instances", 20, {"ShouldDecrementDesiredCapacity": True}),
        ("set_instance_protection", 50, {"ProtectedFromScaleIn": True}),
    ],
)
def test_a_call_names_only_so_many_instances(bench: Bench, action: str, most: int, more: dict[str, bool]) -> None:
    bench.group(size=most + 1, most=100)
    ask = getattr(bench.asg, action)
    with refused("ValidationError", f"at most {most}"):
        ask(AutoScalingGroupName="web", InstanceIds=bench.ids(), **more)
    ask(AutoScalingGroupName="web", InstanceIds=bench.ids()[:most], **more)


def test_a_refresh_is_cancelled_once(bench: Bench) -> None:
    bench.emulator.configure(pending=60)
    bench.group(size=2)
    bench.emulator.advance(60)
    before = bench.ids()
    bench.asg.start_instance_refresh(AutoScalingGroupName="web")
    bench.emulator.advance(2)
    assert bench.states() == ["InService", "Pending"]
    bench.asg.cancel_instance_refresh(AutoScalingGroupName="web")
    bench.emulator.advance(600)
    assert len(set(before) & set(bench.ids())) == 1, "what was replaced stays so"
    assert refresh_of(bench)["Status"] == "Cancelled"
    with refused("ActiveInstanceRefreshNotFound"):
        bench.asg.cancel_instance_refresh(AutoScalingGroupName="web")


def test_a_refresh_is_rolled_back(bench: Bench) -> None:
    bench.group(size=2)
    bench.ec2.create_launch_template_version(
        LaunchTemplateName="web-template", SourceVersion="1", LaunchTemplateData={"InstanceType": "t3.large"}
    )
    desired = {"LaunchTemplate": {"LaunchTemplateName": "web-template", "Version": "2"}}
    bench.asg.start_instance_refresh(AutoScalingGroupName="web", DesiredConfiguration=desired)
    bench.emulator.advance(1)
    bench.asg.rollback_instance_refresh(AutoScalingGroupName="web")
    assert refresh_of(bench)["Status"] == "RollbackInProgress"
    bench.emulator.advance(600)
    assert refresh_of(bench)["Status"] == "RollbackSuccessful"
    assert {one["InstanceType"] for one in bench.described()["Instances"]} == {"t3.small"}


def test_the_version_that_is_named_is_honoured_for_everything(bench: Bench) -> None:
    other = bench.ec2.create_security_group(GroupName="other", Description="x", VpcId=bench.world.vpc)["GroupId"]
    bench.template(SecurityGroupIds=[bench.world.security_group])
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "version", "Value": "two"}]}]
    bench.ec2.create_launch_template_version(
        LaunchTemplateName="web",
        SourceVersion="1",
        LaunchTemplateData={"UserData": "dHdv", "SecurityGroupIds": [other], "TagSpecifications": tags},
    )
    bench.group(size=1, LaunchTemplate={"LaunchTemplateName": "web", "Version": "2"})
    (instance,) = bench.ec2.describe_instances(InstanceIds=bench.ids())["Reservations"][0]["Instances"]
    assert [one["GroupId"] for one in instance["SecurityGroups"]] == [other]
    shown = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert (shown["version"], shown["aws:ec2launchtemplate:version"]) == ("two", "2")
    assert bench.described()["Instances"][0]["LaunchTemplate"]["Version"] == "2"


def hook(**more: Any) -> dict[str, Any]:
    transition = "autoscaling:EC2_INSTANCE_LAUNCHING"
    return {"LifecycleHookName": "warm", "LifecycleTransition": transition, "HeartbeatTimeout": 60, **more}


def refresh_of(bench: Bench) -> Any:
    return bench.asg.describe_instance_refreshes(AutoScalingGroupName="web")["InstanceRefreshes"][0]


def state_of(bench: Bench, instance: str) -> str:
    (found,) = bench.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    return str(found["State"]["Name"])
