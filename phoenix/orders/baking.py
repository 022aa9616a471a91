"""One layer baked, in a run of its own.

The run stands under the layer's content key. Whoever finds it taken waits for it and takes its image; a run whose
process died is undone first.
"""

from __future__ import annotations

from collections.abc import Callable

from phoenix.errors import RefusedError
from phoenix.execute.ownership import OwnedRun, describe
from phoenix.orders import kinds
from phoenix.orders.runs import telling
from phoenix.orders.site import Site
from phoenix.orders.tend import tend_run
from phoenix.plan.actions import to_json
from phoenix.plan.bake import BUILD_DEADLINE, VERIFY_DEADLINE, LayerPlan
from phoenix.record.journal import RunState
from phoenix.record.origin import origin_of
from phoenix.wait import Look, Verdict, wait_for

OTHERS_DEADLINE = BUILD_DEADLINE + VERIFY_DEADLINE
"""Seconds to wait for another process that bakes the same."""


def carry_out(site: Site, plan: LayerPlan, remade: Callable[[], LayerPlan]) -> str | None:
    """Bake the layer; its run, or None where the run is taken, or the world has changed meanwhile."""
    try:
        owned = OwnedRun.begin(
            site.store,
            site.clock,
            kind="bake",
            subject=plan.plan.subject,
            plan=to_json(plan.plan),
            origin=origin_of(site.environment),
        )
    except RefusedError:
        return None
    try:
        stale = remade() != plan
    except BaseException:
        owned.end(RunState.UNDONE)
        raise
    if stale:
        owned.end(RunState.UNDONE)
        return None
    site.say(f"baking {plan.image}: {plan.plan.why}")
    site.say_logs(owned.run.id)
    with telling(owned):
        kinds.of(owned.run).engine(site, owned.run).execute(owned, plan.plan)
    return owned.run.id


def wait_for_others(site: Site, plan: LayerPlan) -> bool:
    """Wait until nobody else bakes the layer; whether anybody did."""
    subject = plan.plan.subject

    def look() -> Look:
        for did in tend_run(site, subject, resume=False):
            site.say(did)
        other = site.history.live_run(subject)
        if other is None or other.state.ended:
            return Look(verdict=Verdict.PASS, seen="")
        stuck = other.state is RunState.STUCK
        seen = f"{plan.image}: waiting for {describe(other)}"
        return Look(verdict=Verdict.FAIL if stuck else Verdict.UNKNOWN, seen=seen)

    if site.history.live_run(subject) is None:
        return False
    wait_for(
        f"the other bake of {plan.image}",
        look,
        clock=site.clock,
        deadline=OTHERS_DEADLINE,
        interval=0.5,
        on_change=site.say,
    )
    return True
