"""The emulator's Auto Scaling groups as wholes, against the API's reference: sizes, ends, processes, failures."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.emulators.aws import Emulator
from tests.emulators.aws.bench import Bench, refused


@pytest.fixture
def bench(emulator: Emulator) -> Bench:
    emulator.configure(speed=0)
    return Bench(emulator)


def test_instances_are_pending_before_they_are_in_service(bench: Bench) -> None:
    bench.emulator.configure(pending=20)
    bench.group()
    assert bench.states() == ["Pending", "Pending"]
    assert bench.activities()[0]["StatusCode"] == "InProgress"
    bench.emulator.advance(20)
    assert bench.states() == ["InService", "InService"]
    assert bench.activities()[0]["StatusCode"] == "Successful"


def test_instances_are_spread_over_the_zones(bench: Bench) -> None:
    bench.group(size=5)
    zones = Counter(one["AvailabilityZone"] for one in bench.described()["Instances"])
    assert sorted(zones.values()) == [2, 3]
    bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=4)
    assert sorted(Counter(one["AvailabilityZone"] for one in bench.described()["Instances"]).values()) == [2, 2]


def test_a_second_group_of_the_name_is_refused(bench: Bench) -> None:
    bench.group()
    before = bench.ids()
    with refused("AlreadyExists", "already exists"):
        bench.group(LaunchTemplate={"LaunchTemplateName": "web-template", "Version": "1"})
    assert bench.ids() == before


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"size": 5, "most": 4}, "must be between the specified min size:0 and max size:4"),
        ({"size": 1, "least": 2}, "must be between the specified min size:2"),
        ({"size": 3, "least": 5, "most": 4}, "must be greater than or equal to min bound, 5"),
    ],
)
def test_sizes_that_contradict_each_other_are_refused(bench: Bench, sizes: dict[str, int], words: str) -> None:
    with refused("ValidationError", words):
        bench.group(**sizes)  # type: ignore[arg-type]


def test_the_desired_capacity_stays_within_its_bounds(bench: Bench) -> None:
    bench.group(size=2, least=1, most=3)
    with refused("ValidationError", "above max value 3"):
        bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=4)
    with refused("ValidationError", "below min value 1"):
        bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=0)


def test_bounds_move_the_desired_capacity_where_it_is_not_given(bench: Bench) -> None:
    bench.group(size=2)
    bench.asg.update_auto_scaling_group(AutoScalingGroupName="web", MinSize=4)
    assert bench.described()["DesiredCapacity"] == 4
    bench.asg.update_auto_scaling_group(AutoScalingGroupName="web", MinSize=0, MaxSize=1)
    assert bench.described()["DesiredCapacity"] == 1


@pytest.mark.parametrize("version", ["7", "$Latest"])
def test_a_template_that_is_not_there_is_refused(bench: Bench, version: str) -> None:
    name = "nothing" if version == "$Latest" else bench.template()
    with refused("ValidationError", "valid fully-formed launch template"):
        bench.group(LaunchTemplate={"LaunchTemplateName": name, "Version": version})


def test_what_the_template_names_must_be_there(bench: Bench) -> None:
    bench.template(ImageId="ami-0123456789abcdef0")
    with refused("ValidationError", "'[ami-0123456789abcdef0]' does not exist"):
        bench.group(LaunchTemplate={"LaunchTemplateName": "web", "Version": "1"})
    with refused("ValidationError", "Target Groups may not be valid"):
        bench.group("other", TargetGroupARNs=["arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/no/0"])


def test_deleting_needs_force_while_there_are_instances(bench: Bench) -> None:
    bench.group()
    with refused("ResourceInUse", "still in the group"):
        bench.asg.delete_auto_scaling_group(AutoScalingGroupName="web")
    bench.emulator.configure(terminating=30)
    bench.asg.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    assert bench.described()["Status"] == "Delete in progress"
    with refused("ValidationError", "pending delete"):
        bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
    bench.emulator.advance(30)
    assert bench.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    with refused("ValidationError", "not found"):
        bench.asg.delete_auto_scaling_group(AutoScalingGroupName="web")


def test_an_empty_group_is_deleted_when_its_last_instance_has_ended(bench: Bench) -> None:
    bench.served()
    bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=0)
    with refused("ScalingActivityInProgress"):
        bench.asg.delete_auto_scaling_group(AutoScalingGroupName="web")
    bench.emulator.advance(300)
    bench.asg.delete_auto_scaling_group(AutoScalingGroupName="web")
    assert bench.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_no_capacity_is_an_activity_that_failed_and_is_tried_again(bench: Bench) -> None:
    bench.emulator.configure(capacity=1, retry=15)
    bench.group(size=2)
    assert bench.states() == ["InService"]
    failed = [one for one in bench.activities() if one["StatusCode"] == "Failed"]
    assert "do not have sufficient t3.small capacity" in failed[0]["StatusMessage"]
    assert failed[0]["StatusMessage"].endswith("Launching EC2 instance failed.")
    bench.emulator.configure(capacity=2)
    bench.emulator.advance(15)
    assert bench.states() == ["InService", "InService"]


def test_a_zone_without_capacity_is_left_out(bench: Bench) -> None:
    bench.emulator.configure(short=["eu-west-1a"])
    bench.group(size=3)
    assert {one["AvailabilityZone"] for one in bench.described()["Instances"]} == {"eu-west-1b"}
    bench.emulator.configure(short=["eu-west-1a", "eu-west-1b"])
    bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=4)
    assert bench.activities()[0]["StatusCode"] == "Failed"


def test_zones_are_evened_out_when_there_is_room_again(bench: Bench) -> None:
    bench.emulator.configure(short=["eu-west-1a"])
    bench.group(size=4)
    bench.asg.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["AZRebalance"])
    bench.emulator.configure(short=[], pending=5)
    bench.emulator.advance(60)
    assert {one["AvailabilityZone"] for one in bench.described()["Instances"]} == {"eu-west-1b"}
    bench.asg.resume_processes(AutoScalingGroupName="web", ScalingProcesses=["AZRebalance"])
    bench.emulator.advance(11)
    assert bench.states() == ["InService"] * 4 + ["Pending"], "a new one first"
    bench.emulator.advance(60)
    assert sorted(Counter(one["AvailabilityZone"] for one in bench.described()["Instances"]).values()) == [2, 2]


def test_instances_move_out_of_a_zone_that_the_group_leaves(bench: Bench) -> None:
    bench.group(size=4)
    bench.asg.update_auto_scaling_group(AutoScalingGroupName="web", VPCZoneIdentifier=bench.world.subnets[0])
    assert bench.described()["AvailabilityZones"] == ["eu-west-1a"]
    bench.emulator.advance(60)
    assert {one["AvailabilityZone"] for one in bench.described()["Instances"]} == {"eu-west-1a"}
    assert len(bench.ids()) == 4


def test_what_a_launch_fails_of_is_the_tests_to_say(bench: Bench) -> None:
    bench.emulator.fail("autoscaling", "Launch", message="You have requested more vCPU capacity than your limit.")
    bench.group(size=1)
    assert bench.activities()[0]["StatusMessage"].startswith("You have requested more vCPU capacity")
    bench.emulator.advance(15)
    assert bench.states() == ["InService"]


def test_a_template_that_went_away_fails_the_launch(bench: Bench) -> None:
    bench.group(size=1)
    bench.ec2.delete_launch_template(LaunchTemplateName="web-template")
    bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=2)
    assert "does not exist" in bench.activities()[0]["StatusMessage"]


def test_a_profile_that_is_not_there_fails_the_launch_and_leaves_no_instance(bench: Bench) -> None:
    bench.template(IamInstanceProfile={"Name": "nobody"})
    bench.group(size=1, LaunchTemplate={"LaunchTemplateName": "web", "Version": "1"})
    assert "Invalid IAM Instance Profile name (nobody)" in bench.activities()[0]["StatusMessage"]
    assert bench.ec2.describe_instances()["Reservations"] == []


def test_a_mixed_policy_is_shown_as_it_was_given(bench: Bench) -> None:
    template = {"LaunchTemplateName": bench.template(), "Version": "1"}
    policy = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": template,
            "Overrides": [{"InstanceType": "t3.large"}, {"InstanceType": "t3.medium"}],
        }
    }
    bench.asg.create_auto_scaling_group(
        AutoScalingGroupName="web",
        MinSize=1,
        MaxSize=1,
        MixedInstancesPolicy=policy,
        VPCZoneIdentifier=",".join(bench.world.subnets),
    )
    shown = bench.described()
    assert shown["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"] == policy["LaunchTemplate"]["Overrides"]
    assert "LaunchTemplate" not in shown
    assert shown["Instances"][0]["InstanceType"] == "t3.large"
    bench.asg.update_auto_scaling_group(AutoScalingGroupName="web", LaunchTemplate=template)
    assert "MixedInstancesPolicy" not in bench.described()


def test_an_older_group_has_a_launch_configuration(bench: Bench) -> None:
    bench.asg.create_launch_configuration(
        LaunchConfigurationName="old", ImageId=bench.world.image, InstanceType="t3.large"
    )
    bench.asg.create_auto_scaling_group(
        AutoScalingGroupName="web",
        LaunchConfigurationName="old",
        MinSize=1,
        MaxSize=1,
        VPCZoneIdentifier=",".join(bench.world.subnets),
    )
    shown = bench.described()
    assert (shown["LaunchConfigurationName"], shown["Instances"][0]["LaunchConfigurationName"]) == ("old", "old")
    assert "LaunchTemplate" not in shown
    assert shown["Instances"][0]["InstanceType"] == "t3.large"


def test_a_target_group_that_went_away_fails_the_launch(bench: Bench) -> None:
    arn = bench.target_group()
    bench.group(size=1, TargetGroupARNs=[arn])
    bench.elb.delete_target_group(TargetGroupArn=arn)
    bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=2)
    assert bench.activities()[0]["StatusMessage"].startswith("One or more target groups not found.")
    bench.asg.detach_load_balancer_target_groups(AutoScalingGroupName="web", TargetGroupARNs=[arn])
    bench.emulator.advance(15)
    assert len(bench.ids()) == 2


def test_a_suspended_launch_starts_nothing(bench: Bench) -> None:
    bench.group(size=1)
    bench.asg.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Launch"])
    assert [one["ProcessName"] for one in bench.described()["SuspendedProcesses"]] == ["Launch"]
    bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=3)
    assert len(bench.ids()) == 1
    bench.asg.resume_processes(AutoScalingGroupName="web", ScalingProcesses=["Launch"])
    assert len(bench.ids()) == 3


def test_a_suspended_termination_ends_nothing(bench: Bench) -> None:
    bench.group(size=3)
    bench.asg.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Terminate"])
    bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
    assert len(bench.ids()) == 3
    bench.asg.resume_processes(AutoScalingGroupName="web")
    assert len(bench.ids()) == 1


def test_none_named_are_all_processes_and_a_wrong_name_is_refused(bench: Bench) -> None:
    bench.group(size=1)
    bench.asg.suspend_processes(AutoScalingGroupName="web")
    assert len(bench.described()["SuspendedProcesses"]) == 9
    with refused("ValidationError"):
        bench.asg.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Bogus"])


def test_an_alarm_scales_unless_its_process_is_suspended(bench: Bench) -> None:
    bench.group(size=1, most=4)
    assert bench.emulator.autoscale("web", 9) == 4
    bench.asg.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["AlarmNotification"])
    assert bench.emulator.autoscale("web", 1) == 4
    assert bench.emulator.autoscale("web", 1, process="ScheduledActions") == 1


def test_tags_are_propagated_where_they_say_so(bench: Bench) -> None:
    tags = [
        {"Key": "a", "Value": "1", "PropagateAtLaunch": True},
        {"Key": "b", "Value": "2", "PropagateAtLaunch": False},
    ]
    bench.group(size=1, Tags=tags)
    (instance,) = bench.ec2.describe_instances(InstanceIds=bench.ids())["Reservations"][0]["Instances"]
    shown = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert shown["a"] == "1"
    assert "b" not in shown
    assert shown["aws:autoscaling:groupName"] == "web"
    bench.asg.create_or_update_tags(
        Tags=[
            {
                "ResourceId": "web",
                "ResourceType": "auto-scaling-group",
                "Key": "c",
                "Value": "3",
                "PropagateAtLaunch": True,
            }
        ]
    )
    filters = [{"Name": "tag:c", "Values": ["3"]}]
    assert len(bench.asg.describe_auto_scaling_groups(Filters=filters)["AutoScalingGroups"]) == 1
    found = bench.asg.describe_tags(Filters=[{"Name": "key", "Values": ["c"]}])["Tags"]
    assert [(tag["ResourceId"], tag["Value"]) for tag in found] == [("web", "3")]


def test_groups_are_listed_in_pages(bench: Bench) -> None:
    template = {"LaunchTemplateName": bench.template(), "Version": "1"}
    for number in range(3):
        bench.group(f"web-{number}", size=0, LaunchTemplate=template)
    page = bench.asg.describe_auto_scaling_groups(MaxRecords=2)
    assert len(page["AutoScalingGroups"]) == 2
    assert len(bench.asg.describe_auto_scaling_groups(NextToken=page["NextToken"])["AutoScalingGroups"]) == 1


def test_pages_may_be_shorter_than_asked_for(bench: Bench) -> None:
    template = {"LaunchTemplateName": bench.template(), "Version": "1"}
    for number in range(3):
        bench.group(f"web-{number}", size=0, LaunchTemplate=template)
    bench.emulator.configure(page=1)
    pages = list(bench.asg.get_paginator("describe_auto_scaling_groups").paginate())
    assert [len(page["AutoScalingGroups"]) for page in pages] == [1, 1, 1]
    with refused("ValidationError", "between 1 and 100"):
        bench.asg.describe_auto_scaling_groups(MaxRecords=101)


def test_a_group_is_shown_without_its_instances_where_that_is_asked_for(bench: Bench) -> None:
    bench.group(size=2)
    (shown,) = bench.asg.describe_auto_scaling_groups(IncludeInstances=False)["AutoScalingGroups"]
    assert (shown["Instances"], shown["DesiredCapacity"]) == ([], 2)


def test_the_number_of_groups_is_limited(bench: Bench) -> None:
    bench.emulator.configure(groups=1)
    bench.group(size=0)
    with refused("LimitExceeded"):
        bench.group("other", size=0)
    limits = bench.asg.describe_account_limits()
    assert (limits["MaxNumberOfAutoScalingGroups"], limits["NumberOfAutoScalingGroups"]) == (1, 1)


def test_calls_about_a_group_that_is_not_there_say_so(bench: Bench) -> None:
    for ask in (
        bench.asg.suspend_processes,
        bench.asg.describe_load_balancer_target_groups,
        bench.asg.describe_lifecycle_hooks,
    ):
        with refused("ValidationError", "AutoScalingGroup name not found"):
            ask(AutoScalingGroupName="nothing")
