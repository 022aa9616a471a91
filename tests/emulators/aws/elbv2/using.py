"""Which target groups the rules of which balancers use: only those are health checked.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.emulators.aws import behind


def named(action: Mapping[str, Any]) -> list[str]:
    """The target groups that an action forwards to, at whatever weight."""
    config = action.get("ForwardConfig") or {}
    listed = [entry["TargetGroupArn"] for entry in config.get("TargetGroups") or []]
    return listed or ([action["TargetGroupArn"]] if action.get("TargetGroupArn") else [])


def in_actions(actions: Iterable[Any]) -> set[str]:
    """The target groups in moto's own form of actions."""
    return {arn for action in actions for arn in named(action.data)}


def rules(balancer: Any) -> Iterator[Any]:
    """All rules of a balancer, the default ones too."""
    for listener in balancer.listeners.values():
        yield from listener.rules.values()


def used() -> dict[str, set[str]]:
    """Which balancers use each target group that is used."""
    found: dict[str, set[str]] = {}
    for backend in behind.elbs():
        for balancer in backend.load_balancers.values():
            for rule in rules(balancer):
                for arn in in_actions(rule.actions):
                    found.setdefault(arn, set()).add(balancer.arn)
    return found


def zones(balancers: Iterable[str]) -> set[str]:
    """The zones that are enabled for these balancers."""
    wanted = set(balancers)
    return {
        subnet.availability_zone
        for backend in behind.elbs()
        for balancer in backend.load_balancers.values()
        if balancer.arn in wanted
        for subnet in balancer.subnets
    }


def target_group(arn: str) -> Any | None:
    """moto's record of a target group."""
    for backend in behind.elbs():
        if arn in backend.target_groups:
            return backend.target_groups[arn]
    return None
