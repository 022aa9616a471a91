"""From a group's launch template to what EC2 is asked to start.

The version that the group names is honoured for everything: moto took the image of that one, and the security groups,
the tags and the reported number of the default version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ec2.utils import convert_tag_spec

from tests.emulators.aws import behind
from tests.emulators.aws.answers import Shape
from tests.emulators.aws.autoscaling.model import CONFIGURATION, Group
from tests.emulators.aws.ec2.instances import GROUP_TAG, Wanted
from tests.emulators.aws.faults import RefusedError

NOT_WELL_FORMED = "You must use a valid fully-formed launch template. "


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A version of a launch template, with its number."""

    id: str
    name: str
    number: int
    data: Mapping[str, Any]

    @property
    def shape(self) -> dict[str, str]:
        """As the API shows the template of an instance."""
        if not self.id:
            return {CONFIGURATION: self.name}
        return {"LaunchTemplateId": self.id, "LaunchTemplateName": self.name, "Version": str(self.number)}


def specified(region: str, given: Mapping[str, Any]) -> dict[str, str] | None:
    """The launch template of a group as the API shows it: id, name, and the version as it was written.

    ValidationError where there is no such template. A group that names no version has `$Default`.
    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchTemplateSpecification.html
    """
    policy = (given.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    if given.get(CONFIGURATION):
        return {CONFIGURATION: resolved(region, given).name}
    wanted = given.get("LaunchTemplate") or policy.get("LaunchTemplateSpecification")
    if not wanted:
        return None
    found = resolved(region, wanted)
    version = str(wanted.get("Version") or "$Default")
    return {"LaunchTemplateId": found.id, "LaunchTemplateName": found.name, "Version": version}


def resolved(region: str, wanted: Mapping[str, Any]) -> Resolved:
    """The version that is meant. ValidationError where there is none."""
    if wanted.get(CONFIGURATION):
        return _configuration(region, wanted[CONFIGURATION])
    backend = behind.ec2(region)
    try:
        if wanted.get("LaunchTemplateId"):
            template = backend.get_launch_template(wanted["LaunchTemplateId"])
        else:
            template = backend.get_launch_template_by_name(wanted.get("LaunchTemplateName"))
        version = template.get_version(wanted.get("Version") or "$Default")
    except (ServiceException, ValueError) as error:
        named = wanted.get("LaunchTemplateName") or wanted.get("LaunchTemplateId")
        raise RefusedError(
            "ValidationError",
            f"{NOT_WELL_FORMED}The specified launch template, with template name {named}, "
            f"version {wanted.get('Version')}, does not exist.",
        ) from error
    return Resolved(id=template.id, name=template.name, number=version.number, data=version.data)


def _configuration(region: str, name: str) -> Resolved:
    """A launch configuration, which older groups have: https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-configurations.html"""
    found = behind.autoscaling(region).launch_configurations.get(name)
    if found is None:
        raise RefusedError("ValidationError", f"Launch configuration name not found - {name}")
    data = {
        "ImageId": found.image_id,
        "InstanceType": found.instance_type,
        "UserData": found.user_data,
        "KeyName": found.key_name,
        "SecurityGroupIds": found.security_groups,
        "IamInstanceProfile": {"Name": found.iam_instance_profile} if found.iam_instance_profile else {},
        "BlockDeviceMappings": found.block_device_mapping_dict,
    }
    return Resolved(id="", name=name, number=0, data=data)


def check_image(region: str, wanted: Mapping[str, Any]) -> None:
    """A group is made only with an AMI that is there."""
    image = resolved(region, wanted).data.get("ImageId", "")
    if not image.startswith("resolve:ssm:") and image not in behind.ec2(region).amis:
        raise RefusedError("ValidationError", f"{NOT_WELL_FORMED}The image id '[{image}]' does not exist")


def wanted_of(group: Group, found: Resolved, zone: str) -> Wanted:
    """What EC2 is asked to start for the group in a zone."""
    data = found.data
    interface: Mapping[str, Any] = next(iter(data.get("NetworkInterfaces") or []), {})
    spot = (data.get("InstanceMarketOptions") or {}).get("MarketType") == "spot"
    return Wanted(
        image=data.get("ImageId", ""),
        type=_type(group, data),
        user_data=data.get("UserData"),
        key=data.get("KeyName"),
        security_groups=interface.get("Groups") or data.get("SecurityGroupIds") or (),
        subnet=group.subnets.get(zone),
        zone=zone,
        public=interface.get("AssociatePublicIpAddress"),
        profile=data.get("IamInstanceProfile") or {},
        mappings=data.get("BlockDeviceMappings") or (),
        metadata=data.get("MetadataOptions") or {},
        spot=spot,
        tags=_tags(group, found),
    )


def _type(group: Group, data: Mapping[str, Any]) -> str:
    """The first override of a mixed policy, where there is one."""
    policy: Shape = (group.given.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    overrides = [entry["InstanceType"] for entry in policy.get("Overrides") or [] if entry.get("InstanceType")]
    return str((overrides or [data.get("InstanceType") or "t3.micro"])[0])


def _tags(group: Group, found: Resolved) -> dict[str, dict[str, str]]:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html: the group's win."""
    tags = {kind: dict(tags) for kind, tags in convert_tag_spec(found.data.get("TagSpecifications", [])).items()}
    tags["instance"] = {
        **tags.get("instance", {}),
        **{key: value for key, (value, propagated) in group.tags.items() if propagated},
        GROUP_TAG: group.name,
        **(
            {"aws:ec2launchtemplate:id": found.id, "aws:ec2launchtemplate:version": str(found.number)}
            if found.id
            else {}
        ),
    }
    return tags
