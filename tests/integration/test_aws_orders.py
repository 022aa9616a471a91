"""What is asked of phoenix on AWS, as whole commands on an emulated account: adoption, alarms, room, what lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest

from phoenix.clouds.api import Cloud
from phoenix.clouds.aws.calls import Calls
from phoenix.clouds.aws.cloud import AwsCloudDoor
from phoenix.clouds.aws.groups import AwsGroups
from phoenix.spec.clouds import AwsCloud, CloudSpec
from phoenix.spec.project import Project
from tests.emulators.aws import Emulator
from tests.emulators.aws.world import World
from tests.support.fakes.desk import Desk, desk_in
from tests.support.real.aws import EmulatedTime

pytestmark = pytest.mark.timeout(300)

LEGACY, V1, V2 = "legacy", "web-prod-v001", "web-prod-v002"
ALARM = "web-5xx"
PROJECT = """\
version: 1
project: hello
clouds:
  aws: {{kind: aws, region: {region}, subnets: [{subnets}]}}
repositories:
  main: {{distribution: bookworm, root: aptly, url: {{local: "{url}", aws: "https://apt.acme.internal"}}, sign: none}}
images:
  os:
    debian-12: {{base: {{aws: "136693071363/debian-12-amd64-*"}}, playbook: base.yml}}
services:
  web:
    image: os/debian-12
    packages: [hello]
    port: 8080
    health: {{path: /healthz, healthy_after: 5s}}
    drain: 10s
    environments:
      prod:
        cloud: aws
        size: {{min: 2, max: 3, cpu: 60%}}
        machine: {{type: t3.small}}
        load_balancer: {{listener: "{listener}", rule: default}}
        strategy: {{kind: blue-green, keep: 30m}}
"""


class Door(AwsCloudDoor):
    """The cloud, on the emulator's clock."""

    def __init__(self, project: Project, spec: AwsCloud, clock: EmulatedTime) -> None:
        super().__init__(project, spec)
        self._clock = clock

    @cached_property
    def groups(self) -> AwsGroups:
        return AwsGroups(self._project.name, self._spec, Calls(self._spec), self._clock)


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A project on an emulated account, in which a group that phoenix did not make serves with four machines."""

    desk: Desk
    world: World
    emulator: Emulator
    autoscaling: Any

    def roll(self, version: str, *options: str, code: int = 0) -> dict[str, Any]:
        words = ("roll", "web", "--image", "os/debian-12", "--package", f"hello={version}", *options)
        return self.desk.run(*words, code=code)

    def group(self, name: str) -> dict[str, Any] | None:
        """The Auto Scaling group, as AWS tells of it."""
        found = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        return dict(found[0]) if found else None

    def shares(self) -> dict[str, int]:
        groups = self.desk.run("status", "web")["services"][0]["groups"]
        return {group["name"]: group["share"] for group in groups if group["share"]}


@pytest.fixture
def shop(
    emulator: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    world = emulator.world("hello")
    with desk_in(tmp_path, capsys, monkeypatch) as desk:
        url = next(line for line in desk.spec.splitlines() if "url: " in line).split('"')[1]
        subnets = ", ".join(world.subnets)
        text = PROJECT.format(region=world.region, subnets=subnets, url=url, listener=world.listener)
        (tmp_path / "phoenix.yaml").write_text(text)
        clock = EmulatedTime(emulator)
        desk.clock = clock  # type: ignore[assignment]

        def opened(project: Project, spec: CloudSpec) -> Cloud:
            assert isinstance(spec, AwsCloud)
            return Door(project, spec, clock)

        desk.clouds = opened
        made = Shop(desk=desk, world=world, emulator=emulator, autoscaling=boto3.client("autoscaling"))
        _serve(made)
        yield made


def _serve(shop: Shop) -> None:
    """Somebody's own group serves."""
    elb, ec2 = boto3.client("elbv2"), boto3.client("ec2")
    tags = [{"Key": "phoenix:image", "Value": "phoenix-os-debian-12"}]  # its name, as that of every image that is baked
    ec2.create_tags(Resources=[shop.world.image], Tags=tags)
    data = {"ImageId": shop.world.image, "InstanceType": "t3.small"}
    ec2.create_launch_template(LaunchTemplateName=LEGACY, LaunchTemplateData=data)
    asked = {"Protocol": "HTTP", "Port": 8080, "VpcId": shop.world.vpc, "TargetType": "instance"}
    arn = elb.create_target_group(Name="legacy-targets", **asked)["TargetGroups"][0]["TargetGroupArn"]
    shop.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=LEGACY,
        LaunchTemplate={"LaunchTemplateName": LEGACY, "Version": "1"},
        MinSize=1,
        MaxSize=8,
        DesiredCapacity=4,
        VPCZoneIdentifier=",".join(shop.world.subnets),
        TargetGroupARNs=[arn],
    )
    elb.modify_listener(ListenerArn=shop.world.listener, DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}])
    shop.emulator.advance(60)


