"""The discovery document as it is kept: whole in itself, and every kind in it can be made, seen and removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulators.gcp import Emulator
from tests.emulators.gcp.api.document import Document
from tests.emulators.gcp.api.errors import ApiError
from tests.emulators.gcp.api.fields import check, masked, read
from tests.emulators.gcp.api.filters import compiled
from tests.emulators.gcp.api.rights import permissions
from tests.emulators.gcp.bench import Bench, document, names
from tests.emulators.gcp.discovery.trim import KINDS, OUTPUT_ONLY, trimmed


def named(part: Any) -> Iterator[str]:
    """All schemas that a part of the document names."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from named(value)
    elif isinstance(part, list):
        for value in part:
            yield from named(value)


def test_every_schema_that_is_named_is_there() -> None:
    kept: Document = document()
    assert set(named(dict(kept.schemas))) <= set(kept.schemas)
    for method in kept.methods.values():
        assert {method.request, method.response} - {""} <= set(kept.schemas)


def test_every_method_is_found_by_its_path() -> None:
    for method in document().methods.values():
        path = re.sub(r"\{(\w+)\}", lambda name: f"the-{name[1].lower()}", method.template)
        routed = document().routed(method.http, path)
        assert routed is not None, path
        assert routed.method.id == method.id


def test_what_is_trimmed_away() -> None:
    whole: dict[str, Any] = {
        "schemas": {
            "A": {"properties": {"b": {"$ref": "B"}, "scopes": {"description": "kept as a field"}}},
            "B": {
                "properties": {"c": {"description": f"{OUTPUT_ONLY} said by the service.", "enumDescriptions": ["x"]}}
            },
            "C": {},
        },
        "resources": {kind: {"methods": {}} for kind in (*KINDS, "somethingElse")},
    }
    whole["resources"]["images"] = {"methods": {"get": {"scopes": ["far"], "response": {"$ref": "A"}}}}
    kept = trimmed(whole)
    assert set(kept["resources"]) == set(KINDS)
    assert kept["resources"]["images"]["methods"]["get"] == {"response": {"$ref": "A"}}
    assert kept["schemas"] == {
        "A": {"properties": {"b": {"$ref": "B"}, "scopes": {}}},
        "B": {"properties": {"c": {"description": OUTPUT_ONLY}}},
    }


@pytest.mark.parametrize(
    ("collection", "parameter", "body"),
    [
        ("addresses", "address", {}),
        ("globalAddresses", "address", {}),
        ("backendBuckets", "backendBucket", {"bucketName": "assets"}),
        ("disks", "disk", {"sizeGb": "10"}),
        ("firewalls", "firewall", {"network": "global/networks/default"}),
        ("healthChecks", "healthCheck", {"type": "TCP"}),
        ("images", "image", {"rawDisk": {"source": "https://storage.googleapis.com/b/o"}}),
        ("instanceGroups", "instanceGroup", {}),
        ("networkEndpointGroups", "networkEndpointGroup", {"networkEndpointType": "GCE_VM_IP_PORT"}),
        ("networks", "network", {}),
        ("regionHealthChecks", "healthCheck", {"type": "TCP"}),
        ("securityPolicies", "securityPolicy", {}),
        ("subnetworks", "subnetwork", {"network": "global/networks/default", "ipCidrRange": "10.9.0.0/20"}),
        ("urlMaps", "urlMap", {"defaultService": "global/backendServices/fallback"}),
    ],
)
def test_kinds_that_are_nothing_special(gcp: Emulator, collection: str, parameter: str, body: Any) -> None:
    bench = Bench(gcp)
    given: Any = {parameter: "fine"}
    bench.do(f"{collection}.insert", {"name": "fine", **body})
    made = bench.call(f"{collection}.get", **given)
    assert made["name"] == "fine"
    assert names(bench.call(f"{collection}.list", filter="name=fine")["items"]) == ["fine"]
    bench.do(f"{collection}.delete", **given)
    assert "items" not in bench.call(f"{collection}.list", filter="name=fine")


def test_a_mask_is_read_and_checked() -> None:
    mask = read("items(id,labels/a),nextPageToken")
    assert mask == {"items": {"id": {}, "labels": {"a": {}}}, "nextPageToken": {}}
    check(mask, {"$ref": "ImageList"}, document().schemas)
    answer = {"kind": "x", "items": [{"id": "1", "labels": {"a": "b", "c": "d"}, "name": "n"}]}
    assert masked(answer, mask) == {"items": [{"id": "1", "labels": {"a": "b"}}]}
    for wrong in ("items(", "items)", "", "a,,b"):
        with pytest.raises(ApiError, match="Invalid field selection"):
            read(wrong)


def test_filters_that_cannot_be_read() -> None:
    for wrong in ("name", "name=", "(name=a", "name=a)", "name ~ a"):
        with pytest.raises((ValueError, re.error)):
            compiled(wrong)


@pytest.mark.parametrize(
    ("method", "body", "wanted"),
    [
        ("regionInstanceGroupManagers.resize", {}, {"compute.instanceGroupManagers.update"}),
        ("regionInstanceGroupManagers.listErrors", {}, {"compute.instanceGroupManagers.get"}),
        ("regionAutoscalers.patch", {}, {"compute.autoscalers.update"}),
        ("images.getFromFamily", {}, {"compute.images.getFromFamily"}),
        ("regionOperations.wait", {}, {"compute.regionOperations.get"}),
        ("globalForwardingRules.list", {}, {"compute.globalForwardingRules.list"}),
        (
            "firewalls.insert",
            {"network": "global/networks/n"},
            {"compute.firewalls.create", "compute.networks.updatePolicy"},
        ),
        (
            "regionBackendServices.patch",
            {"healthChecks": ["regions/r/healthChecks/h"], "backends": [{"group": "regions/r/instanceGroups/g"}]},
            {
                "compute.regionBackendServices.update",
                "compute.regionHealthChecks.useReadOnly",
                "compute.instanceGroups.use",
            },
        ),
        ("backendServices.getHealth", {"group": "regions/r/instanceGroups/g"}, {"compute.backendServices.get"}),
        ("images.testIamPermissions", {"permissions": ["compute.images.get"]}, set()),
    ],
)
def test_the_permissions_of_calls(method: str, body: Any, wanted: set[str]) -> None:
    """https://cloud.google.com/iam/docs/permissions-reference"""
    assert set(permissions(document().methods[f"compute.{method}"], body, "p")) == wanted
