"""What DescribeTargetHealth says of a group's machines, in phoenix's words. Pure.

States and reasons: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html.
`initial` and `unavailable` are not healthy; `unused` is not checked at all, and says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from phoenix.clouds import rules
from phoenix.model import Backend

_HEALTHY = "healthy"
_DRAINING = frozenset({"draining", "unhealthy.draining"})
_GONE = "Target.NotRegistered"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One machine, as a target group sees it."""

    instance: str
    state: str
    why: str
    """The reason and its description; empty while it is healthy."""
    gone: bool = False
    """Whether it is no longer in the target group."""

    @property
    def leaves(self) -> bool:
        """Whether it gets nothing new and finishes what it has."""
        return self.state in _DRAINING


def parsed(descriptions: Iterable[Mapping[str, Any]]) -> tuple[Target, ...]:
    """The TargetHealthDescriptions of an answer."""
    return tuple(_target(each) for each in descriptions)


def backend(group: str, share: int, targets: Iterable[Target]) -> Backend:
    """The group as its target groups see it. A machine is well where every one of its ports is.

    How many requests are under way the balancer does not show; what is draining counts as one each, for it is not
    known to have none.
    """
    known = [target for target in targets if not target.gone]
    staying = [target for target in known if not target.leaves]
    ill = {target.instance for target in staying if target.state != _HEALTHY}
    there = {target.instance for target in staying}
    checks = _checks(known)
    return Backend(
        group=group,
        share=share,
        healthy=len(there - ill),
        total=len(there),
        requests=None,
        well=frozenset(there - ill),
        leaving=len({target.instance for target in known if target.leaves}),
        seen=rules.told_of_checks(checks),
        checks=tuple(sorted(checks.items())),
    )


def _target(description: Mapping[str, Any]) -> Target:
    health = description.get("TargetHealth") or {}
    state, reason = str(health.get("State", "")), str(health.get("Reason") or "")
    words = str(health.get("Description") or "")
    why = f"{reason}: {words}" if reason and words else reason or words or state
    return Target(
        instance=description["Target"]["Id"],
        state=state,
        why="" if state == _HEALTHY else why,
        gone=reason == _GONE,
    )


def _checks(targets: Iterable[Target]) -> dict[str, str]:
    """What is said of those that are not healthy; of a machine with several ports the last."""
    return {target.instance: target.why for target in targets if target.why}
