"""The AMI that machines start from, by its id or by the name that phoenix gave it."""

from __future__ import annotations

from phoenix.clouds.aws.bake import amis, image_reading
from phoenix.clouds.aws.calls import Calls
from phoenix.clouds.aws.machines.launch import Ami
from phoenix.errors import CloudError

_ROOT = "/dev/xvda"
"""The root device where AWS names none."""


def find_ami(calls: Calls, image: str) -> Ami:
    """The AMI as it is now. CloudError where it is gone, or not ready: no machine would ever start from it."""
    by_id = image.startswith("ami-")
    found = (amis.by_id(calls, image),) if by_id else amis.named(calls, image)
    there = tuple(each for each in found if each is not None)
    ready = image_reading.newest(there)
    if ready is not None:
        return Ami(id=ready.id, root=ready.root_device or _ROOT, disk=ready.size)
    states = ", ".join(f"{each.id} is {each.state}" for each in there)
    raise CloudError(
        f"the image {image} cannot be started from",
        details=states or f"no AMI of this account has that {'id' if by_id else 'name'}",
        resolution="Bake it again, then roll.",
    )