def test_a_group_of_somebody_else_is_adopted_and_ended_by_a_word_each(shop: Shop) -> None:
    assert f"did not make {LEGACY}" in shop.roll("1.0.0", code=3)["error"]["brief"]
    notes = shop.roll("1.0.0", "--adopt", "--plan")["plan"]["notes"]
    assert f"{LEGACY} has more machines than the 3 of phoenix.yaml" in " ".join(notes)
    assert "4 machines more at most" in " ".join(notes)
    done = shop.roll("1.0.0", "--adopt")
    assert (done["group"], done["former"], shop.shares()) == (V1, LEGACY, {V1: 100})
    made, left = shop.group(V1), shop.group(LEGACY)
    assert made is not None
    assert left is not None
    assert (made["DesiredCapacity"], made["MinSize"], made["MaxSize"]) == (4, 2, 4)
    assert (left["DesiredCapacity"], left["MinSize"], left["MaxSize"]) == (4, 1, 8)
    assert "--adopt" in shop.desk.refused("group", "delete", LEGACY)["resolution"]
    assert shop.desk.run("group", "delete", LEGACY, "--adopt")["deleted"] == LEGACY
    shop.emulator.advance(600)
    assert shop.group(LEGACY) is None


def test_what_its_successor_would_lack_is_refused_unless_it_is_accepted(shop: Shop) -> None:
    shop.autoscaling.put_scaling_policy(
        AutoScalingGroupName=LEGACY,
        PolicyName="cpu-high",
        PolicyType="StepScaling",
        AdjustmentType="ChangeInCapacity",
        StepAdjustments=[{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    )
    error = shop.roll("1.0.0", "--adopt", code=3)["error"]
    assert "cpu-high" in error["details"]
    shop.desk.edit("machine: {type: t3.small}", "machine: {type: t3.small}\n        not_carried: accept")
    assert any("cpu-high" in note for note in shop.roll("1.0.0", "--adopt", "--plan")["plan"]["notes"])
    shop.desk.edit("{kind: blue-green, keep: 30m}", "{kind: canary, steps: [25, 100], soak: 30s}")
    assert shop.roll("1.0.0", "--adopt")["group"] == V1
    made = shop.group(V1)
    assert made is not None
    assert (made["DesiredCapacity"], made["MinSize"], made["MaxSize"]) == (4, 2, 4), "it began with one machine"


def test_an_alarm_refuses_a_roll_and_undoes_one(shop: Shop) -> None:
    shop.roll("1.0.0", "--adopt")
    shop.desk.edit("keep: 30m}", f"keep: 30m, alarms: [{ALARM}]}}")
    assert f"has no alarm {ALARM}" in shop.roll("2.0.0", code=3)["error"]["brief"]
    cloudwatch = boto3.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=ALARM,
        Namespace="AWS/ApplicationELB",
        MetricName="HTTPCode_ELB_5XX_Count",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="9 > 5")
    error = shop.roll("2.0.0", code=3)["error"]
    assert (f"the alarm {ALARM} rings" in error["brief"], error["details"]) == (True, f"{ALARM}: 9 > 5")
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="OK", StateReason="0 > 5")
    clock, slept = shop.desk.clock, shop.desk.clock.sleep

    def ring_once_it_serves(seconds: float) -> None:
        slept(seconds)
        if shop.group(V2) is not None:
            cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="9 > 5")

    clock.sleep = ring_once_it_serves  # type: ignore[method-assign]
    assert f"the alarm {ALARM} rings" in shop.roll("2.0.0", code=6)["error"]["brief"]
    assert shop.shares() == {V1: 100}
    clock.sleep = slept  # type: ignore[method-assign]
    assert shop.roll("2.0.0", "--ignore-alarms")["changed"] is True


