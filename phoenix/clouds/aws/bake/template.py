"""What Packer makes AMIs from: a machine that starts from the layer below, or from a vendor's AMI."""

from __future__ import annotations

from functools import cache
from typing import Any

from phoenix.clouds.api import Template
from phoenix.errors import RefusedError
from phoenix.spec.clouds import AwsCloud
from phoenix.tools import packer

KNOWS_METADATA_OPTIONS = (1, 8, 0)
"""The first Packer whose amazon-ebs surely has `metadata_options`: https://github.com/hashicorp/packer/pull/10546.
1.6.6 refuses what it does not know."""
GIB = 1024**3
_STAND_INS = {
    "region": "fill-in",
    "source_owner": "136693071363",
    "source_name": "debian-12-amd64-*",
    "source_ami": "ami-fill-in",
}


def template(spec: AwsCloud | None, *, base: str | None, parent: str | None) -> Template:
    """The template for a cloud of phoenix.yaml, or for none of it. `base` and `parent` as `Cloud.template` has them.

    The keys of phoenix.yaml stand as defaults of variables or are written out; what only the builder finds
    (`packer_run`) has a default with which Packer finds it by itself.
    """
    return Template(
        file="packer/aws.pkr.hcl.j2",
        plugin="amazon",
        variables={
            **_keys(spec or AwsCloud(name="", region="", subnets=())),
            "region": spec.region if spec else None,
            "metadata_options": bool(base or parent) and _knows_metadata_options(),
            **_source(base, parent),
        },
        stand_ins=_STAND_INS,
    )


def _keys(spec: AwsCloud) -> dict[str, Any]:
    """The keys of the cloud's entry that decide how images are made."""
    builder, images = spec.builder, spec.images
    return {
        "subnet_id": builder.subnet or next(iter(spec.subnets), ""),
        "security_group_ids": list(builder.firewall),
        "instance_type": builder.type,
        "instance_profile": builder.profile or "",
        "disk_size": -(-(builder.disk or 0) // GIB),
        "reach": str(builder.reach),
        "spot": builder.spot,
        "tenancy": builder.tenancy,
        "encrypt": images.encrypt,
        "kms_key_id": images.kms or "",
        "architecture": images.architecture,
        "tags": dict(spec.tags),
    }


def _source(base: str | None, parent: str | None) -> dict[str, Any]:
    """What it starts from. The id of the parent's AMI is known to AWS alone, a vendor's is looked up."""
    if parent is not None:
        return {"source_ami": None}
    owner, slash, pattern = (base or "").partition("/")
    if owner.startswith("ami-"):
        return {"source_ami": owner}
    return {"source_owner": owner if slash else None, "source_name": pattern if slash else None, "source_ami": ""}


@cache
def _knows_metadata_options() -> bool:
    """Whether the Packer on PATH takes what keeps a builder machine's credentials behind a token (IMDSv2)."""
    try:
        return packer.version() >= KNOWS_METADATA_OPTIONS
    except RefusedError:  # there is none: whoever bakes is told so
        return False
