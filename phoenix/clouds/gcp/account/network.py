"""The VPC network that machines are in: whether it is there, has room in the region, and lets the load balancer in."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from phoenix.clouds.gcp import links
from phoenix.clouds.gcp.account import firewall
from phoenix.clouds.gcp.account.firewall import PROBERS, Target
from phoenix.clouds.gcp.calls import Asks, Lists
from phoenix.manner import Finding, State
from phoenix.spec.clouds import GcpCloud

_RESERVED = 4
"""Addresses of a range that no machine gets: https://cloud.google.com/vpc/docs/subnets#unusable-ip-addresses-in-every-subnet"""
_SHOWN = "items(name,network,ipCidrRange,purpose,role,privateIpGoogleAccess),nextPageToken"
_FOR_PROXIES = frozenset({"REGIONAL_MANAGED_PROXY", "INTERNAL_HTTPS_LOAD_BALANCER"})
_FOR_MACHINES = frozenset({"", "PRIVATE", "PRIVATE_RFC_1918"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Subnetwork:
    """One of the network's in the region, for machines."""

    name: str
    range: str
    reaches_google: bool
    """Whether machines without a public address reach Google's own services from it."""

    @property
    def machines(self) -> int:
        """How many there is an address for, those that are in use among them."""
        return max(ipaddress.ip_network(self.range).num_addresses - _RESERVED, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """A network as machines of one cloud of phoenix.yaml use it."""

    name: str
    host: str
    """The project that has it."""
    auto: bool
    """Whether it makes a subnetwork in each region by itself."""
    subnetworks: tuple[Subnetwork, ...]
    proxies: tuple[str, ...]
    """Ranges from which a regional load balancer asks."""
    rules: tuple[Mapping[str, Any], ...]
    policies: tuple[str, ...]
    """Firewall policies, which are looked at before or after the rules; they are not read here."""


def read(spec: GcpCloud, calls: Lists) -> Network | None:
    """The network that the cloud names; None where Google says that there is none. Four calls at most."""
    host = spec.host_project or spec.project
    name = spec.network or _network_of(spec, calls, host)
    found = calls.find("networks", project=host, network=name, fields="autoCreateSubnetworks") if name else None
    if found is None:
        return None
    said = calls.ask("networks", "getEffectiveFirewalls", project=host, network=name)
    there = [each for each in _subnetworks(spec, calls, host) if links.name_of(str(each.get("network", ""))) == name]
    return Network(
        name=name,
        host=host,
        auto=bool(found.get("autoCreateSubnetworks")),
        subnetworks=tuple(_subnetwork(each) for each in there if str(each.get("purpose", "")) in _FOR_MACHINES),
        proxies=tuple(
            str(each["ipCidrRange"])
            for each in there
            if each.get("purpose") in _FOR_PROXIES and each.get("role", "ACTIVE") == "ACTIVE"
        ),
        rules=tuple(said.get("firewalls", ())),
        policies=tuple(
            str(each.get("displayName") or each.get("shortName") or each.get("name", "?"))
            for each in said.get("firewallPolicys", ())
        ),
    )


def _network_of(spec: GcpCloud, calls: Asks, host: str) -> str:
    found = calls.find("subnetworks", project=host, region=spec.region, subnetwork=spec.subnetwork, fields="network")
    return links.name_of(str(found.get("network", ""))) if found else ""


def _subnetworks(spec: GcpCloud, calls: Lists, host: str) -> Iterator[Mapping[str, Any]]:
    return calls.pages("subnetworks", project=host, region=spec.region, fields=_SHOWN)


def _subnetwork(said: Mapping[str, Any]) -> Subnetwork:
    return Subnetwork(
        name=str(said["name"]),
        range=str(said["ipCidrRange"]),
        reaches_google=bool(said.get("privateIpGoogleAccess")),
    )


def where(spec: GcpCloud, network: Network | None, machines: int) -> Iterator[Finding]:
    """Whether so many machines find a network, a subnetwork and an address in the region."""
    host = spec.host_project or spec.project
    if network is None:
        named = f"subnetwork {spec.subnetwork}" if not spec.network else f"network {spec.network}"
        remedy = f"Correct clouds.{spec.name}.network and subnetwork."
        yield Finding(state=State.LACK, subject="network", found=f"{host} has no {named}", remedy=remedy)
        return
    wanted = spec.subnetwork or (network.name if network.auto else "")
    subnetwork = next((each for each in network.subnetworks if each.name == wanted), None)
    if subnetwork is None:
        names = ", ".join(each.name for each in network.subnetworks) or "none"
        found = f"{network.name} of {host} has no subnetwork {wanted} in {spec.region}; there: {names}"
        if not wanted:
            found = f"{network.name} of {host} makes no subnetworks by itself; in {spec.region} there: {names}"
        remedy = f"Name one in clouds.{spec.name}.subnetwork."
        yield Finding(state=State.LACK, subject="subnetwork", found=found, remedy=remedy)
        return
    told = f"{subnetwork.name} of {network.name} with {subnetwork.range}, {machines} addresses needed in a roll"
    lacks = machines > subnetwork.machines
    yield Finding(
        state=State.LACK if lacks else State.FINE,
        subject="subnetwork",
        found=told,
        remedy=f"Make its range larger, or name another in clouds.{spec.name}.subnetwork." if lacks else "",
    )


def probes(spec: GcpCloud, network: Network, target: Target, *, what: str, regional: bool) -> Iterator[Finding]:
    """Whether health checks, and a regional load balancer's proxies, reach the port of machines like that.

    Without it no machine is ever healthy, and every roll fails at its deadline.
    """
    if regional and not network.proxies:
        found = f"{network.name} has no subnetwork for the proxies of a regional load balancer in {spec.region}"
        made = f"--network {network.name} --region {spec.region} --project {network.host}"
        remedy = (
            "gcloud compute networks subnets create proxies --purpose REGIONAL_MANAGED_PROXY --role ACTIVE "
            f"--range RANGE {made}"
        )
        yield Finding(state=State.LACK, subject=f"proxies of {what}", found=found, remedy=remedy)
    sources = (*PROBERS, *(network.proxies if regional else ()))
    subject, out = f"firewall of {what}", firewall.shut_out(network.rules, target, sources)
    if not out:
        found = f"port {target.port} is open to {', '.join(sources)}"
        yield Finding(state=State.FINE, subject=subject, found=found)
        return
    found = f"no rule of {network.name} lets {' and '.join(out)} reach port {target.port}{_whose(target)}"
    state = State.LACK
    if network.policies:
        state, found = State.NOTE, f"{found}; the firewall policies {', '.join(network.policies)} may"
    yield Finding(state=state, subject=subject, found=found, remedy=_rule(network, target, sources))


def _whose(target: Target) -> str:
    return f" of machines with the tags {', '.join(target.tags)}" if target.tags else " of machines without tags"


def _rule(network: Network, target: Target, sources: Iterable[str]) -> str:
    """The line that makes the rule."""
    machines = f" --target-tags {','.join(target.tags)}" if target.tags else ""
    if not machines and target.identity:
        machines = f" --target-service-accounts {target.identity}"
    return (
        f"gcloud compute firewall-rules create health-checks-{target.port} --project {network.host} "
        f"--network {network.name} --allow tcp:{target.port} --source-ranges {','.join(sources)}{machines}"
    )