def test_too_few_addresses_are_told_before_anything(shop: Shop) -> None:
    shop.desk.edit("machine: {type: t3.small}", "machine: {type: t3.large}")
    shop.desk.edit("size: {min: 2, max: 3, cpu: 60%}", "size: {min: 40, max: 60, cpu: 60%}")
    error = shop.roll("1.0.0", "--adopt", code=3)["error"]
    assert "there is no room on aws" in error["brief"]
    assert shop.group(V1) is None


def renamed(shop: Shop) -> None:
    """The service `web` serves with a group of phoenix's, and phoenix.yaml calls it `front` from now on."""
    shop.roll("1.0.0", "--adopt")
    shop.desk.run("group", "delete", LEGACY, "--adopt")
    shop.emulator.advance(600)
    shop.desk.edit("\n  web:\n", "\n  front:\n")


def roll_front(shop: Shop, *options: str, code: int = 0) -> dict[str, Any]:
    words = ("roll", "front", "--image", "os/debian-12", "--package", "hello=1.0.0", *options)
    return shop.desk.run(*words, code=code)


def test_a_service_that_was_renamed_does_not_take_over_unasked_what_its_former_name_made(shop: Shop) -> None:
    renamed(shop)
    for more in ((), ("--plan",)):
        error = roll_front(shop, *more, code=3)["error"]
        assert f"phoenix made {V1} for web/prod, and it serves front/prod" in error["brief"]
        assert "--adopt" in error["resolution"]
    front, web = shop.desk.run("status")["services"]
    assert (front["stable"], front["groups"][0]["made"]) == (V1, False)
    assert (web["known"], web["groups"][0]["share"], web["error"]) == (False, 100, None)
    assert "serves 100 %" in shop.desk.refused("group", "delete", V1)["brief"]
    assert shop.desk.run("tend")["did"] == []


def test_a_service_that_was_renamed_adopts_what_serves_and_nothing_of_it_is_forgotten(shop: Shop) -> None:
    renamed(shop)
    plan = roll_front(shop, "--adopt", "--plan")["plan"]
    assert any(f"phoenix made {V1} for web/prod" in note for note in plan["notes"])
    done = roll_front(shop, "--adopt")
    assert (done["group"], done["former"]) == ("front-prod-v001", V1)
    made, left = shop.group("front-prod-v001"), shop.group(V1)
    assert made is not None
    assert left is not None
    assert made["DesiredCapacity"] == 4, "as large as what served"
    assert left["DesiredCapacity"] == 4
    assert "phoenix:keep-until" not in {tag["Key"] for tag in left["Tags"]}
    shop.emulator.advance(7200)
    shop.desk.run("tend")
    assert shop.group(V1) is not None, "nobody asked for its end"
    front, web = shop.desk.run("status")["services"]
    assert (front["stable"], web["service"], web["known"], web["error"]) == ("front-prod-v001", "web", False, None)
    assert f"`phoenix group delete` burns what is left of it ({V1})" in web["due"][0]
    assert shop.desk.run("group", "delete", V1)["deleted"] == V1
    shop.emulator.advance(600)
    assert shop.group(V1) is None
    there = boto3.client("elbv2").describe_target_groups()["TargetGroups"]
    assert V1 not in {each["TargetGroupName"] for each in there}
    assert shop.desk.run("tend")["did"] == []


def test_a_service_that_was_renamed_goes_back_to_what_its_former_name_made(shop: Shop) -> None:
    renamed(shop)
    roll_front(shop, "--adopt")
    assert shop.desk.run("rollback", "front")["group"] == V1
    (front, *_others) = shop.desk.run("status")["services"]
    assert (front["stable"], front["groups"][-1]["share"]) == (V1, 100)


