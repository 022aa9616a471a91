"""How a roll moves traffic: one write, read back from the balancer, proven by a request, written into the record."""

from __future__ import annotations

from collections.abc import Mapping

from phoenix.clock import rfc3339
from phoenix.errors import CloudError
from phoenix.execute.engine import Context
from phoenix.execute.outcomes import LeftAlone, Outcome
from phoenix.execute.perform import guards, health
from phoenix.execute.perform.outcomes import Drained, Shifted
from phoenix.execute.perform.sizes import memory
from phoenix.execute.perform.world import GOOD_ANSWERS, World
from phoenix.model import Route, Served
from phoenix.plan.roll_actions import Drain, SetTraffic
from phoenix.record.journal import Part
from phoenix.wait import DeadlineError, Look, Verdict, retry_while_unknown, wait_for


def set_traffic(world: World, action: SetTraffic, context: Context) -> Outcome:
    """Give the shares, see that the balancer has them and that the service answers."""
    shares, route = dict(action.shares), world.traffic.read()
    if context.part is Part.STEPS:
        guards.until_fit(lambda: _guard(world, action, context), clock=world.clock, context=context)
    elif _left_alone(action, route):
        return LeftAlone(note="Somebody had moved traffic away from this run's group: it was left as it is.")
    else:
        guards.served_from(shares, route)
    world.traffic.shift(shares)
    wait_for(
        "the balancer showing the new shares",
        lambda: _shows(world, shares),
        clock=world.clock,
        deadline=context.deadline,
        interval=0.2,
        between=context.renew,
    )
    if context.part is Part.STEPS:
        _expect_answer(world, context)
        _remember(world, action, context)
    return Shifted(shares=shares, at=rfc3339(world.clock.now()))


def _guard(world: World, action: SetTraffic, context: Context) -> None:
    """Whoever gets more than it has must be well and large enough for it."""
    route = world.route()
    guards.unchanged_routes(action, route)
    floor = memory(context).floor
    for name, share in action.shares:
        backend = route.backend(name)
        if share <= (backend.share if backend else 0):
            continue
        if not action.guarded:
            guards.answers(name, backend)
            continue
        guards.warm(name, health.see(world, name))
        guards.large_enough(name, share, backend, floor)


def _left_alone(action: SetTraffic, route: Route) -> bool:
    """On the way back: routes made by hand that give this run's groups nothing are another's decision, and stand."""
    now = route.shares
    if not action.known or not now or now in [tuple(sorted(shares)) for shares in action.known]:
        return False
    before = {name for name, _share in action.known[0]}
    of_this_run = {name for shares in action.known for name, _share in shares} - before
    return not of_this_run & {name for name, _share in now}


def _shows(world: World, shares: Mapping[str, int]) -> Look:
    try:
        shown = dict(world.route().shares)
    except CloudError as error:
        return retry_while_unknown(error)
    wanted = {name: share for name, share in shares.items() if share}
    verdict = Verdict.PASS if shown == wanted else Verdict.UNKNOWN
    return Look(verdict=verdict, seen=f"shares {shown or 'none'}, wanted {wanted or 'none'}")


def _expect_answer(world: World, context: Context) -> None:
    """The balancer's own view is one proof, a real request through it another."""
    wait_for(
        "the service answering through the balancer",
        lambda: world.ask(world.route().address),
        clock=world.clock,
        deadline=context.deadline,
        interval=0.2,
        on_change=context.say,
        between=context.renew,
    )


def _remember(world: World, action: SetTraffic, context: Context) -> None:
    """Once one group has everything, write down what serves: a rollback finds its way even after the group is gone."""
    if len(action.shares) != 1:
        return
    context.renew()
    name = action.shares[0][0]
    served = Served(
        group=name,
        release=world.group(name).release,
        run=context.run_id,
        at=rfc3339(world.clock.now()),
        former=action.former,
    )
    world.history.remember_served(world.service, world.environment, served)


def drain(world: World, action: Drain, context: Context) -> Drained:
    """Seen, not slept: the balancer says how many requests are under way; at the limit the rest is cut."""
    sessions = 0

    def look() -> Look:
        nonlocal sessions
        try:
            backend = world.route().backend(action.group)
        except CloudError as error:
            return retry_while_unknown(error)
        sessions = backend.sessions if backend else 0
        verdict = Verdict.UNKNOWN if sessions else Verdict.PASS
        return Look(verdict=verdict, seen=f"{sessions} requests under way")

    try:
        wait_for(
            f"{action.group} draining",
            look,
            clock=world.clock,
            deadline=action.seconds,
            interval=0.2,
            in_a_row=GOOD_ANSWERS,
            on_change=context.say,
            between=context.renew,
        )
    except DeadlineError:
        context.say(f"{sessions} requests outlasted the drain of {action.seconds:g} s")
    return Drained(left=sessions)
