"""What a group is made of, as AWS takes it: a launch template's data, the group, its policy. Nothing here asks AWS."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from phoenix.clock import rfc3339
from phoenix.clouds.aws import labels
from phoenix.clouds.aws.machines import user_data
from phoenix.clouds.aws.machines.group_reading import TemplateVersion
from phoenix.errors import CloudError, RefusedError
from phoenix.model import CloudMachine, Group, LaunchTemplate, MachineKind, Size

CPU_POLICY = "phoenix-cpu"
"""The policy that keeps the load of phoenix.yaml; others are somebody's own."""
_GIB = 1024**3
_ON_MACHINES = (labels.PROJECT, labels.SERVICE, labels.ENVIRONMENT, labels.RELEASE, labels.RUN, labels.GROUP)
"""What a machine and its volumes bear, too: the others change while they live."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ami:
    """An image as machines start from it."""

    id: str
    root: str
    """The name of its root device, such as /dev/xvda."""
    disk: int = 0
    """Gibibytes of that; 0: nobody says."""


def machine_of(kind: MachineKind) -> CloudMachine:
    """The machine, where it is one that AWS has."""
    if not isinstance(kind, CloudMachine):
        raise RefusedError(
            "AWS has no machines that are cut by `cpus` and `memory`",
            details="it sells them by types",
            resolution="Say `type` in the environment's `machine`, such as t3.small.",
        )
    return kind


def size_of(group: Group, template: LaunchTemplate) -> Size:
    """With which size and bounds the group begins."""
    return template.size or Size(wanted=group.size, least=group.size, most=group.size)


def group_tags(group: Group, template: LaunchTemplate, others: Mapping[str, str]) -> dict[str, str]:
    """The tags of the group; `others`, the cloud's own, never cover phoenix's."""
    release = {labels.RELEASE: group.release.id} if group.release else {}
    pinned = {labels.PINNED_UNTIL: rfc3339(group.pinned_until)} if group.pinned_until else {}
    like = {labels.LIKE: template.like} if template.like else {}
    return {
        "Name": group.name,
        **others,
        labels.PROJECT: group.project,
        labels.SERVICE: group.service,
        labels.ENVIRONMENT: group.environment,
        labels.GROUP: group.name,
        labels.RUN: group.run,
        labels.SHAPE: group.shape,
        labels.CREATED: group.created.isoformat(),
        labels.PORT: str(template.port),
        **release,
        **pinned,
        **like,
    }


def machine_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Those of a group's tags that its machines and volumes bear."""
    return {key: value for key, value in tags.items() if key in _ON_MACHINES or not key.startswith(labels.PREFIX)}


def written(name: str, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """Tags as Auto Scaling takes them."""
    on_machines = machine_tags(tags)
    return [
        {
            "ResourceId": name,
            "ResourceType": "auto-scaling-group",
            "Key": key,
            "Value": value,
            "PropagateAtLaunch": key in on_machines,
        }
        for key, value in sorted(tags.items())
    ]


def template_data(group: Group, template: LaunchTemplate, ami: Ami, tags: Mapping[str, str]) -> dict[str, Any]:
    """The data of the group's launch template. RefusedError where its boot work does not fit.

    An own address is said or denied, for a subnet may give one by itself; the disk is encrypted as the image's is.
    """
    machine = machine_of(template.machine)
    if group.release is None:
        raise CloudError(f"the group {group.name} has no release", details="nobody knows what its machines are to run")
    work = user_data.packed(template.user_data, group.release)
    size = disk_size(machine, ami)
    disk = {"VolumeType": "gp3", "DeleteOnTermination": True, **({"VolumeSize": size} if size else {})}
    groups = {"Groups": _security_groups(machine)} if machine.firewall else {}
    card = {
        "DeviceIndex": 0,
        "AssociatePublicIpAddress": machine.public_ip,
        "DeleteOnTermination": True,
        **groups,
    }
    marks = labels.written(machine_tags(tags))
    spot = {"InstanceMarketOptions": {"MarketType": "spot"}} if machine.spot else {}
    return {
        "ImageId": ami.id,
        "InstanceType": machine.type,
        "UserData": base64.b64encode(work).decode(),
        "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [{"DeviceName": ami.root, "Ebs": disk}],
        "NetworkInterfaces": [card],
        "TagSpecifications": [{"ResourceType": kind, "Tags": marks} for kind in ("instance", "volume")],
        **_identity(machine.identity),
        **spot,
    }


def _security_groups(machine: CloudMachine) -> list[str]:
    names = [each for each in machine.firewall if not each.startswith("sg-")]
    if names:
        raise RefusedError(
            f"{', '.join(names)} is no security group's id",
            details="a launch template of a VPC takes ids, such as sg-0123456789abcdef0, and no names",
            resolution="Say the ids in the environment's `machine.firewall`.",
        )
    return list(machine.firewall)


def disk_size(machine: CloudMachine, ami: Ami) -> int:
    """Gibibytes of the machine's disk; 0: nobody says. RefusedError where they are fewer than the image has."""
    wanted = ceil(machine.disk / _GIB) if machine.disk else ami.disk
    if wanted < ami.disk:
        raise RefusedError(
            f"a disk of {wanted} GiB is too small for the image",
            details=f"{ami.id} has {ami.disk} GiB",
            resolution="Say a larger `disk` in the environment's `machine`, or none.",
        )
    return wanted


def _identity(name: str | None) -> dict[str, Any]:
    if not name:
        return {}
    return {"IamInstanceProfile": {"Arn" if name.startswith("arn:") else "Name": name}}


def group_request(
    group: Group,
    template: LaunchTemplate,
    version: TemplateVersion,
    *,
    subnets: tuple[str, ...],
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """What CreateAutoScalingGroup is asked with; a group that is born pinned cannot become smaller than it begins.

    Its grace is the health deadline, so that a machine that fails can still be read; without a balancer's target
    group there is no other health than EC2's own.
    """
    size = size_of(group, template)
    return {
        "AutoScalingGroupName": group.name,
        "LaunchTemplate": {"LaunchTemplateId": version.id, "Version": version.number},
        "MinSize": size.wanted if group.pinned_until else min(size.least, size.wanted),
        "MaxSize": max(size.most, size.wanted),
        "DesiredCapacity": size.wanted,
        "VPCZoneIdentifier": ",".join(subnets),
        "HealthCheckType": "ELB" if template.born_with else "EC2",
        "HealthCheckGracePeriod": ceil(template.health.deadline),
        "TargetGroupARNs": list(template.born_with),
        "NewInstancesProtectedFromScaleIn": False,
        "Tags": written(group.name, tags),
    }


def cpu_policy(name: str, percent: int) -> dict[str, Any]:
    """What PutScalingPolicy is asked with, for the load that phoenix.yaml names."""
    return {
        "AutoScalingGroupName": name,
        "PolicyName": CPU_POLICY,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingConfiguration": {
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": float(percent),
        },
    }
