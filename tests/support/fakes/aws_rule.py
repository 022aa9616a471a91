"""A rule of the emulated AWS as the balancer of a place, and Auto Scaling groups to put behind it.

Groups are made by hand, not by phoenix: these are for tests of the balancer alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3

from phoenix.clouds.aws.calls import Calls
from phoenix.clouds.aws.traffic import AwsTraffic
from phoenix.model import BootState, Group, Health, Instance, InstanceState, Place, Release
from phoenix.spec.clouds import AwsCloud
from phoenix.spec.services import AwsBalancer
from tests.emulators.aws import Emulator
from tests.emulators.aws.world import World

PROJECT = "test"
HEALTH = Health(interval=5.0, healthy_after=5.0)
OLD, NEW, LEGACY = "web-local-v001", "web-local-v002", "legacy"
STICKY = {"Enabled": True, "DurationSeconds": 600}
"""A client stays with a target group for ten minutes."""
NOTHING = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
"""What a rule does for which nothing serves."""
_TEMPLATE = "machines"


class Rules:
    """One emulated account with one load balancer."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.world: World = emulator.world(PROJECT)
        self.spec = AwsCloud(name="aws", region=self.world.region, subnets=self.world.subnets, tags={"team": "web"})
        self.calls = Calls(self.spec)
        self.elb: Any = boto3.client("elbv2")
        self.autoscaling: Any = boto3.client("autoscaling")
        template = {"ImageId": self.world.image, "InstanceType": "t3.micro"}
        boto3.client("ec2").create_launch_template(LaunchTemplateName=_TEMPLATE, LaunchTemplateData=template)
        emulator.forget_calls()

    def traffic(
        self, *, service: str = "web", rule: str = "default", listener: str = "", address: str | None = None
    ) -> AwsTraffic:
        """The balancer of a service, as one more process sees it."""
        return AwsTraffic(
            calls=self.calls,
            cloud=self.spec,
            project=PROJECT,
            place=Place(service=service, environment="local"),
            balancer=AwsBalancer(listener=listener or self.world.listener, rule=rule, address=address),
            port=8080,
            health=HEALTH,
            drain=30.0,
        )

    def group(self, traffic: AwsTraffic, name: str, size: int = 2) -> Group:
        """The group with `size` machines: made as phoenix makes it, or resized."""
        wanted = as_wanted(name, size)
        if self.found(name) is None:
            self.make(name, size, traffic.prepare(wanted))
        else:
            self.autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=size)
        found = self.found(name)
        assert found is not None
        return as_wanted(name, size, [each["InstanceId"] for each in found["Instances"]])

    def foreign(self, name: str = "legacy", size: int = 2) -> str:
        """A group that phoenix did not make, with its target group, which no rule uses yet; the latter's ARN."""
        arn = self.target_group(f"{name}-targets")
        self.make(name, size, (arn,))
        return arn

    def target_group(self, name: str) -> str:
        """A target group that phoenix did not make; its ARN."""
        asked = {"Protocol": "HTTP", "Port": 8080, "VpcId": self.world.vpc, "TargetType": "instance"}
        return str(self.elb.create_target_group(Name=name, **asked)["TargetGroups"][0]["TargetGroupArn"])

    def make(self, name: str, size: int, born_with: Iterable[str]) -> None:
        """An Auto Scaling group in both zones."""
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchTemplate={"LaunchTemplateName": _TEMPLATE, "Version": "1"},
            MinSize=0,
            MaxSize=10,
            DesiredCapacity=size,
            VPCZoneIdentifier=",".join(self.world.subnets),
            TargetGroupARNs=list(born_with),
        )

    def burn(self, name: str) -> None:
        """End the group, machines and all."""
        self.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
        self.emulator.advance(600)

    def found(self, name: str) -> dict[str, Any] | None:
        """What AWS says of the group."""
        there = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        return dict(there[0]) if there else None

    def forward(self, *arns: str, **config: Any) -> dict[str, Any]:
        """An action that forwards to these target groups, all alike."""
        groups = [{"TargetGroupArn": arn, "Weight": 1} for arn in arns]
        return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups, **config}}

    def default(self, *actions: dict[str, Any]) -> None:
        """Somebody changes what the listener does by default."""
        self.elb.modify_listener(ListenerArn=self.world.listener, DefaultActions=list(actions))

    def listener(self, port: int, *actions: dict[str, Any]) -> str:
        """One more listener of the same load balancer; its ARN."""
        asked = {"LoadBalancerArn": self.world.balancer, "Protocol": "HTTP", "Port": port}
        return str(self.elb.create_listener(DefaultActions=list(actions), **asked)["Listeners"][0]["ListenerArn"])

    def rule(self, priority: int, *actions: dict[str, Any], **more: Any) -> str:
        """Somebody makes a rule; its ARN."""
        conditions = [{"Field": "host-header", "HostHeaderConfig": {"Values": ["*.acme.example"]}}]
        asked = {"ListenerArn": self.world.listener, "Priority": priority, "Conditions": conditions, **more}
        return str(self.elb.create_rule(Actions=list(actions), **asked)["Rules"][0]["RuleArn"])

    def actions(self, priority: str = "default") -> list[dict[str, Any]]:
        """What the rule does."""
        return next(each["Actions"] for each in self.rules() if each["Priority"] == priority)

    def rules(self) -> list[dict[str, Any]]:
        """All rules of the listener."""
        return list(self.elb.describe_rules(ListenerArn=self.world.listener)["Rules"])

    def arn(self, name: str) -> str:
        """The target group of that name."""
        return str(self.elb.describe_target_groups(Names=[name])["TargetGroups"][0]["TargetGroupArn"])

    def target_groups(self) -> list[str]:
        """The names of all target groups. Sorted."""
        return sorted(each["TargetGroupName"] for each in self.elb.describe_target_groups()["TargetGroups"])

    def asked(self) -> list[str]:
        """The actions that were asked for since the last look, writes and describes."""
        made = [call.action for call in self.emulator.calls()]
        self.emulator.forget_calls()
        return made

    def written(self) -> list[str]:
        """The writes among them."""
        return [each for each in self.asked() if not each.startswith("Describe")]


def as_wanted(name: str, size: int = 2, instances: Iterable[str] = (), *, made: bool = True) -> Group:
    """The group, as phoenix's engine has it."""
    return Group(
        name=name,
        project=PROJECT if made else "",
        service=name.partition("-")[0],
        environment="local",
        release=Release(image="image", image_ref="os/image") if made else None,
        size=size,
        created=datetime(2026, 1, 1, tzinfo=UTC),
        made=made,
        instances=tuple(
            Instance(id=each, group=name, state=InstanceState.RUNNING, boot=BootState.UNKNOWN, address="", engine="ec2")
            for each in instances
        ),
    )


def attached(rules: Rules, traffic: AwsTraffic, *names: str) -> None:
    """Make the groups, and let the balancer check them."""
    for name in names:
        traffic.attach(rules.group(traffic, name))


def shift(traffic: AwsTraffic, **shares: int) -> None:
    """Give the shares to `old`, `new` and `legacy`, whatever the route is now."""
    named = {"old": OLD, "new": NEW, "legacy": LEGACY}
    traffic.shift({named[name]: share for name, share in shares.items()}, traffic.read())


def shares(traffic: AwsTraffic) -> dict[str, int]:
    """Who gets how much."""
    return dict(traffic.read().shares)


def weights(action: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The names and weights of the target groups that an action forwards to."""
    return [(each["TargetGroupArn"].split("/")[1], each["Weight"]) for each in action["ForwardConfig"]["TargetGroups"]]
