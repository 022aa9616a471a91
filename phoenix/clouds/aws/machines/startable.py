"""The AMI that machines start from, by its id or by the name that phoenix gave it."""

from __future__ import annotations

from phoenix.clouds.aws.calls import Answer, Calls, RefusedCallError
from phoenix.clouds.aws.machines.launch import Ami
from phoenix.errors import CloudError

_GONE = ("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")


def find_ami(calls: Calls, image: str) -> Ami:
    """The AMI as it is now. CloudError where it is gone, or not ready: no machine would ever start from it."""
    by_id = image.startswith("ami-")
    try:
        answer = (
            calls.ask("ec2", "describe_images", ImageIds=[image])
            if by_id
            else calls.ask("ec2", "describe_images", Owners=["self"], Filters=[{"Name": "name", "Values": [image]}])
        )
    except RefusedCallError as error:
        if error.said not in _GONE:
            raise
        raise _gone(image, error.details) from error
    for found in answer["Images"]:
        if found.get("State", "available") == "available":
            return ami(found)
    states = ", ".join(f"{found['ImageId']} is {found['State']}" for found in answer["Images"])
    raise _gone(image, states or f"no AMI of this account has that {'id' if by_id else 'name'}")


def ami(answer: Answer) -> Ami:
    """One of the Images of DescribeImages."""
    root = answer.get("RootDeviceName", "/dev/xvda")
    disks = {each.get("DeviceName"): each.get("Ebs", {}) for each in answer.get("BlockDeviceMappings", ())}
    return Ami(id=answer["ImageId"], root=root, disk=int(disks.get(root, {}).get("VolumeSize", 0)))


def _gone(image: str, details: str) -> CloudError:
    return CloudError(
        f"the image {image} cannot be started from",
        details=details,
        resolution="Bake it again, then roll.",
    )
