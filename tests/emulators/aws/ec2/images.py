"""AMIs: pending for a time, with one name each, tagged as they are asked for, with the disks of their machine.

moto makes them at once, of 15 GB always; refuses tags of snapshots, drops those of copies, and ignores descriptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from moto.ec2.models.amis import Ami

from tests.emulators.aws import behind
from tests.emulators.aws.answers import Answers, Asked, Shape
from tests.emulators.aws.emulated import ACCOUNT, Emulated
from tests.emulators.aws.faults import RefusedError


class Images:
    """Answers for the AMIs that moto keeps."""

    def __init__(self, emulated: Emulated) -> None:
        self._emulated = emulated

    def add_to(self, answers: Answers) -> None:
        """Answer what moto answers wrongly."""
        answers.add(
            "ec2",
            CreateImage=self._create,
            CopyImage=self._copy,
            DeregisterImage=self._deregister,
            ModifyImageAttribute=self._modify,
            EnableImageDeprecation=self._deprecate,
            DisableImageDeprecation=self._undeprecate,
            EnableImageDeregistrationProtection=partial(self._protect, on=True),
            DisableImageDeregistrationProtection=partial(self._protect, on=False),
        )
        behind.mend(Ami, block_device_mappings=property(_mappings))

    def _create(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html"""
        backend, name = behind.ec2(asked.region), str(asked.get("Name"))
        self._check_name(backend, name)
        asked.response.error_on_dryrun()
        instance = backend.get_instance(asked.get("InstanceId"))
        tags = _tags(asked)
        image = backend.create_image(
            instance.id, name, asked.get("Description", ""), [{"ResourceType": "image", "Tags": tags["image"]}]
        )
        _tag(image.ebs_snapshot, tags["snapshot"])
        image.disks = [
            _disk(device, attached, backend.volumes[attached.volume_id])
            for device, attached in instance.get_block_device_mapping
        ]
        for volume in image.disks:
            image.ebs_snapshot.encrypted = volume["Ebs"]["Encrypted"]
            image.ebs_snapshot.volume.size = volume["Ebs"]["VolumeSize"]
        image.root_device_name = instance.root_device_name
        self._made(image)
        try:
            self._emulated.machines.save(instance.id, image.id)
        except OSError as error:
            image.state, image.state_reason = "failed", {"Code": "Server.InternalError", "Message": str(error)}
        return {"ImageId": image.id}

    def _copy(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html: CopyImageTags"""
        backend, source_region = behind.ec2(asked.region), asked.get("SourceRegion")
        source = behind.ec2(source_region).amis.get(asked.get("SourceImageId"))
        if source is None or source.state != "available":
            raise RefusedError("InvalidAMIID.NotFound", f"The image id '[{asked.get('SourceImageId')}]' does not exist")
        self._check_name(backend, str(asked.get("Name")))
        asked.response.error_on_dryrun()
        image = backend.copy_image(source.id, source_region, asked.get("Name"), asked.get("Description"))
        tags = _tags(asked)
        copied = source.get_tags() if asked.get("CopyImageTags") else []
        _tag(image, [{"Key": tag["key"], "Value": tag["value"]} for tag in copied if not tag["key"].startswith("aws:")])
        _tag(image, tags["image"])
        _tag(image.ebs_snapshot, tags["snapshot"])
        encrypted = bool(asked.get("Encrypted"))
        image.disks = [
            {**disk, "Ebs": {**disk["Ebs"], "Encrypted": disk["Ebs"].get("Encrypted") or encrypted}}
            for disk in source.block_device_mappings
        ]
        self._made(image)
        self._emulated.machines.copy(source.id, image.id)
        return {"ImageId": image.id}

    def _check_name(self, backend: Any, name: str) -> None:
        for image in backend.amis.values():
            if image.name == name and image.owner_id == ACCOUNT:
                raise RefusedError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {image.id}")

    def _made(self, image: Any) -> None:
        image.root_device_type, image.creation_date = "ebs", self._emulated.clock.date
        if self._emulated.settings.ami_pending:
            image.state = "pending"
            self._emulated.clock.later(self._emulated.settings.ami_pending, partial(_available, image))

    def _deregister(self, asked: Asked) -> Any:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html: DeleteAssociatedSnapshots"""
        backend, id = behind.ec2(asked.region), asked.get("ImageId")
        image = backend.amis.get(id)
        if image is not None and getattr(image, "protected", False):
            raise RefusedError("OperationNotPermitted", f"The image {id} is protected from deregistration")
        answer = asked.moto()
        if id not in backend.amis:
            self._emulated.machines.forget(id)
            if image is not None and asked.get("DeleteAssociatedSnapshots"):
                backend.delete_snapshot(image.ebs_snapshot.id)
        return answer

    def _modify(self, asked: Asked) -> Any:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyImageAttribute.html: Description"""
        words = asked.get("Description")
        if words is not None:
            image = _image(asked)
            image.description = words.get("Value", "") if isinstance(words, Mapping) else words
        return asked.moto()

    def _deprecate(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImageDeprecation.html"""
        _image(asked).deprecation_time = f"{asked.get('DeprecateAt'):%Y-%m-%dT%H:%M:00.000Z}"
        return {"Return": True}

    def _undeprecate(self, asked: Asked) -> Shape:
        _image(asked).deprecation_time = None
        return {"Return": True}

    def _protect(self, asked: Asked, *, on: bool) -> Shape:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImageDeregistrationProtection.html"""
        _image(asked).protected = on
        return {"Return": "true"}


def _image(asked: Asked) -> Any:
    return behind.ec2(asked.region).describe_images(ami_ids=[asked.get("ImageId")])[0]


def _available(image: Any) -> None:
    if image.state == "pending":
        image.state = "available"


def _tags(asked: Asked) -> dict[str, list[Shape]]:
    tags: dict[str, list[Shape]] = {"image": [], "snapshot": []}
    for specification in asked.get("TagSpecifications", []):
        tags.setdefault(specification["ResourceType"], []).extend(specification.get("Tags", []))
    return tags


def _tag(resource: Any, tags: list[Shape]) -> None:
    for tag in tags:
        resource.add_tag(tag["Key"], tag.get("Value", ""))


def _disk(device: str, attached: Any, volume: Any) -> Shape:
    return {
        "DeviceName": device,
        "Ebs": {
            "VolumeSize": int(volume.size or 8),
            "VolumeType": volume.volume_type or "gp2",
            "Encrypted": bool(volume.encrypted),
            "DeleteOnTermination": bool(attached.delete_on_termination),
        },
    }


def _mappings(image: Any) -> list[Shape]:
    disks = getattr(image, "disks", None) or [
        {
            "DeviceName": image.root_device_name,
            "Ebs": {"VolumeSize": 8, "VolumeType": "gp3", "DeleteOnTermination": True, "Encrypted": False},
        }
    ]
    first, *others = disks
    return [{**first, "Ebs": {"SnapshotId": image.ebs_snapshot.id, **first["Ebs"]}}, *others]
