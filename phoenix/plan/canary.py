"""Canary: the candidate gets growing shares, each watched for a time, some only left when a person promotes.

The candidate has the machines that its share needs. The stable group is never shrunk before the commit point, so
the way back returns traffic at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from phoenix.plan.actions import Step
from phoenix.plan.parts import (
    WHOLE,
    Course,
    Rollout,
    RollStep,
    back,
    ending,
    grow,
    hooks,
    opening,
    shift,
)
from phoenix.plan.roll_actions import Hold, Soak
from phoenix.spec.services import Canary


def canary(rollout: Rollout, strategy: Canary) -> Course:
    """The course through the strategy's shares."""
    return Course(
        steps=(
            *opening(rollout, strategy.steps[0]),
            *(step for share in strategy.steps for step in _at(rollout, strategy, share)),
        ),
        back=back(rollout, strategy.steps, shrinks=False),
        cleanup=ending(rollout, strategy.keep),
    )


def _at(rollout: Rollout, strategy: Canary, share: int) -> Iterator[RollStep]:
    """One share: machines for it, the write, the soak, and where it is wanted a person's word."""
    yield from grow(rollout, share, f"-{share}", steady=share != strategy.steps[0])
    yield shift(rollout, share, f"-{share}", strategy.steps)
    if share == WHOLE:
        yield from hooks(rollout, "after_traffic")
    if strategy.soak:
        soak = Soak(
            group=rollout.candidate,
            seconds=strategy.soak,
            shares=rollout.shares(share),
            min_healthy=rollout.service.min_healthy,
            alarms=rollout.alarms,
        )
        yield Step(id=f"soak-{share}", action=soak, deadline=strategy.soak + rollout.service.health.deadline)
    if share in strategy.hold:
        hold = Hold(reason=f"{rollout.candidate} has {share} % of the traffic")
        yield Step(id=f"hold-{share}", action=hold, deadline=rollout.manner.quick)
