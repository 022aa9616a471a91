"""Blue-green: start a whole candidate group, prove it healthy, move all traffic in one write, keep the former.

The stable group is never shrunk, so the way back returns traffic at once.
"""

from __future__ import annotations

from phoenix.plan.parts import WHOLE, Course, Rollout, back, ending, grow, hooks, opening, shift


def blue_green(rollout: Rollout, keep: float) -> Course:
    """The course that gives the candidate everything at once; the former group is kept for `keep` seconds."""
    return Course(
        steps=(
            *opening(rollout, WHOLE),
            *grow(rollout, WHOLE, "", steady=False),
            shift(rollout, WHOLE, "", (WHOLE,)),
            *hooks(rollout, "after_traffic"),
        ),
        back=back(rollout, (WHOLE,), shrinks=False),
        cleanup=ending(rollout, keep),
    )
