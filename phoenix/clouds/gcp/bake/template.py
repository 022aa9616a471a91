"""What Packer makes images of Google Cloud from: a machine that starts from the layer below, or from a vendor's."""

from __future__ import annotations

import re
from typing import Any

from phoenix.clouds.api import Template
from phoenix.clouds.gcp.bake import packers, way_in
from phoenix.spec.clouds import GcpCloud

GIB = 1024**3
ONE_IMAGE = re.compile(r"-v\d{6,}$")
"""The end of the name of one image of a family: debian-12-bookworm-v20260115."""
_DISK = 10
"""GiB of Debian's own images."""
_STAND_INS = {
    "project_id": "fill-in",
    "zone": "fill-in",
    "source_image_project": "debian-cloud",
    "source_image_family": "debian-12",
    "source_image": "fill-in",
}


def template(spec: GcpCloud | None, *, base: str | None, parent: str | None) -> Template:
    """The template for a cloud of phoenix.yaml, or for none of it. `base` and `parent` as `Cloud.template` has them.

    The keys of phoenix.yaml stand as defaults of variables or are written out; what only the builder finds
    (`packer_run`) has a default with which Packer finds it by itself.
    """
    project = spec.project if spec else None
    source = {"source_image": parent or None} if parent is not None else _vendors(base, project)
    return Template(
        file="packer/gcp.pkr.hcl.j2",
        plugin="googlecompute",
        variables={
            **_keys(spec or GcpCloud(name="", project="", region="")),
            "project_id": project,
            "zone": spec.builder_zone if spec else None,
            "knows_more": bool(base or parent) and _knows_more(),
            **source,
        },
        stand_ins=_STAND_INS,
    )


def _keys(spec: GcpCloud) -> dict[str, Any]:
    """The keys of the cloud's entry that decide how images are made."""
    builder, images = spec.builder, spec.images
    return {
        "impersonate": spec.impersonate or "",
        "network": spec.network,
        "subnetwork": spec.subnetwork or "",
        "network_project_id": spec.host_project or "",
        "machine_type": builder.type,
        "disk_size": -(-(builder.disk or 0) // GIB) or _DISK,
        "disk_type": builder.disk_type,
        "service_account": builder.identity or "",
        "scopes": list(builder.scopes),
        "network_tags": list(builder.firewall),
        "reach": str(builder.reach),
        "spot": builder.spot,
        "secure_boot": builder.secure_boot,
        "max_run_duration": int(builder.max_run_duration),
        "disk_kms_key_id": builder.kms or "",
        "ssh_username": way_in.USER,
        "labels": dict(spec.labels),
        "family": images.family or "",
        "kms_key_id": images.kms or "",
        "location": images.location or "",
        "features": list(images.features),
    }


def _vendors(base: str | None, project: str | None) -> dict[str, str | None]:
    if base is None:
        return {"source_image_project": None, "source_image_family": None, "source_image": ""}
    owner, _, image = base.rpartition("/")
    one = bool(ONE_IMAGE.search(image))
    return {
        "source_image_project": owner or project,
        "source_image_family": "" if one else image,
        "source_image": image if one else "",
    }


def _knows_more() -> bool:
    """Whether the Packer on PATH takes keys that 1.6.6 refuses. One that is missing is told to whoever bakes."""
    here = packers.found()
    return here is not None and here.knows_more
