"""Which permissions of IAM a call needs, and who has them.

Google's reference names them for each method, and discovery does not. They follow rules, which stand here: the method's
own (`insert` is `create`, `patch` is `update`), those for what its body names (`use`, `useReadOnly`), and the few
that differ. https://cloud.google.com/compute/docs/reference/rest/v1/instances/insert (IAM Permissions), and
https://cloud.google.com/iam/docs/permissions-reference
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from tests.emulators.gcp.api.document import Method
from tests.emulators.gcp.api.errors import Json
from tests.emulators.gcp.api.references import named_in, noun_of

VERBS = {
    "insert": "create",
    "bulkInsert": "create",
    "aggregatedList": "list",
    "patch": "update",
    "getFromFamily": "getFromFamily",
    "wait": "get",
}
"""How IAM calls a verb, where it has another word."""
NOUNS = {
    "regionInstanceGroupManagers": "instanceGroupManagers",
    "regionInstanceGroups": "instanceGroups",
    "regionInstanceTemplates": "instanceTemplates",
    "regionAutoscalers": "autoscalers",
}
"""Most regional kinds have permissions of their own; these do not."""
REFERRED = {
    "backendBuckets": "use",
    "backendServices": "use",
    "disks": "use",
    "healthChecks": "useReadOnly",
    "images": "useReadOnly",
    "instanceGroups": "use",
    "instanceGroupManagers": "use",
    "instanceTemplates": "useReadOnly",
    "networks": "updatePolicy",
    "securityPolicies": "use",
    "subnetworks": "use",
    "targetHttpProxies": "use",
    "targetHttpsProxies": "use",
    "urlMaps": "use",
}
"""What it takes to name a thing of a kind in another."""
REGIONAL = {
    "backendServices": "regionBackendServices",
    "healthChecks": "regionHealthChecks",
    "targetHttpProxies": "regionTargetHttpProxies",
    "targetHttpsProxies": "regionTargetHttpsProxies",
    "urlMaps": "regionUrlMaps",
}
"""The kinds whose things in a region have permissions of their own."""
GROUPS = {
    "abandonInstances": ("update",),
    "applyUpdatesToInstances": ("update",),
    "createInstances": ("update",),
    "deleteInstances": ("update",),
    "recreateInstances": ("update",),
    "resize": ("update",),
    "setInstanceTemplate": ("update",),
    "patch": ("update",),
    "listErrors": ("get",),
    "listManagedInstances": ("get",),
    "listPerInstanceConfigs": ("get",),
}
"""Of managed groups. https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroupManagers/resize"""
OTHERS = {
    "compute.backendServices.getHealth": ("compute.backendServices.get",),
    "compute.regionBackendServices.getHealth": ("compute.regionBackendServices.get",),
    "compute.instanceGroups.listInstances": ("compute.instanceGroups.list",),
    "compute.regionInstanceGroups.listInstances": ("compute.instanceGroups.list",),
    "compute.instanceGroups.setNamedPorts": ("compute.instanceGroups.update",),
    "compute.regionInstanceGroups.setNamedPorts": ("compute.instanceGroups.update",),
    "compute.projects.get": ("compute.projects.get",),
    "compute.images.deprecate": ("compute.images.deprecate",),
    "compute.backendServices.setEdgeSecurityPolicy": ("compute.backendServices.setSecurityPolicy",),
}


def permissions(method: Method, body: Json, project: str) -> tuple[str, ...]:
    """What a call needs, sorted."""
    if method.verb == "testIamPermissions":
        return ()
    return tuple(sorted({*_own(method), *_referred(method, body, project), *_launching(method, body)}))


def _own(method: Method) -> Iterable[str]:
    if method.id in OTHERS:
        return OTHERS[method.id]
    _service, resource, verb = method.id.split(".")
    noun = NOUNS.get(resource, resource)
    verbs = GROUPS.get(verb, ()) if noun == "instanceGroupManagers" else ()
    return [f"compute.{noun}.{word}" for word in verbs or (VERBS.get(verb, verb),)]


def _referred(method: Method, body: Json, project: str) -> Iterator[str]:
    if method.verb in ("getHealth", "testIamPermissions"):
        return
    for _at, key in named_in(body, project):
        noun = noun_of(key)
        if "/images/family/" in key:
            yield "compute.images.useReadOnly"
        elif noun == "networks" and method.noun != "firewalls":
            yield "compute.networks.use"
        elif noun in REFERRED:
            kind = REGIONAL.get(noun, noun) if "/regions/" in key else noun
            yield f"compute.{kind}.{REFERRED[noun]}"


def _launching(method: Method, body: Json) -> Iterator[str]:
    """What an instance takes, in its own call, or in the template or the group that will make it."""
    if method.noun == "instances" and method.verb == "insert":
        yield from _instance(body)
    elif method.noun == "instanceTemplates" and method.verb == "insert":
        properties = body.get("properties") or {}
        yield from (right for right in _instance(properties) if right.startswith(("compute.subnet", "iam.")))
    elif method.noun == "instanceGroupManagers" and method.verb == "insert":
        yield from ("compute.instances.create", "compute.disks.create", "compute.instances.setMetadata")


def _instance(properties: Json) -> Iterator[str]:
    if properties.get("labels"):
        yield "compute.instances.setLabels"
    if (properties.get("metadata") or {}).get("items"):
        yield "compute.instances.setMetadata"
    if (properties.get("tags") or {}).get("items"):
        yield "compute.instances.setTags"
    if properties.get("serviceAccounts"):
        yield "compute.instances.setServiceAccount"
        yield "iam.serviceAccounts.actAs"
    if any(disk.get("initializeParams") for disk in properties.get("disks", []) if disk):
        yield "compute.disks.create"
    for nic in properties.get("networkInterfaces", []):
        yield "compute.subnetworks.use"
        if nic.get("accessConfigs"):
            yield "compute.subnetworks.useExternalIp"


def denied(permission: str, patterns: Iterable[str]) -> bool:
    """Whether a test has taken it away."""
    return any(fnmatchcase(permission, pattern) for pattern in patterns)


def granted(asked: Mapping[str, object], patterns: Iterable[str]) -> Json:
    """The answer of every testIamPermissions. https://cloud.google.com/iam/docs/testing-permissions"""
    wanted = asked.get("permissions")
    have = [one for one in wanted if not denied(one, patterns)] if isinstance(wanted, list) else []
    return {"permissions": have} if have else {}
