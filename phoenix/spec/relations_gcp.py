"""What must fit between a cloud of kind gcp and the environments on it: regions and zones, names that Google takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from phoenix.model import CloudKind
from phoenix.spec.form.gcp import ACCOUNT, RESOURCE, SCOPE
from phoenix.spec.mistakes import Place
from phoenix.spec.plain import Data, Found, cloud_kind, environments, listing, mapping

_RESOURCE_FORM = "lower-case letters, digits and hyphens, beginning with a letter, at most 63"
_SCOPE_FORM = "urls, such as https://www.googleapis.com/auth/cloud-platform"


def gcp_mistakes(data: Data) -> Found:
    """What does not fit, of the clouds themselves and of every environment on one."""
    for name, cloud in mapping(data, "clouds").items():
        if cloud_kind(data, name) is CloudKind.GCP:
            for below, what in _cloud(cloud):
                yield ("clouds", name, *below), what
    for service, environment, content in environments(data):
        cloud = content.get("cloud")
        if cloud_kind(data, cloud) is CloudKind.GCP:
            for below, what in _environment(content, mapping(data, "clouds", str(cloud)).get("region")):
                yield ("services", service, "environments", environment, *below), what


def _cloud(cloud: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    builder, region = mapping(cloud, "builder"), cloud.get("region")
    if "host_project" in cloud and "subnetwork" not in cloud:
        yield ("host_project",), "a shared network needs its subnetwork, too; accepted: beside `subnetwork: NAME`"
    if isinstance(builder.get("zone"), str):
        yield from (((("builder", "zone")), what) for what in _elsewhere(builder["zone"], region))
    if "scopes" in builder and "identity" not in builder:
        yield ("builder", "scopes"), "a machine without a service account has no scopes; accepted: beside `identity`"


def _environment(environment: Mapping[str, Any], region: Any) -> Iterator[tuple[Place, str]]:
    zones = listing(environment, "zones")
    for index, zone in enumerate(zones):
        yield from ((("zones", index), what) for what in _elsewhere(zone, region))
        if zone in zones[:index]:
            yield ("zones", index), f"{zone!r} stands twice; accepted: each zone once"
    balancer = mapping(environment, "load_balancer")
    if "region" in balancer and isinstance(region, str) and balancer["region"] != region:
        what = f"{balancer['region']!r} is not the region of the cloud; accepted: {region}, or nothing for a global one"
        yield ("load_balancer", "region"), what
    for key in ("url_map", "backend_service", "route"):
        if isinstance(balancer.get(key), str):
            yield from ((("load_balancer", key), what) for what in _no_name(balancer[key]))
    yield from _machine(mapping(environment, "machine"))


def _machine(machine: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    kind, identity = machine.get("type"), machine.get("identity")
    if isinstance(kind, str):
        yield from ((("machine", "type"), what) for what in _no_name(kind))
    for index, tag in enumerate(listing(machine, "firewall")):
        yield from ((("machine", "firewall", index), what) for what in _no_name(tag))
    if isinstance(identity, str) and not ACCOUNT.fullmatch(identity):
        yield ("machine", "identity"), f"{identity!r} is no service account; accepted: its e-mail"
    if "scopes" in machine and identity is None:
        yield ("machine", "scopes"), "a machine without a service account has no scopes; accepted: beside `identity`"
    for index, scope in enumerate(listing(machine, "scopes")):
        if isinstance(scope, str) and not SCOPE.fullmatch(scope):
            yield ("machine", "scopes", index), f"{scope!r} is no scope; accepted: {_SCOPE_FORM}"


def _elsewhere(zone: Any, region: Any) -> Iterator[str]:
    if isinstance(zone, str) and isinstance(region, str) and not re.fullmatch(re.escape(region) + "-[a-z0-9]+", zone):
        yield f"{zone!r} is no zone of {region}; accepted: such as {region}-b"


def _no_name(name: Any) -> Iterator[str]:
    if isinstance(name, str) and not RESOURCE.fullmatch(name):
        yield f"{name!r} is no name of Compute Engine; accepted: {_RESOURCE_FORM}"
