"""Whom the firewall rules of a VPC network let in to a machine: decided from what Google says of them, nothing asked.

https://cloud.google.com/firewall/docs/firewalls#rule_evaluation: of the rules that apply to a packet the one with the
lowest number of priority decides, of two alike the one that denies; where none applies nothing comes in.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PROBERS = ("35.191.0.0/16", "130.211.0.0/22")
"""From where health checks come, and what global load balancers ask for:
https://cloud.google.com/load-balancing/docs/health-checks#fw-rule"""
_TCP = frozenset({"tcp", "6", "all"})
_DEFAULT_PRIORITY = 1000
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A machine as rules know it, and the port that is to be reached."""

    port: int
    tags: tuple[str, ...] = ()
    identity: str | None = None


def shut_out(rules: Iterable[Mapping[str, Any]], target: Target, sources: Iterable[str]) -> tuple[str, ...]:
    """Those of `sources` (CIDR ranges) that do not wholly reach the machine's port; `rules` as Compute has them."""
    there = [rule for rule in rules if _applies(rule, target)]
    return tuple(source for source in sources if not _let_in(there, target.port, ipaddress.ip_network(source)))


def _let_in(rules: list[Mapping[str, Any]], port: int, source: _Network) -> bool:
    refused = [_priority(rule) for rule in rules if _names(rule, "denied", port) and _overlaps(rule, source)]
    before = min(refused, default=float("inf"))
    allowed = [rule for rule in rules if _names(rule, "allowed", port) and _priority(rule) < before]
    ranges: list[Any] = [each for rule in allowed for each in _ranges(rule) if each.version == source.version]
    return any(source.subnet_of(each) for each in ipaddress.collapse_addresses(ranges))


def _applies(rule: Mapping[str, Any], target: Target) -> bool:
    if rule.get("direction", "INGRESS") != "INGRESS" or rule.get("disabled"):
        return False
    tags, accounts = rule.get("targetTags", ()), rule.get("targetServiceAccounts", ())
    if not tags and not accounts:
        return True
    return not set(tags).isdisjoint(target.tags) or target.identity in accounts


def _names(rule: Mapping[str, Any], what: str, port: int) -> bool:
    return any(
        str(each.get("IPProtocol", "")).lower() in _TCP and _has(each.get("ports", ()), port)
        for each in rule.get(what, ())
    )


def _has(ports: Iterable[str], port: int) -> bool:
    """Whether a rule's ports have it; one that names none means all."""
    spans = [each.partition("-") for each in ports]
    return not spans or any(int(first) <= port <= int(last or first) for first, _dash, last in spans)


def _ranges(rule: Mapping[str, Any]) -> list[_Network]:
    """Where a rule lets in from. One that names tags or accounts alone means machines of the network itself."""
    named = rule.get("sourceRanges", ())
    if not named and not rule.get("sourceTags") and not rule.get("sourceServiceAccounts"):
        named = ("0.0.0.0/0",)
    return [ipaddress.ip_network(each) for each in named]


def _overlaps(rule: Mapping[str, Any], source: _Network) -> bool:
    return any(each.version == source.version and each.overlaps(source) for each in _ranges(rule))


def _priority(rule: Mapping[str, Any]) -> float:
    return float(rule.get("priority", _DEFAULT_PRIORITY))
