"""What Packer makes AMIs from: a machine that starts from the layer below, or from a vendor's AMI."""

from __future__ import annotations

from phoenix.clouds.api import Template
from phoenix.spec.clouds import AwsCloud

_STAND_INS = {
    "region": "fill-in",
    "source_owner": "136693071363",
    "source_name": "debian-12-amd64-*",
    "source_ami": "ami-fill-in",
}


def template(spec: AwsCloud | None, *, base: str | None, parent: str | None) -> Template:
    """The template for a cloud of phoenix.yaml, or for none of it. `base` and `parent` as `Cloud.template` has them."""
    variables: dict[str, str | None] = {
        "region": spec.region if spec else None,
        "subnet_id": spec.subnets[0] if spec and spec.subnets else "",
    }
    if parent is not None:
        variables["source_ami"] = None
    else:
        owner, slash, pattern = (base or "").partition("/")
        variables |= {"source_owner": owner if slash else None, "source_name": pattern if slash else None}
    return Template(file="packer/aws.pkr.hcl.j2", plugin="amazon", variables=variables, stand_ins=_STAND_INS)
