"""Which of Google's APIs a project needs for what phoenix.yaml says, and whether they are enabled there.

https://cloud.google.com/service-usage/docs/reference/rest/v1/services/batchGet
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode

from phoenix.clouds.gcp.account.places import Served
from phoenix.clouds.gcp.calls import Answer
from phoenix.manner import Finding, State
from phoenix.spec.clouds import GcpCloud, GcpReach
from phoenix.spec.project import Project

COMPUTE = "compute.googleapis.com"
SECRETS = "gcp-sm://"
DISABLED = frozenset({"accessNotConfigured", "serviceDisabled"})
"""What Google says of a call to an API that is not enabled."""
_USAGE = "https://serviceusage.googleapis.com/v1/projects"


class Web(Protocol):
    """What answers one call of an API other than Compute: `Calls`, or a test."""

    def web(self, verb: str, url: str, /, *, body: Answer | None = None) -> Answer:
        """What Google says, or a CloudError."""
        ...


def needed(project: Project, spec: GcpCloud, places: Iterable[Served]) -> tuple[str, ...]:
    """Those that bakes, and the environments on the cloud, call, sorted."""
    wanted = {
        COMPUTE: True,
        "iap.googleapis.com": spec.builder.reach is GcpReach.IAP,
        "iamcredentials.googleapis.com": spec.impersonate is not None,
        "cloudkms.googleapis.com": bool(spec.images.kms or spec.builder.kms),
        "secretmanager.googleapis.com": any(each.secrets(SECRETS) for each in places),
        "storage.googleapis.com": project.state.startswith("gs://"),
    }
    return tuple(sorted(name for name, is_needed in wanted.items() if is_needed))


def findings(project: Project, spec: GcpCloud, calls: Web, places: Iterable[Served]) -> Iterator[Finding]:
    """One for all of them, with the line that enables what lacks."""
    wanted = needed(project, spec, places)
    names = [("names", f"projects/{spec.project}/services/{name}") for name in wanted]
    answer = calls.web("GET", f"{_USAGE}/{spec.project}/services:batchGet?{urlencode(names)}")
    enabled = {_name(each) for each in answer.get("services", ()) if each.get("state") == "ENABLED"}
    missing = [name for name in wanted if name not in enabled]
    yield Finding(
        state=State.LACK if missing else State.FINE,
        subject="APIs",
        found=f"not enabled: {', '.join(missing)}" if missing else f"enabled: {', '.join(wanted)}",
        remedy=enable(spec, *missing) if missing else "",
    )


def enable(spec: GcpCloud, *names: str) -> str:
    """The line that enables them."""
    return f"gcloud services enable {' '.join(names)} --project {spec.project}"


def _name(said: Mapping[str, Any]) -> str:
    return str(said.get("name", "")).rpartition("/")[2]