def test_a_former_names_group_whose_target_group_somebody_deleted_is_seen_and_burnt(shop: Shop) -> None:
    renamed(shop)
    roll_front(shop, "--adopt")
    elb = boto3.client("elbv2")
    arn = elb.describe_target_groups(Names=[V1])["TargetGroups"][0]["TargetGroupArn"]
    for each in elb.describe_rules(ListenerArn=shop.world.listener)["Rules"]:
        if arn in str(each["Actions"]):
            elb.delete_rule(RuleArn=each["RuleArn"])
    elb.delete_target_group(TargetGroupArn=arn)
    _front, web = shop.desk.run("status")["services"]
    assert (web["error"], web["groups"][0]["share"]) == (None, 0)
    assert shop.desk.run("group", "delete", V1)["deleted"] == V1


def test_a_disk_that_is_smaller_than_the_image_is_told_by_the_plan(shop: Shop) -> None:
    shop.desk.edit("machine: {type: t3.small}", "machine: {type: t3.small, disk: 1G}")
    for more in (("--plan",), ()):
        error = shop.roll("1.0.0", "--adopt", *more, code=3)["error"]
        assert "a disk of 1 GiB is too small" in error["brief"]
    assert shop.group(V1) is None


def test_a_listener_that_phoenix_does_not_move_is_refused_in_the_one_json_object(shop: Shop) -> None:
    elb = boto3.client("elbv2")
    made = elb.create_load_balancer(Name="lines", Type="network", Subnets=list(shop.world.subnets))
    asked = {"Protocol": "TCP", "Port": 8080, "VpcId": shop.world.vpc}
    lines = elb.create_target_group(Name="lines", **asked)["TargetGroups"][0]["TargetGroupArn"]
    listener = elb.create_listener(
        LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="TCP",
        Port=443,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": lines}],
    )["Listeners"][0]["ListenerArn"]
    shop.desk.edit(shop.world.listener, listener)
    for more in (("--plan",), ()):
        error = shop.roll("1.0.0", "--adopt", *more, code=3)["error"]
        assert "is a Network Load Balancer's" in error["brief"]
        assert error["resolution"]


def test_what_the_balancer_would_refuse_stands_in_the_plan(shop: Shop) -> None:
    """What serves is behind port 81, too: its traffic is not one rule's to move."""
    elb = boto3.client("elbv2")
    arn = elb.describe_target_groups(Names=["legacy-targets"])["TargetGroups"][0]["TargetGroupArn"]
    forward = {"Type": "forward", "TargetGroupArn": arn}
    elb.create_listener(LoadBalancerArn=shop.world.balancer, Protocol="HTTP", Port=81, DefaultActions=[forward])
    notes = shop.roll("1.0.0", "--adopt", "--plan")["plan"]["notes"]
    assert any(note.startswith("the roll is refused as things are:") and "HTTP:81" in note for note in notes)
    assert "is not for one rule to decide" in shop.roll("1.0.0", "--adopt", code=3)["error"]["brief"]


def test_a_machine_that_somebody_detached_is_told_and_left(shop: Shop) -> None:
    shop.roll("1.0.0", "--adopt")
    shop.emulator.advance(3600)
    shop.desk.clock.slept += 3600  # type: ignore[attr-defined]
    assert shop.desk.run("status")["strays"] == []
    made = shop.group(V1)
    assert made is not None
    taken = made["Instances"][0]["InstanceId"]
    asked = {"InstanceIds": [taken], "AutoScalingGroupName": V1, "ShouldDecrementDesiredCapacity": False}
    shop.autoscaling.detach_instances(**asked)
    shop.emulator.advance(600)
    (told,) = shop.desk.run("status")["strays"]
    assert told.startswith(f"{taken} on aws was taken out of {V1} by hand and is running")
    assert told in shop.desk.said.replace("\n", " ")
    shop.desk.run("tend")
    machines = boto3.client("ec2").describe_instances(InstanceIds=[taken])["Reservations"][0]["Instances"]
    assert machines[0]["State"]["Name"] == "running", "nobody asked for its end"
