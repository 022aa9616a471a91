"""Short words for the emulator's own tests: the API's calls with what they always need filled in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.emulators.aws.client import Emulator
from tests.emulators.aws.world import World


@cache
def client(url: str, service: str) -> Any:
    """boto3, patient with nothing: every error is seen."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}),
    )


class Bench:
    """One emulator, its world, and its services."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.world: World = emulator.world()
        self.ec2, self.elb, self.asg = (client(emulator.url, name) for name in ("ec2", "elbv2", "autoscaling"))

    def template(self, name: str = "web", **data: Any) -> str:
        """A launch template; its name."""
        self.ec2.create_launch_template(
            LaunchTemplateName=name,
            LaunchTemplateData={"ImageId": self.world.image, "InstanceType": "t3.small", **data},
        )
        return name

    def group(self, name: str = "web", *, size: int = 2, most: int = 10, least: int = 0, **more: Any) -> str:
        """An Auto Scaling group over both zones; its name."""
        if "LaunchTemplate" not in more:
            more["LaunchTemplate"] = {"LaunchTemplateName": self.template(f"{name}-template"), "Version": "1"}
        self.asg.create_auto_scaling_group(
            AutoScalingGroupName=name,
            MinSize=least,
            MaxSize=most,
            DesiredCapacity=size,
            VPCZoneIdentifier=",".join(self.world.subnets),
            **more,
        )
        return name

    def described(self, name: str = "web") -> Any:
        """The group as the API shows it."""
        (found,) = self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        return found

    def states(self, name: str = "web") -> list[str]:
        """The lifecycle states of its instances, sorted."""
        return sorted(one["LifecycleState"] for one in self.described(name)["Instances"])

    def ids(self, name: str = "web", state: str = "InService") -> list[str]:
        """Its instances in a state."""
        return [one["InstanceId"] for one in self.described(name)["Instances"] if one["LifecycleState"] == state]

    def activities(self, name: str = "web") -> list[Any]:
        """The newest first."""
        return list(self.asg.describe_scaling_activities(AutoScalingGroupName=name)["Activities"])

    def target_group(self, name: str = "web", **more: Any) -> str:
        """A target group; its ARN."""
        made = self.elb.create_target_group(Name=name, Protocol="HTTP", Port=8080, VpcId=self.world.vpc, **more)
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    def rule(self, *arns: str, priority: int = 10, path: str = "/*") -> str:
        """A rule that forwards evenly to target groups; its ARN."""
        made = self.elb.create_rule(
            ListenerArn=self.world.listener,
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "Values": [path]}],
            Actions=[forward(*arns)],
        )
        return str(made["Rules"][0]["RuleArn"])

    def health(self, arn: str, ids: Sequence[str] = ()) -> dict[str, tuple[str, str]]:
        """State and reason of the targets of a group, by their ids."""
        asked: dict[str, Any] = {"Targets": [{"Id": id} for id in ids]} if ids else {}
        found = self.elb.describe_target_health(TargetGroupArn=arn, **asked)["TargetHealthDescriptions"]
        return {
            one["Target"]["Id"]: (one["TargetHealth"]["State"], one["TargetHealth"].get("Reason", "")) for one in found
        }

    def served(self, name: str = "web", *, size: int = 2, **more: Any) -> str:
        """A group behind a target group that a rule uses; the target group's ARN."""
        arn = self.target_group(name)
        self.rule(arn)
        self.group(name, size=size, TargetGroupARNs=[arn], **more)
        return arn


def forward(*arns: str) -> dict[str, Any]:
    """An action that forwards evenly."""
    return {
        "Type": "forward",
        "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": arn, "Weight": 1} for arn in arns]},
    }


@contextmanager
def refused(code: str, words: str = "") -> Iterator[None]:
    """AWS says no with this code, and with these words in its message."""
    with pytest.raises(ClientError) as error:
        yield
    assert error.value.response["Error"]["Code"] == code, error.value
    assert words in (error.value.response["Error"].get("Message") or "")
