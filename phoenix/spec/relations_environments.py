"""What must fit inside one environment: size, machine, balancer and strategy with the kind of its cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from phoenix.model import CloudKind
from phoenix.spec.mistakes import Place

Found = Iterator[tuple[Place, str]]
_MACHINE = {
    CloudKind.LOCAL: ("cpus", "memory"),
    CloudKind.GCP: ("type", "disk", "identity", "scopes", "firewall", "public_ip", "spot"),
    CloudKind.AWS: ("type", "disk", "identity", "firewall", "public_ip", "spot"),
}
_BALANCER = {
    CloudKind.LOCAL: ("listen", "headers", "forwarded"),
    CloudKind.GCP: ("url_map", "route", "backend_service", "region", "address"),
    CloudKind.AWS: ("listener", "rule", "address"),
}
_BESIDE = ("route", "rule", "region", "address", "headers", "forwarded")
"""Keys that do not say which balancer it is."""
_BALANCER_FORM = {
    CloudKind.LOCAL: "{listen: IP:PORT}",
    CloudKind.GCP: "{url_map: NAME, route: default} or {backend_service: NAME}",
    CloudKind.AWS: "{listener: ARN, rule: default}",
}


def environment_mistakes(environment: Mapping[str, Any], kind: CloudKind | None) -> Found:
    """What does not fit in `environment`; `kind` is its cloud's, None where that is unknown."""
    yield from _canary(environment)
    yield from _size(environment, kind)
    if kind is not None:
        yield from _machine(environment, kind)
        yield from _balancer(environment, kind)
        yield from _elsewhere(environment, kind)


def _elsewhere(environment: Mapping[str, Any], kind: CloudKind) -> Found:
    """Keys that mean something on some clouds only."""
    if kind is not CloudKind.LOCAL and environment.get("touched_for", "never") != "never":
        yield ("touched_for",), f"nobody tells who was inside of a machine on {kind}; accepted: never, or a local cloud"
    if kind is not CloudKind.LOCAL and environment.get("verify"):
        yield ("verify",), f"images of a {kind} cloud are verified by a boot there; accepted: only with a local cloud"
    if kind is not CloudKind.GCP and "zones" in environment:
        why = "this computer has no zones"
        if kind is CloudKind.AWS:
            why = "the cloud's subnets say in which zones machines start"
        yield ("zones",), f"{why}; accepted: only on a gcp cloud"
    if kind is CloudKind.LOCAL and "not_carried" in environment:
        yield ("not_carried",), "a local group has no settings of its own; accepted: only on a gcp or aws cloud"
    strategy = environment.get("strategy")
    if kind is not CloudKind.AWS and isinstance(strategy, dict) and "alarms" in strategy:
        why = f"a {kind} cloud has no alarms that phoenix reads"
        yield ("strategy", "alarms"), f"{why}; accepted: only on an aws cloud"


def _canary(environment: Mapping[str, Any]) -> Found:
    strategy = environment.get("strategy")
    if not isinstance(strategy, dict) or strategy.get("kind") != "canary":
        return
    steps, hold = strategy.get("steps"), strategy.get("hold", [])
    if not _whole(steps) or not _whole(hold) or not steps:
        return
    if steps[-1] != 100 or any(later <= earlier for earlier, later in pairwise(steps)):
        yield ("strategy", "steps"), f"{steps} must grow and end with 100; accepted: such as [5, 25, 50, 100]"
    for index, share in enumerate(hold):
        if share not in steps:
            yield ("strategy", "hold", index), f"{share} is none of the steps; accepted: {', '.join(map(str, steps))}"


def _whole(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, int) for each in value)


def _size(environment: Mapping[str, Any], kind: CloudKind | None) -> Found:
    size = environment.get("size")
    if not isinstance(size, dict):
        return
    if kind is CloudKind.LOCAL:
        yield ("size",), "the local cloud has no autoscaler; accepted: a number of machines"
    smallest, largest = size.get("min"), size.get("max")
    if isinstance(smallest, int) and isinstance(largest, int) and smallest > largest:
        yield ("size", "max"), f"{largest} is below min, which is {smallest}"


def _machine(environment: Mapping[str, Any], kind: CloudKind) -> Found:
    machine = environment.get("machine", {})
    if not isinstance(machine, dict):
        return
    for key in machine:
        if key not in _MACHINE[kind] and any(key in keys for keys in _MACHINE.values()):
            yield ("machine", key), f"a machine of a {kind} cloud has no {key}; accepted: {', '.join(_MACHINE[kind])}"
    if kind is not CloudKind.LOCAL and "type" not in machine:
        yield ("machine",), f"a machine of a {kind} cloud needs its type; accepted: {{type: NAME}}"


def _balancer(environment: Mapping[str, Any], kind: CloudKind) -> Found:
    balancer = environment.get("load_balancer")
    if not isinstance(balancer, dict):
        return
    for key in balancer:
        if key not in _BALANCER[kind] and any(key in keys for keys in _BALANCER.values()):
            yield ("load_balancer", key), f"does not belong to a {kind} cloud; accepted: {_BALANCER_FORM[kind]}"
    needed = [key for key in _BALANCER[kind] if key not in _BESIDE]
    given = [key for key in needed if key in balancer]
    if len(given) != 1:
        problem = "needs one key, not both" if given else f"says not where, on a {kind} cloud"
        yield ("load_balancer",), f"{problem}; accepted: {_BALANCER_FORM[kind]}"
    strategy = environment.get("strategy")
    if "route" in balancer and "backend_service" in balancer and "url_map" not in balancer:
        yield ("load_balancer", "route"), "is of a URL map alone; accepted: {url_map: NAME, route: default}"
    if "backend_service" in balancer and isinstance(strategy, dict) and strategy.get("kind") == "canary":
        what = "canary needs exact shares, which load_balancer.backend_service has not"
        accepted = "blue-green, rolling, or canary with load_balancer: {url_map: NAME, route: default}"
        yield ("strategy", "kind"), f"{what}; accepted: {accepted}"
