"""Every call that stands in the sources is one that Google's discovery document has, and one that a role allows; and no
role allows what nothing calls. What bodies refer to is seen in the calls themselves, by each test with an emulator.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from phoenix.clouds.gcp.account import policy
from phoenix.clouds.gcp.account.policy import BEYOND, Work
from tests.emulators.gcp.api.document import Document
from tests.emulators.gcp.api.rights import permissions
from tests.support.real.gcp_rights import allowed

ROOM = Path(policy.__file__).parents[1]
VERBS = {"ask": "get", "find": "get", "pages": "list", "change": "", "begin": ""}
"""Of `Calls`, each with the method that is meant where none is named."""
OWNERS = ("calls", "self._calls", "self.calls", "self")
VARIABLE = {
    "groups": ("instanceGroups", "regionInstanceGroups"),
    "managers": ("instanceGroupManagers", "regionInstanceGroupManagers"),
    "autoscalers": ("autoscalers", "regionAutoscalers"),
    "MACHINES": ("instances",),
    "DISKS": ("disks",),
    "kind": ("instances", "disks"),
    "thing.kind": ("instances", "disks", "images"),
}
"""What the sources call a collection that is one of several."""
WHOLE = {
    "backendServices": "get list insert update delete getHealth setSecurityPolicy setEdgeSecurityPolicy",
    "regionBackendServices": "get list insert update delete getHealth setSecurityPolicy",
    "urlMaps": "get list update",
    "regionUrlMaps": "get list update",
    "healthChecks": "get insert delete",
    "regionHealthChecks": "get insert delete",
    "globalForwardingRules": "list",
    "forwardingRules": "list",
    "targetHttpProxies": "list",
    "targetHttpsProxies": "list",
    "regionTargetHttpProxies": "list",
    "regionTargetHttpsProxies": "list",
}
"""What `balancer/whole.py` reads and writes by links."""
PACKER = (
    "compute.projects.get",
    "compute.images.get",
    "compute.images.getFromFamily",
    "compute.zones.get",
    "compute.machineTypes.get",
    "compute.instances.insert",
    "compute.instances.get",
    "compute.instances.delete",
    "compute.images.insert",
    "compute.images.deprecate",
    "compute.disks.delete",
    "compute.zoneOperations.get",
    "compute.globalOperations.get",
)
"""What Packer's googlecompute builder calls, 1.6.6 and the plugin of today."""
REFERRED = frozenset(
    {
        "compute.backendServices.use",
        "compute.disks.create",
        "compute.disks.use",
        "compute.healthChecks.useReadOnly",
        "compute.images.useReadOnly",
        "compute.instanceGroupManagers.use",
        "compute.instanceGroups.use",
        "compute.instanceTemplates.useReadOnly",
        "compute.instances.create",
        "compute.instances.setLabels",
        "compute.instances.setMetadata",
        "compute.instances.setServiceAccount",
        "compute.instances.setTags",
        "compute.networks.use",
        "compute.regionBackendServices.use",
        "compute.regionHealthChecks.useReadOnly",
        "compute.securityPolicies.use",
        "compute.subnetworks.use",
        "compute.subnetworks.useExternalIp",
        "iam.serviceAccounts.actAs",
    }
)
"""What it takes to name these in the body of another call."""
DOCUMENT = Document.read()


def called(file: Path) -> Iterator[tuple[str, ast.Call]]:
    """The calls of Compute Engine that a file makes, each with the verb of `Calls`."""
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in VERBS and ast.unparse(node.func.value) in OWNERS:
            yield node.func.attr, node


def methods(verb: str, node: ast.Call) -> Iterator[str]:
    """The methods that one of them means. KeyError for a collection that nobody knows."""
    first, *others = node.args
    name = ast.unparse(first)
    name = name if name in VARIABLE else name.rpartition(".")[2]
    collections = (str(first.value),) if isinstance(first, ast.Constant) else VARIABLE[name]
    method = str(others[0].value) if others and isinstance(others[0], ast.Constant) else VERBS[verb]
    yield from (f"compute.{collection}.{method}" for collection in collections)


def in_sources() -> frozenset[str]:
    files = [file for file in sorted(ROOM.rglob("*.py")) if file.name != "calls.py"]
    found = {method for file in files for verb, node in called(file) for method in methods(verb, node)}
    waits = {f"compute.{kind}Operations.wait" for kind in ("global", "region", "zone")}
    return frozenset(found | waits)


def needs(names: frozenset[str]) -> frozenset[str]:
    return frozenset(right for name in names for right in permissions(DOCUMENT.methods[name], {}, "p"))


BY_LINK = frozenset(f"compute.{kind}.{verb}" for kind, verbs in WHOLE.items() for verb in verbs.split())


def test_every_call_is_one_that_google_has() -> None:
    named = in_sources()
    assert len(named) > 40
    assert sorted((named | BY_LINK | frozenset(PACKER)) - DOCUMENT.methods.keys()) == []


def test_what_the_sources_ask_for_is_allowed() -> None:
    assert sorted(needs(in_sources() | BY_LINK) - allowed()) == []
    assert sorted(needs(frozenset(PACKER)) - policy.rights(Work.BAKE).permissions) == []


def test_nothing_is_allowed_that_nobody_calls() -> None:
    needed = needs(in_sources() | BY_LINK | frozenset(PACKER)) | REFERRED
    assert sorted(allowed() - needed - BEYOND.keys()) == []


def test_who_rolls_may_do_what_groups_and_traffic_call() -> None:
    rooms = ("groups.py", "traffic.py", "machines", "balancer")
    files = [file for room in rooms for file in ([ROOM / room] if room.endswith(".py") else (ROOM / room).glob("*.py"))]
    named = {method for file in files for verb, node in called(file) for method in methods(verb, node)}
    assert len(named) > 20
    assert sorted(needs(frozenset(named) | BY_LINK) - policy.rights(Work.ROLL).permissions) == []


def test_who_bakes_may_do_what_bakes_call() -> None:
    files = [ROOM / "images.py", *(ROOM / "bake").glob("*.py")]
    named = {method for file in files for verb, node in called(file) for method in methods(verb, node)}
    assert len(named) > 8
    assert sorted(needs(frozenset(named)) - policy.rights(Work.BAKE).permissions) == []
