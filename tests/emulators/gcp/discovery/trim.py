"""How `compute.v1.json.gz` was made: `python -m tests.emulators.gcp.discovery.trim WHEEL`, of google-api-python-client.

The whole document is 5 MB, and its wheel 111 MB when it is installed. What phoenix and Packer can meet is kept:
39 kinds of things and all that their methods name. Words are dropped but for the mark of output-only fields.
"""

from __future__ import annotations

import gzip
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KEPT = Path(__file__).with_name("compute.v1.json.gz")
IN_WHEEL = "googleapiclient/discovery_cache/documents/compute.v1.json"
KINDS = [
    "addresses",
    "autoscalers",
    "backendBuckets",
    "backendServices",
    "disks",
    "diskTypes",
    "firewalls",
    "forwardingRules",
    "globalAddresses",
    "globalForwardingRules",
    "globalOperations",
    "healthChecks",
    "images",
    "instanceGroupManagers",
    "instanceGroups",
    "instances",
    "instanceTemplates",
    "machineTypes",
    "networkEndpointGroups",
    "networks",
    "projects",
    "regionAutoscalers",
    "regionBackendServices",
    "regionHealthChecks",
    "regionInstanceGroupManagers",
    "regionInstanceGroups",
    "regionInstanceTemplates",
    "regionOperations",
    "regions",
    "regionTargetHttpProxies",
    "regionTargetHttpsProxies",
    "regionUrlMaps",
    "securityPolicies",
    "subnetworks",
    "targetHttpProxies",
    "targetHttpsProxies",
    "urlMaps",
    "zoneOperations",
    "zones",
]
OUTPUT_ONLY = "[Output Only]"
WORDS = ("enumDescriptions", "enumDeprecated", "scopes")
"""Lists that say nothing about what may be sent; where they are something else, they are the name of a field."""


def trimmed(document: dict[str, Any]) -> dict[str, Any]:
    """What is kept of the whole document."""
    resources = {name: document["resources"][name] for name in KINDS}
    schemas = {name: document["schemas"][name] for name in sorted(_reached(resources, document["schemas"]))}
    kept: dict[str, Any] = _without_words({**document, "resources": resources, "schemas": schemas})
    return kept


def _reached(resources: dict[str, Any], schemas: dict[str, Any]) -> set[str]:
    seen: set[str] = set()
    waiting = list(_named(resources))
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += _named(schemas[name])
    return seen


def _named(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from _named(value)
    elif isinstance(part, list):
        for value in part:
            yield from _named(value)


def _without_words(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_words(value) for value in part]
    if not isinstance(part, dict):
        return part
    kept = {}
    for name, value in part.items():
        if name == "description" and isinstance(value, str):
            if value.startswith(OUTPUT_ONLY):
                kept[name] = OUTPUT_ONLY
        elif not (name in WORDS and isinstance(value, list)):
            kept[name] = _without_words(value)
    return kept


def main() -> None:
    """Write it anew from a wheel."""
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        document = trimmed(json.loads(wheel.read(IN_WHEEL)))
    text = json.dumps(document, separators=(",", ":")).encode()
    KEPT.write_bytes(gzip.compress(text, mtime=0))
    sys.stdout.write(f"revision {document['revision']}, {len(document['schemas'])} schemas, {len(text)} bytes\n")


if __name__ == "__main__":
    main()
