"""Which Packers can make images of Google Cloud: what lacks, and how it is installed.

Debian's Packer 1.6.6 begins a bake and cannot finish it: it is built with a newer library than its source was written
for, so it names the disk of the image without `projects/`, which Compute Engine calls malformed
(https://github.com/hashicorp/packer/issues/11511).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from phoenix.clouds.gcp.bake import way_in
from phoenix.errors import RefusedError
from phoenix.manner import Finding, State
from phoenix.spec.clouds import GcpCloud, GcpReach
from phoenix.tools import packer, packer_plugins
from phoenix.tools.packer_plugins import Version, written

FINISHES = packer_plugins.COMPUTE_ENGINE
"""The first Packer whose bake Compute Engine can finish."""
KNOWS_MORE = (1, 2, 1)
"""The first plugin `googlecompute` with `max_run_duration_in_seconds`, and all else that 1.6.6 does not know."""
ANYWAY = "PHOENIX_PACKER_GCP_ANYWAY"
"""A variable for tests: an emulator may take what Compute Engine does not."""
PLUGIN = packer_plugins.BUILDERS["gcp"]
_PACKER = (
    "curl -fsSL https://apt.releases.hashicorp.com/gpg | gpg --dearmor -o /usr/share/keyrings/hashicorp.gpg && "
    'echo "deb [signed-by=/usr/share/keyrings/hashicorp.gpg] https://apt.releases.hashicorp.com bookworm main" '
    "> /etc/apt/sources.list.d/hashicorp.list && apt-get update && apt-get install packer"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lack:
    """Something without which no image is made: what of it is there, and the line that mends it."""

    subject: str
    found: str
    remedy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Packer:
    """The Packer on PATH, and the plugins that it finds."""

    version: Version
    plugins: Mapping[str, Version]

    @property
    def knows_more(self) -> bool:
        """Whether it takes keys that Packer 1.6.6 refuses."""
        return self.plugins.get(PLUGIN, (0, 0, 0)) >= KNOWS_MORE

    def __str__(self) -> str:
        wanted = (PLUGIN, packer_plugins.ANSIBLE)
        plugins = (f"{name} {written(self.plugins[name])}" for name in wanted if name in self.plugins)
        return ", ".join([written(self.version), *plugins])


@cache
def found() -> Packer | None:
    """The one on PATH; None where there is none. Runs it, once in a process."""
    try:
        version = packer.version()
    except RefusedError:
        return None
    return Packer(version=version, plugins=packer_plugins.installed(version))


def lacks(here: Packer | None, cloud: GcpCloud, *, gcloud: bool) -> Iterator[Lack]:
    """What an image of the cloud needs and is not there. `gcloud`: whether that program is."""
    if here is None:
        yield Lack(subject="packer", found="missing", remedy=_PACKER)
        return
    if here.version < FINISHES:
        told = f"{here} begins a bake and cannot finish it: Compute Engine refuses how it names the disk"
        yield Lack(subject="packer", found=told, remedy=_PACKER)
        return
    missing = packer_plugins.missing(here.version, here.plugins, PLUGIN)
    if missing:
        told = f"{here} without the plugins {' and '.join(missing)}"
        yield Lack(subject="packer", found=told, remedy=packer_plugins.install(missing))
    elif not here.knows_more and (keys := _newer_keys(cloud)):
        told = f"{here}: {' and '.join(keys)} needs the plugin googlecompute {written(KNOWS_MORE)}"
        yield Lack(subject="packer", found=told, remedy=packer_plugins.install([PLUGIN]))
    if cloud.builder.reach is GcpReach.IAP and not gcloud:
        told = "missing: builder.iap is true, and it makes the tunnel"
        yield Lack(subject="gcloud", found=told, remedy=way_in.INSTALL_GCLOUD)


def findings(cloud: GcpCloud) -> tuple[Finding, ...]:
    """What `phoenix doctor` says of it. Runs Packer, and asks nothing of the cloud."""
    here = found()
    lacking = tuple(_lacks_here(cloud))
    if lacking:
        return tuple(
            Finding(state=State.LACK, subject=f"{cloud.name}: {each.subject}", found=each.found, remedy=each.remedy)
            for each in lacking
        )
    return (Finding(state=State.FINE, subject=f"{cloud.name}: packer", found=str(here)),)


def refuse_unfit(cloud: GcpCloud) -> None:
    """RefusedError where a bake of the cloud would fail for want of a program, before anything is begun."""
    lacking = next(_lacks_here(cloud), None)
    if lacking is not None:
        raise RefusedError(
            f"no image of '{cloud.name}' can be made with what is installed here",
            details=f"{lacking.subject}: {lacking.found}",
            resolution=f"Install it, then see `phoenix doctor --cloud {cloud.name}`: {lacking.remedy}",
        )


def _newer_keys(cloud: GcpCloud) -> list[str]:
    """What phoenix.yaml asks for that older plugins cannot do."""
    return [
        name
        for name, wanted in (("images.features", cloud.images.features), ("builder.kms", cloud.builder.kms))
        if wanted
    ]


def _lacks_here(cloud: GcpCloud) -> Iterator[Lack]:
    here = found()
    if here is not None and os.environ.get(ANYWAY):
        return
    yield from lacks(here, cloud, gcloud=shutil.which("gcloud") is not None)
