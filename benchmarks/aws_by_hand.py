"""The other side of a roll on AWS: the script that a person writes with boto3 for this one service.

`python -m benchmarks.aws_by_hand JSON` makes the same change as `phoenix roll`: a target group, a rule by which it is
checked, a launch template, a group; waits until all machines are healthy, by as many looks in a row and as far apart;
gives them the traffic by one write and reads it back; waits until that has settled; drains and removes the former
group with all that belongs to it. It keeps no record, undoes nothing, and looks at nothing that may have changed.
"""

from __future__ import annotations

import base64
import json
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3

LOOK, LOOKS, SETTLES, END_LOOK = 5.0, 3, 10.0, 2.0
"""As phoenix does on AWS: seconds between two looks, looks in a row, seconds to settle, between looks at an end."""
USER_DATA = "#!/bin/sh\necho hello\n"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is to replace what."""

    name: str
    former: str | None
    listener: str
    address: str
    image: str
    """The beginning of the AMI's name: the newest one is taken."""
    vpc: str
    subnets: tuple[str, ...]
    security_group: str
    interval: int
    healthy: int
    drain: int
    size: int
    """Of the first group; others are as large as the one before."""

    @cached_property
    def aws(self) -> tuple[Any, Any, Any]:
        """EC2, Elastic Load Balancing, Auto Scaling."""
        return boto3.client("ec2"), boto3.client("elbv2"), boto3.client("autoscaling")

    def roll(self) -> None:
        """All of it."""
        former = self._serving()
        live = self._described(self.former)
        size = live["DesiredCapacity"] if live else self.size
        arn = self._target_group(former)
        self._group(arn, self._template(), size)
        in_a_row = 0
        while in_a_row < LOOKS:
            in_a_row = in_a_row + 1 if self._healthy(arn, size) else 0
            if in_a_row < LOOKS:
                time.sleep(LOOK)
        self._shift(arn)
        if live and former:
            self._burn(live, former)

    def _serving(self) -> str | None:
        _ec2, elb, _asg = self.aws
        actions = elb.describe_listeners(ListenerArns=[self.listener])["Listeners"][0]["DefaultActions"]
        return actions[0].get("TargetGroupArn") if actions[0]["Type"] == "forward" else None

    def _described(self, name: str | None) -> Any:
        _ec2, _elb, asg = self.aws
        found = asg.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"] if name else []
        return found[0] if found else None

    def _target_group(self, like: str | None) -> str:
        """With the attributes of the one that serves, and a rule without which nobody would check it."""
        _ec2, elb, _asg = self.aws
        made = elb.create_target_group(
            Name=self.name,
            Protocol="HTTP",
            Port=8080,
            VpcId=self.vpc,
            HealthCheckPath="/healthz",
            HealthCheckIntervalSeconds=self.interval,
            HealthCheckTimeoutSeconds=self.interval - 1,
            HealthyThresholdCount=self.healthy,
            UnhealthyThresholdCount=2,
        )
        arn = str(made["TargetGroups"][0]["TargetGroupArn"])
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": str(self.drain)}
        attributes = [delay]
        if like:
            there = elb.describe_target_group_attributes(TargetGroupArn=like)["Attributes"]
            attributes += [each for each in there if each["Key"].startswith("stickiness.") and each["Value"]]
        elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)
        rules = elb.describe_rules(ListenerArn=self.listener)["Rules"]
        taken = [int(each["Priority"]) for each in rules if each["Priority"] != "default"]
        header = {"HttpHeaderName": "x-preview", "Values": [self.name]}
        elb.create_rule(
            ListenerArn=self.listener,
            Priority=max(taken, default=0) + 1,
            Conditions=[{"Field": "http-header", "HttpHeaderConfig": header}],
            Actions=[{"Type": "forward", "TargetGroupArn": arn}],
        )
        return arn

    def _template(self) -> str:
        ec2, _elb, _asg = self.aws
        named = [{"Name": "name", "Values": [f"{self.image}*"]}]
        images = ec2.describe_images(Owners=["self"], Filters=named)["Images"]
        newest = max(images, key=lambda image: image["CreationDate"])
        data = {
            "ImageId": newest["ImageId"],
            "InstanceType": "t3.small",
            "UserData": base64.b64encode(USER_DATA.encode()).decode(),
            "MetadataOptions": {"HttpTokens": "required"},
            "SecurityGroupIds": [self.security_group],
        }
        made = ec2.create_launch_template(LaunchTemplateName=self.name, LaunchTemplateData=data)
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    def _group(self, arn: str, template: str, size: int) -> None:
        _ec2, _elb, asg = self.aws
        asg.create_auto_scaling_group(
            AutoScalingGroupName=self.name,
            LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
            MinSize=size,
            MaxSize=size,
            DesiredCapacity=size,
            VPCZoneIdentifier=",".join(self.subnets),
            HealthCheckType="ELB",
            HealthCheckGracePeriod=240,
            TargetGroupARNs=[arn],
        )

    def _healthy(self, arn: str, size: int) -> bool:
        """As many machines in service as are wanted, and as many healthy."""
        _ec2, elb, _asg = self.aws
        group = self._described(self.name)
        there = sum(1 for each in group["Instances"] if each["LifecycleState"] == "InService")
        told = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        healthy = sum(1 for each in told if each["TargetHealth"]["State"] == "healthy")
        return min(there, healthy) >= size

    def _shift(self, arn: str) -> None:
        """One write, read back, answered for as long as it takes to settle."""
        _ec2, elb, _asg = self.aws
        elb.modify_listener(ListenerArn=self.listener, DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}])
        assert self._serving() == arn, "the listener does what it was told"
        until = time.monotonic() + SETTLES
        while True:
            with urllib.request.urlopen(f"http://{self.address}/healthz") as answer:
                assert answer.status == 200
            if time.monotonic() >= until:
                return
            time.sleep(LOOK)

    def _burn(self, group: Any, arn: str) -> None:
        """Drained by its manager, then removed, with what it was made of."""
        ec2, elb, asg = self.aws
        name = group["AutoScalingGroupName"]
        asg.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=0, DesiredCapacity=0)
        _until(lambda: not self._described(name)["Instances"])
        asg.delete_auto_scaling_group(AutoScalingGroupName=name)
        _until(lambda: self._described(name) is None)
        ec2.delete_launch_template(LaunchTemplateName=name)
        for rule in elb.describe_rules(ListenerArn=self.listener)["Rules"]:
            if rule["Priority"] != "default" and rule["Actions"][0].get("TargetGroupArn") == arn:
                elb.delete_rule(RuleArn=rule["RuleArn"])
        elb.delete_target_group(TargetGroupArn=arn)


def _until(done: Callable[[], bool]) -> None:
    while not done():
        time.sleep(END_LOOK)


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    Change(**{**wanted, "subnets": tuple(wanted["subnets"])}).roll()
