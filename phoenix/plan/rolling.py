"""Rolling: grow the candidate by a step, move that share, shrink the stable group by as many, again until the end.

Two numbered groups, never a replacement inside one. It needs room for one step more than the service has
machines, where the other strategies need room for twice as many; its way back has to start machines again.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

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
from phoenix.plan.roll_actions import Rest, Shrink
from phoenix.spec.services import Rolling


def rolling(rollout: Rollout, strategy: Rolling) -> Course:
    """The course that replaces the stable group step by step; nothing of it is kept."""
    shares = steps_of(rollout, strategy)
    return Course(
        steps=(
            *opening(rollout, shares[0]),
            *(step for share in shares for step in _at(rollout, share, shares)),
            *hooks(rollout, "after_traffic"),
        ),
        back=back(rollout, shares, shrinks=True),
        cleanup=ending(rollout, keep=0.0),
    )


def steps_of(rollout: Rollout, strategy: Rolling) -> tuple[int, ...]:
    """The candidate's shares in percent, growing to 100.

    A step in percent is rounded up to whole machines of today's size. A share is rounded down, so that up to 100
    machines it asks for exactly those of its step (`ceil(share x size / 100)`); above, steps under 1 % fall together.
    """
    stable = rollout.stable
    machines = max(rollout.environment.size.minimum, stable.size if stable else 0)
    step = ceil(machines * strategy.step / 100) if strategy.percent else strategy.step
    counts = range(step, machines, step)
    shares = dict.fromkeys(WHOLE * count // machines for count in counts)
    return (*(share for share in shares if 0 < share < WHOLE), WHOLE)


def _at(rollout: Rollout, share: int, shares: tuple[int, ...]) -> Iterator[RollStep]:
    """One step: as many new machines as its share needs, the write, as many old ones fewer."""
    yield from grow(rollout, share, f"-{share}", steady=share != shares[0])
    yield shift(rollout, share, f"-{share}", shares)
    stable = rollout.stable
    if share < WHOLE and stable is not None:
        rest = Rest(at_least=rollout.environment.size.minimum, share=share)
        shrink = Shrink(group=stable.name, size=rest, drain=rollout.service.drain, shares=rollout.shares(share))
        yield Step(id=f"shrink-{share}", action=shrink, deadline=rollout.service.drain + rollout.manner.create)
