"""A project that has all that it needs, as Google tells it; and the same with other answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from phoenix.errors import CloudError
from phoenix.spec.clouds import GcpCloud
from phoenix.spec.load import load
from phoenix.spec.project import Project

YAML = """\
version: 1
project: shop
state: gs://bucket/shop
clouds:
  gcp: {kind: gcp, project: acme-prod, region: us-central1, subnetwork: web, network: net}
images:
  os:
    debian-12: {base: {gcp: debian-cloud/debian-12}, playbook: os.yml}
services:
  web:
    image: os/debian-12
    port: 8080
    environments:
      prod:
        cloud: gcp
        size: {min: 2, max: 6}
        machine: {type: n2-standard-2, firewall: [web], identity: web@acme-prod.iam.gserviceaccount.com}
        load_balancer: {url_map: web}
"""
RULE = {
    "direction": "INGRESS",
    "priority": 1000,
    "sourceRanges": ["35.191.0.0/16", "130.211.0.0/22"],
    "targetTags": ["web"],
    "allowed": [{"IPProtocol": "tcp", "ports": ["8080"]}],
}
NET = "https://www.googleapis.com/compute/v1/projects/acme-prod/global/networks/net"
SUBNETWORK = {"name": "web", "network": NET, "ipCidrRange": "10.0.0.0/24", "purpose": "PRIVATE"}
PROXIES = {
    "name": "proxies",
    "network": NET,
    "ipCidrRange": "10.9.0.0/23",
    "purpose": "REGIONAL_MANAGED_PROXY",
    "role": "ACTIVE",
}


def quota(metric: str, limit: float, usage: float = 0.0) -> dict[str, Any]:
    return {"metric": metric, "limit": limit, "usage": usage}


PROJECT_QUOTAS = [quota("CPUS_ALL_REGIONS", 100, 12), quota("BACKEND_SERVICES", 9, 4), quota("INSTANCE_TEMPLATES", 9)]
REGION_QUOTAS = [
    quota("CPUS", 24, 4),
    quota("N2_CPUS", 48, 12),
    quota("INSTANCES", 100, 6),
    quota("IN_USE_ADDRESSES", 8, 1),
    quota("SSD_TOTAL_GB", 500, 60),
    quota("PREEMPTIBLE_CPUS", 0),
    quota("REGIONAL_INSTANCE_GROUP_MANAGERS", 10, 1),
    quota("INSTANCE_GROUP_MANAGERS", 1, 1),
]
ZONES = [f"https://www.googleapis.com/compute/v1/projects/acme-prod/zones/us-central1-{letter}" for letter in "bcf"]
ANSWERS: dict[str, Mapping[str, Any] | None] = {
    "projects.get": {"name": "acme-prod", "quotas": PROJECT_QUOTAS},
    "networks.get": {"autoCreateSubnetworks": False},
    "networks.getEffectiveFirewalls": {"firewalls": [RULE]},
    "subnetworks.get": {"network": NET},
    "subnetworks.list": {"items": [SUBNETWORK]},
    "regions.get": {"zones": ZONES, "quotas": REGION_QUOTAS},
    "machineTypes.get": {"guestCpus": 2},
}


class Account:
    """Answers as Google does; None is "there is no such thing", an error is raised."""

    def __init__(self, *, disabled: tuple[str, ...] = (), denied: tuple[str, ...] = (), **others: Any) -> None:
        self.answers: dict[str, Any] = {**ANSWERS, **{key.replace("__", "."): each for key, each in others.items()}}
        self.disabled, self.denied = disabled, denied
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def who(self) -> str:
        told: str | CloudError = self.answers.get("who", "ci@acme-prod.iam.gserviceaccount.com")
        if isinstance(told, CloudError):
            raise told
        return told

    def ask(self, collection: str, method: str = "get", /, **parameters: Any) -> Mapping[str, Any]:
        found = self.find(collection, method, **parameters)
        assert found is not None, f"{collection}.{method} is asked for what may not be there"
        return found

    def find(self, collection: str, method: str = "get", /, **parameters: Any) -> Mapping[str, Any] | None:
        self.asked.append((f"{collection}.{method}", parameters))
        told = self.answers[f"{collection}.{method}"]
        told = told(parameters) if callable(told) else told
        if isinstance(told, CloudError):
            raise told
        found: Mapping[str, Any] | None = told
        return found

    def pages(
        self, collection: str, method: str = "list", /, *, key: str = "items", **parameters: Any
    ) -> Iterator[Mapping[str, Any]]:
        yield from self.ask(collection, method, **parameters)[key]

    def web(self, verb: str, url: str, /, *, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        self.asked.append((f"{verb} {url}", body or {}))
        told = self.answers.get("web")
        if isinstance(told, CloudError):
            raise told
        if body is not None:
            return {"permissions": [each for each in body["permissions"] if each not in self.denied]}
        names = [each.partition("%2Fservices%2F")[2] for each in url.partition("?")[2].split("&")]
        state = {name: "DISABLED" if name in self.disabled else "ENABLED" for name in names}
        return {"services": [{"name": f"projects/1/services/{name}", "state": each} for name, each in state.items()]}


def project_of(directory: Path, *changes: tuple[str, str]) -> tuple[Project, GcpCloud]:
    """The project, with each `(old, new)` replaced in its file first; and its cloud."""
    text = YAML
    for old, new in changes:
        assert old in text, f"{old!r} does not stand in the file"
        text = text.replace(old, new, 1)
    (directory / "playbooks").mkdir(exist_ok=True)
    (directory / "playbooks/os.yml").write_text("---\n[]\n")
    (directory / "phoenix.yaml").write_text(text)
    project = load(directory / "phoenix.yaml", {})
    cloud = project.clouds["gcp"]
    assert isinstance(cloud, GcpCloud)
    return project, cloud
