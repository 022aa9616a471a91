"""What AWS is asked for a group: its launch template, the group itself, its policy."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from phoenix.clouds.aws.calls import Calls
from phoenix.clouds.aws.machines import launch, user_data
from phoenix.clouds.aws.machines.group_reading import TemplateVersion
from phoenix.clouds.aws.machines.launch import Ami
from phoenix.clouds.aws.machines.startable import find_ami
from phoenix.errors import CloudError, RefusedError
from phoenix.model import CloudMachine, Group, Health, LaunchTemplate, LocalMachine, Release, Size
from tests.unit.clouds.aws.answers import NAME, NOON, TARGET_GROUP

RELEASE = Release(image="shop-web-1", image_ref="foundation/web@1")
GROUP = Group(
    name=NAME,
    project="shop",
    service="web",
    environment="prod",
    release=RELEASE,
    size=2,
    created=datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC),
    run="roll-1",
    shape="abc",
)
MACHINE = CloudMachine(type="t3.small", firewall=("sg-1", "sg-2"), identity="web")
TEMPLATE = LaunchTemplate(
    image="shop-web-1",
    machine=MACHINE,
    port=8080,
    health=Health(deadline=299.5),
    user_data="#!/bin/sh\n",
    born_with=(TARGET_GROUP,),
    size=Size(wanted=3, least=2, most=6, cpu=60),
    like="web-prod-v041",
)
AMI = Ami(id="ami-1", root="/dev/xvda", disk=8)
TAGS = launch.group_tags(GROUP, TEMPLATE, {"team": "shop", "phoenix:project": "theirs"})


def data(machine: CloudMachine = MACHINE, image: Ami = AMI) -> dict[str, Any]:
    return launch.template_data(GROUP, replace(TEMPLATE, machine=machine), image, TAGS)


def test_tags_of_a_group() -> None:
    assert {
        "Name": NAME,
        "team": "shop",
        "phoenix:project": "shop",
        "phoenix:service": "web",
        "phoenix:environment": "prod",
        "phoenix:group": NAME,
        "phoenix:run": "roll-1",
        "phoenix:shape": "abc",
        "phoenix:created": "2026-03-01T12:00:00.250000+00:00",
        "phoenix:port": "8080",
        "phoenix:release": RELEASE.id,
        "phoenix:like": "web-prod-v041",
    } == TAGS


def test_machines_bear_what_does_not_change_and_what_the_company_wants() -> None:
    propagated = {tag["Key"]: tag["PropagateAtLaunch"] for tag in launch.written(NAME, TAGS)}
    assert {key for key, value in propagated.items() if value} == {
        "Name",
        "team",
        "phoenix:project",
        "phoenix:service",
        "phoenix:environment",
        "phoenix:group",
        "phoenix:run",
        "phoenix:release",
    }
    for specification in data()["TagSpecifications"]:
        assert {tag["Key"] for tag in specification["Tags"]} == {key for key, value in propagated.items() if value}
    assert [each["ResourceType"] for each in data()["TagSpecifications"]] == ["instance", "volume"]


def test_a_template() -> None:
    made = data()
    del made["TagSpecifications"]
    work = base64.b64decode(made.pop("UserData"))
    assert user_data.release_of(work) == RELEASE
    assert made == {
        "ImageId": "ami-1",
        "InstanceType": "t3.small",
        "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [
            {
                "DeviceName": "/dev/xvda",
                "Ebs": {"VolumeType": "gp3", "DeleteOnTermination": True, "VolumeSize": 8},
            }
        ],
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "AssociatePublicIpAddress": False,
                "DeleteOnTermination": True,
                "Groups": ["sg-1", "sg-2"],
            }
        ],
        "IamInstanceProfile": {"Name": "web"},
    }


def test_other_machines() -> None:
    arn = "arn:aws:iam::123456789012:instance-profile/web"
    made = data(CloudMachine(type="m5.large", disk=21 * 1024**3 + 1, identity=arn, public_ip=True, spot=True))
    assert made["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 22
    assert made["IamInstanceProfile"] == {"Arn": arn}
    assert made["NetworkInterfaces"] == [
        {"DeviceIndex": 0, "AssociatePublicIpAddress": True, "DeleteOnTermination": True}
    ]
    assert made["InstanceMarketOptions"] == {"MarketType": "spot"}
    plain = data(CloudMachine(type="m5.large"), Ami(id="ami-1", root="/dev/sda1"))
    assert not {"IamInstanceProfile", "InstanceMarketOptions"} & set(plain)
    assert "VolumeSize" not in plain["BlockDeviceMappings"][0]["Ebs"]


def test_a_disk_that_cannot_hold_the_image_is_refused() -> None:
    with pytest.raises(RefusedError, match="4 GiB is too small"):
        data(replace(MACHINE, disk=4 * 1024**3))


def test_security_groups_are_named_by_their_ids() -> None:
    with pytest.raises(RefusedError, match="web is no security group's id"):
        data(replace(MACHINE, firewall=("sg-1", "web")))


def test_what_aws_cannot_start_is_refused() -> None:
    with pytest.raises(RefusedError, match="cut by `cpus`"):
        launch.template_data(GROUP, replace(TEMPLATE, machine=LocalMachine()), AMI, TAGS)
    with pytest.raises(CloudError, match="has no release"):
        launch.template_data(replace(GROUP, release=None), TEMPLATE, AMI, TAGS)


def request(group: Group = GROUP, template: LaunchTemplate = TEMPLATE) -> dict[str, Any]:
    version = TemplateVersion(id="lt-1", number="1")
    return launch.group_request(group, template, version, subnets=("subnet-1", "subnet-2"), tags=TAGS)


def test_a_group() -> None:
    made = request()
    assert made.pop("Tags") == launch.written(NAME, TAGS)
    assert made == {
        "AutoScalingGroupName": NAME,
        "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "1"},
        "MinSize": 2,
        "MaxSize": 6,
        "DesiredCapacity": 3,
        "VPCZoneIdentifier": "subnet-1,subnet-2",
        "HealthCheckType": "ELB",
        "HealthCheckGracePeriod": 300,
        "TargetGroupARNs": [TARGET_GROUP],
        "NewInstancesProtectedFromScaleIn": False,
    }


def test_a_group_that_is_born_pinned_cannot_shrink() -> None:
    assert request(replace(GROUP, pinned_until=NOON))["MinSize"] == 3


def test_without_a_size_it_is_as_large_as_the_group_wants() -> None:
    made = request(template=replace(TEMPLATE, size=None))
    assert (made["MinSize"], made["DesiredCapacity"], made["MaxSize"]) == (2, 2, 2)


def test_without_a_balancer_health_is_that_of_ec2() -> None:
    assert request(template=replace(TEMPLATE, born_with=()))["HealthCheckType"] == "EC2"


def test_the_policy_of_the_load() -> None:
    assert launch.cpu_policy(NAME, 60)["TargetTrackingConfiguration"] == {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
        "TargetValue": 60.0,
    }


class Images:
    """Answers DescribeImages."""

    def __init__(self, *images: dict[str, Any]) -> None:
        self.images = images

    def pages(self, *_asked: str, **_parameters: Any) -> Iterator[dict[str, Any]]:
        return iter(self.images)


def started_from(*images: dict[str, Any]) -> Ami:
    return find_ami(cast("Calls", Images(*images)), "shop-os-debian-12-abc")


def test_an_ami() -> None:
    disks = [
        {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
        {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-1", "VolumeSize": 8}},
    ]
    there = {"ImageId": "ami-1", "State": "available"}
    assert started_from({**there, "RootDeviceName": "/dev/xvda", "BlockDeviceMappings": disks}) == AMI
    assert started_from(there) == Ami(id="ami-1", root="/dev/xvda")


def test_an_ami_that_no_machine_starts_from() -> None:
    with pytest.raises(CloudError, match="cannot be started from") as caught:
        started_from({"ImageId": "ami-1", "State": "pending"})
    assert caught.value.details == "ami-1 is pending"
