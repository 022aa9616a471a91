"""One run of Packer on AWS: what it is given, and what it says it made.

It works with the rights of `Calls`, by variables of its own process alone. Whether an image is there, AWS is asked
(`images`): neither the exit code nor what Packer prints decides that.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phoenix.clouds.api import BakeRequest, Between, Say
from phoenix.clouds.aws import labels
from phoenix.clouds.aws.bake import image_reading, way_in
from phoenix.clouds.aws.bake.image_reading import GIB
from phoenix.errors import PhoenixError, RefusedError, ToolError
from phoenix.manner import Finding, State
from phoenix.spec.clouds import AwsReach
from phoenix.tools import packer, packer_plugins
from phoenix.tools.process import Command

if TYPE_CHECKING:
    from phoenix.clouds.aws.bake.image_reading import Ami
    from phoenix.clouds.aws.bake.way_in import WayIn
    from phoenix.clouds.aws.calls import Calls
    from phoenix.spec.clouds import AwsCloud

TIMEOUT = 3500.0
"""Seconds for the whole build."""
MANIFEST = "manifest.json"
_BUILDER = packer_plugins.BUILDERS["aws"]
_PLUGIN = "session-manager-plugin"
_INSTALL_PLUGIN = (
    "Install it as AWS says (https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "session-manager-working-with-install-plugin.html)"
)
_ENDPOINTS = ("AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL")
_NOT_ITS = (
    "AWS_MAX_ATTEMPTS",  # boto3's number of attempts is to Packer how often it looks for something it waits for
    "AWS_POLL_DELAY_SECONDS",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
)
"""Variables of this process that would mean something else to Packer, or other rights than those it is given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackerRun:
    """The build of one image on `below`, with `tags` on all that is made."""

    calls: Calls
    cloud: AwsCloud
    below: Ami
    request: BakeRequest
    tags: Mapping[str, str]
    log: Path
    say: Say
    between: Between

    def ami(self) -> str:
        """Let Packer make the AMI; its id. ToolError where a tool failed. What was begun is left to `remains`."""
        rights = self.calls.environment()
        secrets = tuple(rights[name] for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN") if name in rights)
        known = self._known()
        with tempfile.TemporaryDirectory(prefix="phoenix-") as directory:
            way = way_in.make(self.calls, self.cloud, self.tags, Path(directory), self.log)
            values = Path(directory) / "builder.pkrvars.hcl"
            packer.write_values(values, {**known, **_opening(way)})
            packer.build(
                self.request.workspace,
                values,
                log=self.log,
                say=self.say,
                timeout=TIMEOUT,
                between=self.between,
                secrets=secrets,
                vault=self.request.vault,
                around=lambda command, _sockets: with_rights(command, rights),
            )
        return made(self.request.workspace / MANIFEST)

    def _known(self) -> dict[str, Any]:
        """The Packer variables that only the builder knows (see the template), before anything is made."""
        own = (labels.BAKER, labels.SINCE)
        return {
            "source_ami": self.below.id,
            "root_device": self.below.root_device,
            "disk_size": disk(self.cloud, self.below),
            "endpoint": next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), ""),
            "bake_facts": {key: self.tags[key] for key in own},
            "facts": image_reading.facts(self.request, len(self.cloud.tags)),
        }


def _opening(way: WayIn) -> dict[str, Any]:
    """The Packer variables of the way in."""
    return {
        "security_group_ids": list(way.groups),
        "ssh_private_key_file": str(way.key),
        "user_data": way.user_data,
    }


def refuse_without_tools(cloud: AwsCloud) -> None:
    """RefusedError where a program or plugin that Packer needs is missing, before anything is begun."""
    packer_plugins.refuse_without(_BUILDER)
    if _lacks_session_manager(cloud):
        raise RefusedError(
            f"the program '{_PLUGIN}' is missing",
            details=f"builder.reach of '{cloud.name}' is ssm, and Packer reaches machines by it",
            resolution=f"{_INSTALL_PLUGIN}, or name another reach.",
        )


def findings(cloud: AwsCloud) -> tuple[Finding, ...]:
    """What `phoenix doctor` says of the tools of a bake there. Runs Packer, and asks nothing of the cloud."""
    subject, remedy = f"{cloud.name}: packer", ""
    try:
        version = packer.version()
        there = packer_plugins.installed(version)
    except PhoenixError as error:
        return (Finding(state=State.LACK, subject=subject, found=error.brief, remedy=error.resolution),)
    lacking, found = packer_plugins.missing(version, there, _BUILDER), packer_plugins.told(version, there)
    if lacking:
        found, remedy = f"{found}, without {' and '.join(lacking)}", packer_plugins.install(lacking)
    tools = (Finding(state=State.LACK if lacking else State.FINE, subject=subject, found=found, remedy=remedy),)
    if not _lacks_session_manager(cloud):
        return tools
    told = "missing: builder.reach is ssm"
    return (*tools, Finding(state=State.LACK, subject=f"{cloud.name}: {_PLUGIN}", found=told, remedy=_INSTALL_PLUGIN))


def _lacks_session_manager(cloud: AwsCloud) -> bool:
    return cloud.builder.reach is AwsReach.SSM and shutil.which(_PLUGIN) is None


def disk(cloud: AwsCloud, below: Ami) -> int:
    """GiB of the builder machine's disk. RefusedError where it would be smaller than the image below."""
    wanted = -(-(cloud.builder.disk or 0) // GIB)
    if 0 < wanted < below.size:
        raise RefusedError(
            f"the builder's disk on '{cloud.name}' is smaller than the image below",
            details=f"builder.disk is {wanted} GiB, and {below.id} has {below.size} GiB",
            resolution="Give builder.disk in phoenix.yaml that much, or leave it out.",
        )
    return wanted or below.size


def with_rights(command: Command, rights: Mapping[str, str]) -> Command:
    """The command as a process with these rights and no others of this process.

    Ctrl-C is what Packer cleans up after: SIGTERM would end its plugins, and it would wait for them.
    """
    without = [word for name in _NOT_ITS if name not in rights for word in ("-u", name)]
    argv = ("env", *without, *command.argv)
    own = {**command.environment, **rights}
    # Packer is two processes and its plugins: of a killed phoenix only the first would end, were they not contained
    contained = os.geteuid() == 0
    return replace(command, argv=argv, environment=own, ends_on=signal.SIGINT, contained=contained)


def made(manifest: Path) -> str:
    """The id of the AMI that Packer's manifest tells (`REGION:AMI`). ToolError where it tells none."""
    try:
        builds = json.loads(manifest.read_text(encoding="utf-8"))["builds"]
        return str(builds[-1]["artifact_id"]).rpartition(":")[2]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ToolError(
            "packer did not say what it made",
            details=f"{manifest.name}: {error}",
            resolution="Mend the project's own template: its manifest post-processor writes that file.",
        ) from error
