"""The values of a Packer template: what phoenix.yaml knows of a recipe on a cloud, and what it leaves open.

What is known becomes a variable's default. What is not becomes a variable without one, and gets a stand-in in
the file of values, so that `packer validate` passes and whoever builds sees what to fill in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phoenix import names
from phoenix.errors import RefusedError
from phoenix.model import CloudKind
from phoenix.spec.clouds import AwsCloud, CloudSpec, GcpCloud, LocalCloud
from phoenix.spec.images import Recipe
from phoenix.spec.project import Project
from phoenix.tools import packer

KEY_DIGITS = 40
"""Of a content key in a label: a GCE label's value has at most 63 characters, a whole key has 64."""
KNOWS_METADATA_OPTIONS = (1, 8, 0)
"""The first Packer whose amazon-ebs has `metadata_options`, which 1.6.6 refuses; 1.7 is left out to be sure."""
GIB = 1024**3
Own = dict[str, Any]
"""What one cloud's template wants to know; None for a variable that phoenix.yaml does not know."""

_PLUGINS = {CloudKind.LOCAL: "qemu", CloudKind.GCP: "googlecompute", CloudKind.AWS: "amazon"}
_STAND_INS = {
    "parent_disk": "fill-in/disk.raw",
    "vmlinuz": "fill-in/vmlinuz",
    "initrd": "fill-in/initrd",
    "seed": "fill-in/seed.iso",
    "output_directory": "output",
    "project_id": "fill-in",
    "zone": "fill-in",
    "network": "default",
    "source_image_project": "debian-cloud",
    "source_image_family": "debian-12",
    "source_image": "fill-in",
    "region": "fill-in",
    "source_owner": "136693071363",
    "source_name": "debian-12-amd64-*",
    "source_ami": "ami-fill-in",
}
_ONE_IMAGE = re.compile(r"-v\d{6,}$")
"""The end of the name of one image of a family, on Google Cloud: debian-12-bookworm-v20260115."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What an image is called: its id, its content key, and the id of the image it is baked on (empty: none)."""

    image_id: str
    key: str
    parent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Values:
    """`template`: what the template is rendered with. `stand_ins`: values for the variables that are left open."""

    template: Mapping[str, Any]
    stand_ins: Mapping[str, str]


def of(project: Project, recipe: Recipe, cloud: CloudSpec | CloudKind, identity: Identity | None) -> Values:
    """The values for `recipe` on `cloud`; that is a kind where phoenix.yaml has no such cloud.

    Raises SpecError for a value that Packer would read as code.
    """
    told = identity or Identity(
        image_id=names.image(project.name, recipe.image.type, recipe.image.name, "by-hand"), key="", parent=""
    )
    match cloud:
        case LocalCloud() | CloudKind.LOCAL:
            kind, own = CloudKind.LOCAL, _local()
        case GcpCloud() | CloudKind.GCP:
            kind, own = CloudKind.GCP, _gcp(recipe, cloud if isinstance(cloud, GcpCloud) else None, told.parent)
        case AwsCloud() | CloudKind.AWS:
            kind, own = CloudKind.AWS, _aws(recipe, cloud if isinstance(cloud, AwsCloud) else None, identity)
    template = {
        "ref": f"{recipe.image} of {project.name}",
        "project": project.name,
        "type": str(recipe.image.type),
        "name": recipe.image.name,
        "vendor": recipe.parent is None,
        "plugin": _PLUGINS[kind],
        "image_id": told.image_id,
        "key": told.key[:KEY_DIGITS],
        "parent": told.parent,
        **own,
    }
    packer.refuse_code(template)
    return Values(template=template, stand_ins={name: _STAND_INS[name] for name, value in own.items() if value is None})


def _local() -> Own:
    """Where the files of a local bake lie is known to its builder alone."""
    return dict.fromkeys(("parent_disk", "vmlinuz", "initrd", "seed", "output_directory"))


def _gcp(recipe: Recipe, cloud: GcpCloud | None, parent: str) -> Own:
    where: Own = {
        "project_id": cloud.project if cloud else None,
        "zone": f"{cloud.region}-b" if cloud else None,  # the letter that every region has
        "network": cloud.network if cloud else None,
    }
    if recipe.parent is not None:
        return {**where, "source_image": parent or None}
    base = recipe.base.get(CloudKind.GCP)
    if base is None:
        return {**where, "source_image_project": None, "source_image_family": None, "source_image": ""}
    owner, _, image = base.rpartition("/")
    one = bool(_ONE_IMAGE.search(image))
    return {
        **where,
        "source_image_project": owner or where["project_id"],
        "source_image_family": "" if one else image,
        "source_image": image if one else "",
    }


def _aws(recipe: Recipe, cloud: AwsCloud | None, identity: Identity | None) -> Own:
    """The keys of phoenix.yaml stand as defaults or are written out; what only the builder finds has a default."""
    keys = cloud or AwsCloud(name="", region="", subnets=())
    builder, images = keys.builder, keys.images
    where: Own = {
        "region": cloud.region if cloud else None,
        "subnet_id": builder.subnet or next(iter(keys.subnets), ""),
        "security_group_ids": list(builder.firewall),
        "instance_type": builder.type,
        "instance_profile": builder.profile or "",
        "disk_size": math.ceil((builder.disk or 0) / GIB),
        "reach": str(builder.reach),
        "spot": builder.spot,
        "tenancy": builder.tenancy,
        "encrypt": images.encrypt,
        "kms_key_id": images.kms or "",
        "architecture": images.architecture,
        "tags": dict(keys.tags),
        "metadata_options": identity is not None and _knows_metadata_options(),
    }
    if recipe.parent is not None:
        return {**where, "source_ami": None}
    owner, slash, pattern = recipe.base.get(CloudKind.AWS, "").partition("/")
    if owner.startswith("ami-"):
        return {**where, "source_ami": owner}
    vendor = {"source_owner": owner if slash else None, "source_name": pattern if slash else None}
    return {**where, **vendor, "source_ami": ""}


def _knows_metadata_options() -> bool:
    """Whether the Packer on PATH takes what keeps a builder machine's credentials behind a token (IMDSv2)."""
    try:
        return packer.version() >= KNOWS_METADATA_OPTIONS
    except RefusedError:  # there is none: whoever bakes is told so
        return False
