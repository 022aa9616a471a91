"""What Packer makes images of Google Cloud from: a machine that starts from the layer below, or from a vendor's."""

from __future__ import annotations

import re

from phoenix.clouds.api import Template
from phoenix.spec.clouds import GcpCloud

_ONE_IMAGE = re.compile(r"-v\d{6,}$")
"""The end of the name of one image of a family: debian-12-bookworm-v20260115."""
_STAND_INS = {
    "project_id": "fill-in",
    "zone": "fill-in",
    "network": "default",
    "source_image_project": "debian-cloud",
    "source_image_family": "debian-12",
    "source_image": "fill-in",
}


def template(spec: GcpCloud | None, *, base: str | None, parent: str | None) -> Template:
    """The template for a cloud of phoenix.yaml, or for none of it. `base` and `parent` as `Cloud.template` has them."""
    where = {
        "project_id": spec.project if spec else None,
        "zone": f"{spec.region}-b" if spec else None,  # the letter that every region has
        "network": spec.network if spec else None,
    }
    source = {"source_image": parent or None} if parent is not None else _vendors(base, where["project_id"])
    return Template(
        file="packer/gcp.pkr.hcl.j2", plugin="googlecompute", variables={**where, **source}, stand_ins=_STAND_INS
    )


def _vendors(base: str | None, project: str | None) -> dict[str, str | None]:
    if base is None:
        return {"source_image_project": None, "source_image_family": None, "source_image": ""}
    owner, _, image = base.rpartition("/")
    one = bool(_ONE_IMAGE.search(image))
    return {
        "source_image_project": owner or project,
        "source_image_family": "" if one else image,
        "source_image": image if one else "",
    }
