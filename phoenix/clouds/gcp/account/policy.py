"""The rights that phoenix needs in a project: custom roles to bake, to roll, to tend, and two that are given elsewhere.

A role knows no labels: who has one may do that to everything in the project, so the limit that Google Cloud has is a
project of its own for each team. Names are those of
https://cloud.google.com/iam/docs/permissions-reference. A test compares what the test-suite has called with what stands
here; what no call shows has its reason beside it (`BEYOND`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Work(StrEnum):
    """What somebody may be allowed to do."""

    BAKE = "bake"
    ROLL = "roll"
    TEND = "tend"
    ACT_AS = "act-as"
    """Beside baking and rolling: to give machines a service account; granted on each such account."""
    NETWORK = "network"
    """Beside these, where the network is another project's (Shared VPC); granted there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rights:
    """The permissions of one kind of work, as IAM names them."""

    reads: tuple[str, ...]
    makes: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def permissions(self) -> frozenset[str]:
        """All of them."""
        return frozenset((*self.reads, *self.makes, *self.changes))


def _of(kind: str, verbs: str) -> tuple[str, ...]:
    """`compute.KIND.VERB` for each of the verbs."""
    return tuple(f"compute.{kind}.{verb}" for verb in verbs.split())


_READS_OF_ALL = (
    *_of("globalOperations", "get"),
    *_of("machineTypes", "get"),
    *_of("networks", "get getEffectiveFirewalls"),
    *_of("projects", "get"),
    *_of("regionOperations", "get"),
    *_of("regions", "get"),
    *_of("subnetworks", "get list"),
    *_of("zoneOperations", "get"),
    "serviceusage.services.get",
)
_READS_OF_IMAGES = (
    *_of("disks", "get list"),
    *_of("images", "get getFromFamily list"),
    *_of("zones", "get"),
    *_of("instances", "get getSerialPortOutput list"),
    *_of("zoneOperations", "list"),
)
_READS_OF_GROUPS = (
    *_of("autoscalers", "get"),
    *_of("backendServices", "get list"),
    *_of("forwardingRules", "list"),
    *_of("globalForwardingRules", "list"),
    *_of("healthChecks", "get list"),
    *_of("images", "get list"),
    *_of("instanceGroupManagers", "get list"),
    *_of("instances", "get getSerialPortOutput list"),
    *_of("instanceTemplates", "get list"),
    *_of("regionBackendServices", "get list"),
    *_of("regionHealthChecks", "get"),
    *_of("regionTargetHttpProxies", "list"),
    *_of("regionTargetHttpsProxies", "list"),
    *_of("regionUrlMaps", "get list"),
    *_of("targetHttpProxies", "list"),
    *_of("targetHttpsProxies", "list"),
    *_of("urlMaps", "get list"),
)
_STARTS_MACHINES = (
    *_of("disks", "create"),
    *_of("images", "useReadOnly"),
    *_of("instances", "create setLabels setMetadata setServiceAccount setTags"),
    *_of("networks", "use"),
    *_of("subnetworks", "use useExternalIp"),
)
_REMOVES_BUILDERS = (
    *_of("disks", "delete setLabels"),
    *_of("images", "delete"),
    *_of("instances", "delete"),
)
_CHANGES_OF_GROUPS = (
    *_of("autoscalers", "delete update"),
    *_of("backendServices", "delete setSecurityPolicy update use"),
    *_of("healthChecks", "delete update useReadOnly"),
    *_of("instanceGroupManagers", "delete update use"),
    *_of("instanceGroups", "delete update use"),
    *_of("instances", "delete"),
    *_of("instanceTemplates", "delete useReadOnly"),
    *_of("regionBackendServices", "delete setSecurityPolicy update use"),
    *_of("regionHealthChecks", "delete useReadOnly"),
    *_of("regionUrlMaps", "update"),
    *_of("securityPolicies", "use"),
    *_of("urlMaps", "update"),
)
_RIGHTS = {
    Work.BAKE: Rights(
        reads=(*_READS_OF_ALL, *_READS_OF_IMAGES),
        makes=(*_STARTS_MACHINES, *_of("images", "create"), "iap.tunnelInstances.accessViaIAP"),
        changes=(*_REMOVES_BUILDERS, *_of("images", "deprecate setLabels update"), *_of("disks", "use useReadOnly")),
    ),
    Work.ROLL: Rights(
        reads=(*_READS_OF_ALL, *_READS_OF_GROUPS),
        makes=(
            *_STARTS_MACHINES,
            *_of("autoscalers", "create"),
            *_of("backendServices", "create"),
            *_of("healthChecks", "create"),
            *_of("instanceGroupManagers", "create"),
            *_of("instanceGroups", "create"),
            *_of("instanceTemplates", "create"),
            *_of("regionBackendServices", "create"),
            *_of("regionHealthChecks", "create"),
        ),
        changes=_CHANGES_OF_GROUPS,
    ),
    Work.TEND: Rights(
        reads=tuple(sorted({*_READS_OF_ALL, *_READS_OF_IMAGES, *_READS_OF_GROUPS})),
        changes=(*_REMOVES_BUILDERS, *_CHANGES_OF_GROUPS),
    ),
    Work.ACT_AS: Rights(reads=(), changes=("iam.serviceAccounts.actAs",)),
    Work.NETWORK: Rights(
        reads=(*_of("networks", "get getEffectiveFirewalls"), *_of("subnetworks", "get list")),
        makes=(*_of("networks", "use"), *_of("subnetworks", "use useExternalIp")),
    ),
}
_TITLES = {
    Work.BAKE: "phoenix: make images. Granted on the project.",
    Work.ROLL: "phoenix: replace groups behind a load balancer. Granted on the project.",
    Work.TEND: "phoenix: end what is due and take back what was left. Granted on the project.",
    Work.ACT_AS: "phoenix: start machines with a service account. Granted on each such account.",
    Work.NETWORK: "phoenix: start machines in a shared network. Granted on the host project.",
}
BEYOND: Mapping[str, str] = {
    "iap.tunnelInstances.accessViaIAP": "with `builder: {iap: true}` gcloud opens the tunnel, whose calls nobody sees",
    "compute.instanceGroups.create": "a managed group makes its plain group in the name of who makes it",
    "compute.instanceGroups.delete": "a managed group takes its plain group with it, in the name of who deletes it",
    "compute.disks.useReadOnly": "Compute Engine reads the disk that an image is made of in the name of who makes it",
    "serviceusage.services.get": "whether an API is enabled is told by another API than Compute Engine's",
}
"""Rights that no call of phoenix shows, with the reason."""


def rights(work: Work) -> Rights:
    """What this work needs."""
    return _RIGHTS[work]


def policy(work: Work) -> dict[str, Any]:
    """The custom role as `gcloud iam roles create ID --project PROJECT --file FILE` takes it."""
    return {
        "title": f"phoenix {work}",
        "description": _TITLES[work],
        "stage": "GA",
        "includedPermissions": sorted(rights(work).permissions),
    }
