"""Auto Scaling groups on the emulated AWS, for tests: an account, groups of it, and a clock that they wait by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3

from phoenix.clouds.aws.calls import Calls
from phoenix.clouds.aws.groups import AwsGroups
from phoenix.model import CloudMachine, Group, Health, LaunchTemplate, Release, Size
from phoenix.spec.clouds import AwsCloud
from tests.emulators.aws import Emulator, World

PORT = 8080
NAME = "web-prod-v001"
RELEASE = Release(image="shop-web-1", image_ref="foundation/web@1", settings=(("GREETING", "Grüße"),))


def wanted(size: int = 2, **more: Any) -> Group:
    """A group as a roll of the project `shop` asks for it."""
    group = Group(
        name=NAME,
        project="shop",
        service="web",
        environment="prod",
        release=RELEASE,
        size=size,
        created=datetime(2026, 3, 1, 12, tzinfo=UTC),
        run="roll-1",
        shape="abc",
    )
    return replace(group, **more)


class EmulatedTime:
    """The emulator's clock, moved by whoever sleeps: nobody waits for real."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.slept = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.slept)

    def monotonic(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self._emulator.advance(seconds)


@dataclass(frozen=True, kw_only=True)
class Account:
    """An emulated account in which a project has its groups."""

    emulator: Emulator
    world: World
    calls: Calls
    spec: AwsCloud
    clock: EmulatedTime
    project: str
    client: Callable[[str], Any]
    """boto3's clients of somebody else, by service."""

    def groups(self) -> AwsGroups:
        """The project's groups, as one more process sees them."""
        return AwsGroups(self.project, self.spec, self.calls, self.clock)

    def ask(self, service: str, action: str, **parameters: Any) -> Any:
        """A call of somebody who is not phoenix, as boto3 names it."""
        return getattr(self.client(service), action)(**parameters)

    def pages(self, service: str, action: str, key: str, **parameters: Any) -> list[Any]:
        """The items of all pages of such a call."""
        pages = self.client(service).get_paginator(action).paginate(**parameters)
        return [item for page in pages for item in page[key]]

    def target_group(self, name: str) -> str:
        """A new target group, which no rule uses."""
        made = self.ask("elbv2", "create_target_group", Name=name, Protocol="HTTP", Port=PORT, VpcId=self.world.vpc)
        arn: str = made["TargetGroups"][0]["TargetGroupArn"]
        return arn

    def template(self, name: str, size: Size | None = None) -> LaunchTemplate:
        """What a group of that name starts from, with a target group of its own."""
        return LaunchTemplate(
            image=self.world.image,
            machine=CloudMachine(type="t3.micro", firewall=(self.world.security_group,), identity=self.world.profile),
            port=PORT,
            health=Health(deadline=300),
            user_data="#!/bin/sh\necho hello\n",
            born_with=(self.target_group(name),),
            size=size,
        )

    def serving(self, size: int = 2, bounds: Size | None = None) -> Group:
        """The group as it is when its machines have come."""
        self.groups().create(wanted(size), self.template(NAME, bounds))
        self.clock.sleep(30)
        return self.seen()

    def seen(self, name: str = NAME) -> Group:
        """The group as phoenix sees it now."""
        group = self.groups().find(name)
        assert group is not None
        return group

    def templates(self) -> list[Any]:
        """All launch templates of the account."""
        return self.pages("ec2", "describe_launch_templates", "LaunchTemplates")

    def left(self) -> list[str]:
        """What is there of the project's groups, and all launch templates."""
        groups = [group.name for group in self.groups().list()]
        return groups + [each["LaunchTemplateName"] for each in self.templates()]

    def foreign(self, name: str, size: int = 2, **more: Any) -> None:
        """A group that phoenix did not make."""
        data = {"ImageId": self.world.image, "InstanceType": "t3.micro"}
        self.ask("ec2", "create_launch_template", LaunchTemplateName=name, LaunchTemplateData=data)
        wanted = {
            "MinSize": 1,
            "MaxSize": size + 2,
            "DesiredCapacity": size,
            "LaunchTemplate": {"LaunchTemplateName": name, "Version": "1"},
            "VPCZoneIdentifier": ",".join(self.world.subnets),
            **more,
        }
        self.ask("autoscaling", "create_auto_scaling_group", AutoScalingGroupName=name, **wanted)

    def told(self, name: str) -> dict[str, Any]:
        """The group as AWS tells of it."""
        answer = self.ask("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[name])
        (group,) = answer["AutoScalingGroups"]
        return dict(group)


def account(emulator: Emulator, project: str) -> Account:
    """A fresh account: machines take a while to come and to go."""
    emulator.configure(pending=5, terminating=5)
    world = emulator.world(project)
    spec = AwsCloud(name="aws", region=world.region, subnets=world.subnets, tags={"team": "shop"})
    return Account(
        emulator=emulator,
        world=world,
        calls=Calls(spec),
        spec=spec,
        clock=EmulatedTime(emulator),
        project=project,
        client=cache(boto3.client),
    )
