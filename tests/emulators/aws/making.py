"""Makes the world: from inside, so that no call of it is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.ec2.models.amis import Ami
from moto.ec2.utils import random_ami_id

from tests.emulators.aws import behind
from tests.emulators.aws.emulated import ACCOUNT, REGION
from tests.emulators.aws.world import World

ZONES = (f"{REGION}a", f"{REGION}b")
DEBIAN = "136693071363"
"""The account of Debian's images. https://wiki.debian.org/Cloud/AmazonEC2Image"""
DEBIAN_NAME = "debian-12-amd64-20250316-2053"
IMAGE = "os/debian-12"


def made(project: str) -> World:
    """A new one. The AMI belongs to phoenix' `project`."""
    ec2, iam = behind.ec2(REGION), behind.iam()
    vpc = ec2.create_vpc("10.7.0.0/16")
    ec2.attach_internet_gateway(ec2.create_internet_gateway().id, vpc.id)
    subnets = [
        ec2.create_subnet(vpc.id, f"10.7.{16 * number}.0/20", availability_zone=zone)
        for number, zone in enumerate(ZONES)
    ]
    for subnet in subnets:
        subnet.map_public_ip_on_launch = True
    security_group = ec2.create_security_group("machines", "of the tests", vpc.id)
    balancer, listener = _balancer([subnet.id for subnet in subnets], security_group.id)
    role = iam.create_role("machine", "{}", "/", None, "", [], "3600")
    profile = iam.create_instance_profile("machine", "/", [])
    iam.add_role_to_instance_profile("machine", "machine")
    return World(
        account=ACCOUNT,
        region=REGION,
        vpc=vpc.id,
        zones=ZONES,
        subnets=tuple(subnet.id for subnet in subnets),
        security_group=security_group.id,
        balancer=balancer,
        listener=listener,
        image=_image(ec2, name=f"phoenix-{IMAGE.replace('/', '-')}", tags=_labels(project)),
        base_image=_image(ec2, name=DEBIAN_NAME, owner_id=DEBIAN, public=True),
        profile=profile.arn,
        role=role.arn,
    )


def _balancer(subnets: list[str], security_group: str) -> tuple[str, str]:
    elb = behind.elb(REGION)
    balancer = elb.create_load_balancer(name="front", security_groups=[security_group], subnet_ids=subnets)
    balancer.activate()
    answer = {
        "Type": "fixed-response",
        "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "nobody serves"},
    }
    listener = elb.create_listener(
        load_balancer_arn=balancer.arn, protocol="HTTP", port=80, ssl_policy="", certificate=None, actions=[answer]
    )
    return balancer.arn, listener.arn


def _image(ec2: Any, *, name: str, tags: Mapping[str, str] | None = None, **more: Any) -> str:
    image = Ami(
        ec2,
        random_ami_id(),
        name=name,
        description=name,
        virtualization_type="hvm",
        architecture="x86_64",
        root_device_type="ebs",
        root_device_name="/dev/xvda",
        region_name=ZONES[0],
        tags=dict(tags or {}),
        **more,
    )
    ec2.amis[image.id] = image
    return str(image.id)


def _labels(project: str) -> dict[str, str]:
    """See phoenix/clouds/aws/labels.py."""
    return {
        "phoenix:project": project,
        "phoenix:image": IMAGE,
        "phoenix:type": "os",
        "phoenix:name": "debian-12",
        "phoenix:key": "0123456789abcdef",
        "phoenix:created": "2026-01-02T03:04:05+00:00",
        "phoenix:verified": "2026-01-02T03:14:05+00:00",
        "phoenix:builder": "packer",
    }
