"""The AMIs of a project, and those of vendors, read from AWS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from phoenix.clouds.aws import labels
from phoenix.clouds.aws.bake import image_reading
from phoenix.clouds.aws.bake.image_reading import Ami
from phoenix.clouds.aws.calls import RefusedCallError
from phoenix.errors import RefusedError, SpecError

if TYPE_CHECKING:
    from phoenix.clouds.aws.calls import Calls

_ONE = re.compile(r"ami-[0-9a-f]+")
_PATTERN = re.compile(r"(?P<owner>[0-9]{12}|amazon|aws-marketplace|self)/(?P<name>.+)")
GONE = frozenset({"InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "InvalidAMIID.Malformed"})
"""How AWS says that there is no such AMI."""


def ours(calls: Calls, project: str) -> tuple[Ami, ...]:
    """Every AMI with the project's tag, in whatever state, by one paged call."""
    return _read(calls, Owners=["self"], Filters=[_by_tag(labels.PROJECT, project)])


def named(calls: Calls, name: str) -> tuple[Ami, ...]:
    """The account's AMI of that name, whoever made it: Packer before 1.10 writes its tags last."""
    return _read(calls, Owners=["self"], Filters=[{"Name": "name", "Values": [name]}])


def find(calls: Calls, project: str, image_id: str) -> Ami | None:
    """The AMI that is the project's image of that id, in whatever state; None where AWS says there is none."""
    filters = [_by_tag(labels.PROJECT, project), _by_tag(labels.IMAGE, image_id)]
    found = _read(calls, Owners=["self"], Filters=filters)
    return image_reading.newest(found) or next(iter(found), None)


def by_id(calls: Calls, ami_id: str) -> Ami | None:
    """The AMI of that id, whosever it is; None where AWS says there is none."""
    try:
        return next(iter(_read(calls, ImageIds=[ami_id])), None)
    except RefusedCallError as error:
        if error.said in GONE:
            return None
        raise


def base(calls: Calls, wanted: str, *, architecture: str, region: str) -> Ami:
    """What a recipe's `base` means now: the newest AMI of `OWNER/NAME-PATTERN`, or the one of an id.

    RefusedError where there is none that can be started, SpecError where `wanted` is neither.
    """
    if _ONE.fullmatch(wanted):
        found = by_id(calls, wanted)
        usable = found if found and found.architecture == architecture else None
        newest = image_reading.newest((usable,)) if usable else None
    else:
        newest = image_reading.newest(_vendors(calls, wanted, architecture))
    if newest is None:
        raise RefusedError(
            f"there is no AMI {wanted} for {architecture} in {region}",
            details="looked for one that is available, has its root disk on EBS and is not deprecated",
            resolution="Correct `base` in phoenix.yaml: ACCOUNT/NAME-PATTERN (* stands for anything), or ami-ID; "
            "or the architecture of the cloud's images.",
        )
    return newest


def _vendors(calls: Calls, wanted: str, architecture: str) -> tuple[Ami, ...]:
    parts = _PATTERN.fullmatch(wanted)
    if parts is None:
        raise SpecError(
            f"{wanted!r} names no AMI",
            details="accepted: ACCOUNT/NAME-PATTERN such as 136693071363/debian-12-amd64-*, or ami-ID",
            resolution="Correct `base` in phoenix.yaml.",
        )
    wishes = {
        "name": parts["name"],
        "architecture": architecture,
        "root-device-type": "ebs",
        "virtualization-type": "hvm",
        "state": "available",
    }
    filters = [{"Name": name, "Values": [value]} for name, value in wishes.items()]
    return _read(calls, Owners=[parts["owner"]], Filters=filters)


def _read(calls: Calls, **parameters: object) -> tuple[Ami, ...]:
    return tuple(image_reading.ami(each) for each in calls.pages("ec2", "describe_images", "Images", **parameters))


def _by_tag(key: str, value: str) -> dict[str, object]:
    return {"Name": f"tag:{key}", "Values": [value]}
