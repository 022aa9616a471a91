"""The way into a machine of a bake: a key of its own, which the machine's metadata lets in.

Nothing is made in the project for it: the key stands in the metadata of that one machine, whose guest agent gives it to
a user of its own who may become root (https://cloud.google.com/compute/docs/connect/add-ssh-keys#metadata). Whether a
packet gets there is for the project's firewall rules (`builder.firewall`), or for Identity-Aware Proxy.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix.errors import RefusedError
from phoenix.spec.clouds import GcpReach
from phoenix.tools.process import Command, require, run

if TYPE_CHECKING:
    from phoenix.spec.clouds import GcpCloud

USER = "phoenix-builder"
"""Who logs in to a machine of a bake. By this word after the key the role `seal` takes it out of authorized_keys."""
INSTALL_GCLOUD = "install gcloud as https://cloud.google.com/sdk/docs/install says"
_CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
_OF_GCLOUD = "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE"


@dataclass(frozen=True, kw_only=True, slots=True)
class WayIn:
    """`key`: a private key's file. `metadata` lets it in, and ends the machine when no bake can still need it."""

    key: Path
    metadata: Mapping[str, str]


def refuse_unreachable(cloud: GcpCloud) -> None:
    """RefusedError where machines are to be reached through Identity-Aware Proxy, and nothing makes the tunnel."""
    if cloud.builder.reach is GcpReach.IAP and shutil.which("gcloud") is None:
        raise RefusedError(
            f"machines of bakes on '{cloud.name}' cannot be reached",
            details="builder.iap is true, and the program 'gcloud', which makes the tunnel, is missing",
            resolution=f"{INSTALL_GCLOUD[0].upper()}{INSTALL_GCLOUD[1:]}, or reach them in another way.",
        )


def make(cloud: GcpCloud, directory: Path, log: Path) -> WayIn:
    """A way into a machine that is to be started. The key is put into `directory`, which is private."""
    key = directory / "key"
    argv = (require("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", "", "-C", USER, "-f", str(key))
    run(Command(argv=argv), timeout=60, log=log)
    public = key.with_suffix(".pub").read_text(encoding="utf-8").strip()
    return WayIn(key=key, metadata={"ssh-keys": f"{USER}:{public}", "startup-script": _ends_itself(cloud)})


def tunnel(cloud: GcpCloud, machine: str) -> str:
    """The command line by which ssh reaches the machine's port; empty where it reaches it by itself."""
    if cloud.builder.reach is not GcpReach.IAP:
        return ""
    where = (f"--project={cloud.project}", f"--zone={cloud.builder_zone}")
    whose = (f"--impersonate-service-account={cloud.impersonate}",) if cloud.impersonate else ()
    given = tuple(f"{name}={value}" for name, value in gcloud_environment().items())
    words = ("env", *given, "gcloud", "compute", "start-iap-tunnel", machine, "%p", "--listen-on-stdin", *where, *whose)
    return shlex.join(words)


def gcloud_environment() -> dict[str, str]:
    """The variables by which gcloud works with the credentials that the SDK finds: by itself it has its own login."""
    file = os.environ.get(_CREDENTIALS)
    return {_OF_GCLOUD: file} if file else {}


def _ends_itself(cloud: GcpCloud) -> str:
    """What the machine does first. Compute Engine ends it too, where whoever starts it can say so."""
    minutes = max(1, int(cloud.builder.max_run_duration // 60))
    return f"#!/bin/sh\nsystemd-run --quiet --on-active={minutes}m systemctl poweroff || true\n"
