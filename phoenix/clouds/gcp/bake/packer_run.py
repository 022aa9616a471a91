"""One run of Packer on Google Cloud: what it is given, and what it says it made.

It finds the same Application Default Credentials as the SDK. Whether an image is there, Compute Engine is asked
(`images`): Packer ends well without an image where it could not remove its machine, and dies with one where it may not
change its deprecation.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phoenix.clock import Clock
from phoenix.clouds.api import BakeRequest, Between, Say
from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.bake import gce_images, image_reading, packed, way_in
from phoenix.clouds.gcp.bake.birth import Birth
from phoenix.clouds.gcp.bake.image_reading import GIB
from phoenix.errors import RefusedError, ToolError
from phoenix.tools import packer
from phoenix.tools.process import Command

if TYPE_CHECKING:
    from phoenix.clouds.gcp.bake.image_reading import GceImage
    from phoenix.clouds.gcp.calls import Calls
    from phoenix.spec.clouds import GcpCloud

TIMEOUT = 3500.0
"""Seconds for the whole build."""
MANIFEST = "manifest.json"
_NAME = 63
"""Characters of a machine's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackerRun:
    """The build of one image on `below`, with the labels `marks` on all that is made.

    `token` tells the machines of two bakes of one image from each other.
    """

    calls: Calls
    cloud: GcpCloud
    clock: Clock
    below: GceImage
    request: BakeRequest
    marks: Mapping[str, str]
    token: str
    log: Path
    say: Say
    between: Between

    def image(self) -> str:
        """Let Packer make the image; its name as Packer tells it.

        ToolError where a tool failed, or told of none. What was begun is left to `remains`.
        """
        known = self._known()
        manifest = self.request.workspace / MANIFEST
        manifest.unlink(missing_ok=True)
        birth = Birth(
            self.calls, self.clock, zone=self.cloud.builder_zone, name=known["instance_name"], marks=self.marks
        )

        def between() -> None:
            self.between()
            birth.watch()

        with tempfile.TemporaryDirectory(prefix="phoenix-") as directory:
            way = way_in.make(self.cloud, Path(directory), self.log)
            values = Path(directory) / "builder.pkrvars.hcl"
            opening = {"ssh_private_key_file": str(way.key), "metadata": dict(way.metadata)}
            packer.write_values(values, {**known, **opening})
            packer.build(
                self.request.workspace,
                values,
                log=self.log,
                say=self.say,
                timeout=TIMEOUT,
                between=between,
                vault=self.request.vault,
                around=lambda command, _sockets: as_process(command),
            )
        return made(manifest)

    def _known(self) -> dict[str, Any]:
        """The Packer variables that only the builder knows (see the template), before anything is made."""
        vendors = {"source_image_project": gce_images.owner_of(self.below), "source_image_family": ""}
        own = (labels.BAKER, labels.SINCE)
        return {
            **(vendors if self.request.parent is None else {}),
            "source_image": self.below.name,
            "instance_name": machine_name(self.request.image_id, self.token),
            "disk_size": disk(self.cloud, self.below),
            "image_family": "",  # a family tells of verified images alone
            "bake_labels": {key: self.marks[key] for key in own},
            "facts": packed.packed(image_reading.facts(self.request)),
        }


def machine_name(image_id: str, token: str) -> str:
    """What the machine of a bake is called, so that people see what it is for."""
    return f"{image_id[: _NAME - 1 - len(token)].rstrip('-')}-{token}"


def disk(cloud: GcpCloud, below: GceImage) -> int:
    """GiB of the builder machine's disk. RefusedError where it would be smaller than the image below."""
    wanted = -(-(cloud.builder.disk or 0) // GIB)
    if 0 < wanted < below.size:
        raise RefusedError(
            f"the builder's disk on '{cloud.name}' is smaller than the image below",
            details=f"builder.disk is {wanted} GiB, and {below.name} has {below.size} GiB",
            resolution="Give builder.disk in phoenix.yaml that much, or leave it out.",
        )
    return wanted or below.size


def as_process(command: Command) -> Command:
    """The command as a process that cleans up when it is to end.

    Ctrl-C to all of it is what Packer cleans up after; SIGTERM would end its plugins, and it would wait for them.
    """
    own = {**command.environment, **way_in.gcloud_environment()}
    # Packer is two processes and its plugins: of a killed phoenix only the first would end, were they not contained
    return replace(command, environment=own, ends_on=signal.SIGINT, contained=os.geteuid() == 0)


def made(manifest: Path) -> str:
    """The name of the image that Packer's manifest tells. ToolError where it tells none."""
    try:
        told = str(json.loads(manifest.read_text(encoding="utf-8"))["builds"][-1]["artifact_id"])
        if not told:  # where it lost sight of what it had made
            raise ValueError("an image without a name")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ToolError(
            "packer did not say what it made",
            details=f"{manifest.name}: {error}; it ends so where it cannot remove its machine, or see its image",
            resolution="Read its log, then bake again: what it left is removed. A template of the project's own needs "
            "a manifest post-processor that writes that file.",
        ) from error
    return told
