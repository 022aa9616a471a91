"""How one thing names another: whole and partial URLs, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

SERVICE = "https://www.googleapis.com/compute/v1/"
"""How every self link begins. https://cloud.google.com/compute/docs/reference/rest/v1/instances#resource:-instance"""
REFERENCE = re.compile(
    r"(?:https://(?:www|compute)\.googleapis\.com/compute/(?:v1|beta)/|/?compute/v1/|/)?"
    r"(projects/[^/]+/)?((?:global|zones/[^/]+|regions/[^/]+)/[a-zA-Z]+/.+)"
)
PLACE = re.compile(
    r"(?:https://(?:www|compute)\.googleapis\.com/compute/(?:v1|beta)/|/?compute/v1/|/)?"
    r"(projects/[^/]+/)?((?:zones|regions)/[^/]+)"
)
EXISTING = frozenset(
    [
        "backendBuckets",
        "backendServices",
        "disks",
        "diskTypes",
        "healthChecks",
        "images",
        "instanceGroupManagers",
        "instanceGroups",
        "instances",
        "instanceTemplates",
        "machineTypes",
        "networkEndpointGroups",
        "networks",
        "securityPolicies",
        "subnetworks",
        "targetHttpProxies",
        "targetHttpsProxies",
        "urlMaps",
    ]
)
"""What is named must be there."""
NO_REFERENCES = frozenset(("selfLink", "id", "kind", "description", "value", "licenses", "labels"))
"""Fields that look like one, at most."""


def link(key: str) -> str:
    """The self link of a thing."""
    return f"{SERVICE}{key}"


def key_of(reference: object, project: str) -> str | None:
    """The thing that a whole or partial URL means, as a path from `projects` on; None for what is no URL of one.

    https://cloud.google.com/compute/docs/regions-zones/global-regional-zonal-resources
    """
    found = REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    return f"{found[1] or f'projects/{project}/'}{found[2]}" if found else None


def place_of(reference: object, project: str) -> str | None:
    """The same of a zone or a region."""
    found = PLACE.fullmatch(reference) if isinstance(reference, str) else None
    return f"{found[1] or f'projects/{project}/'}{found[2]}" if found else None


def key_in(reference: str) -> str:
    """The thing that a self link of this emulator means."""
    return reference.removeprefix(SERVICE)


def is_whole(reference: object) -> bool:
    """Whether it is a whole URL, from `https` on."""
    return isinstance(reference, str) and reference.startswith("https://") and bool(REFERENCE.fullmatch(reference))


def noun_of(key: str) -> str:
    """`instances`."""
    return key.split("/")[-2]


def name_of(key: str) -> str:
    """The last word of a key or a URL."""
    return key.rpartition("/")[2]


def project_of(key: str) -> str:
    """The project it is in."""
    return key.split("/")[1]


def scope_of(key: str) -> str:
    """`projects/p/global` (also of the project itself), `projects/p/zones/z` or `projects/p/regions/r`."""
    words = key.split("/")
    if len(words) < 4 or words[2] == "global":
        return f"projects/{words[1]}/global"
    return "/".join(words[:4])


def place_fields(key: str) -> dict[str, str]:
    """The zone or the region of a thing, as the field that says it."""
    scope = scope_of(key)
    kind = scope.split("/")[2]
    return {kind[:-1]: link(scope)} if kind in ("zones", "regions") else {}


def region_of(scope: str) -> str:
    """`europe-west1`, of anything in a region or in one of its zones."""
    _projects, _project, kind, place = scope.split("/")[:4]
    return place.rpartition("-")[0] if kind == "zones" else place


def named_in(value: Any, project: str, at: str = "resource") -> Iterator[tuple[str, str]]:
    """All things that a body names: where, and the key."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name not in NO_REFERENCES:
                yield from named_in(part, project, f"{at}.{name}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from named_in(part, project, f"{at}[{index}]")
    elif (key := key_of(value, project)) is not None:
        yield at, key


def whole(value: Any, project: str, name: str = "") -> Any:
    """The same body with whole URLs, as the API answers them."""
    if isinstance(value, dict):
        return {field: whole(part, project, field) for field, part in value.items()}
    if isinstance(value, list):
        return [whole(part, project, name) for part in value]
    key = None if name in NO_REFERENCES else key_of(value, project)
    return link(key) if key and key.split("/")[-2] in EXISTING else value
