"""How a roll moves traffic: one write, read back from the balancer, proven by a request, written into the record."""

from __future__ import annotations

from functools import partial

from phoenix.clock import rfc3339
from phoenix.errors import CloudError, StaleRouteError
from phoenix.execute.engine import Context
from phoenix.execute.outcomes import LeftAlone, Outcome
from phoenix.execute.perform import alarms, guards
from phoenix.execute.perform.outcomes import Drained, Shifted
from phoenix.execute.perform.sizes import memory
from phoenix.execute.perform.watch import Watch
from phoenix.execute.perform.world import GOOD_ANSWERS, World
from phoenix.manner import DrainedBy
from phoenix.model import Route, Served
from phoenix.plan.roll_actions import Drain, SetTraffic, Shares, told
from phoenix.record.journal import Part
from phoenix.wait import DeadlineError, Look, Verdict, retry_while_unknown, wait_for


def set_traffic(world: World, action: SetTraffic, context: Context) -> Outcome:
    """Give the shares, see that the balancer has them and that the service answers, until they have settled."""
    shares = dict(action.shares)
    note = _write(world, action, context)
    if note:
        return LeftAlone(note=note)
    wait_for(
        "the balancer showing the new shares",
        lambda: _shows(world, action.shares),
        clock=world.clock,
        deadline=context.deadline,
        interval=world.manner.look,
        between=context.renew,
    )
    _expect_answer(world, action, context)
    if context.part is Part.STEPS:
        _remember(world, action, context)
    return Shifted(shares=shares, at=rfc3339(world.clock.now()))


def _write(world: World, action: SetTraffic, context: Context) -> str:
    """Write on a fresh look, and again where the route has changed since; why nothing was written, or nothing."""
    notes: list[str] = []

    def attempt() -> Look:
        route = _decided(world, action, context)
        if route is None:
            notes.append("Somebody had moved traffic away from this run's group: it was left as it is.")
            return Look(verdict=Verdict.PASS, seen="")
        try:
            context.renew()
            world.traffic.shift(dict(action.shares), route, between=context.renew)
        except StaleRouteError as error:
            return retry_while_unknown(error)
        return Look(verdict=Verdict.PASS, seen="")

    wait_for(
        "the new shares being written",
        attempt,
        clock=world.clock,
        deadline=context.deadline,
        interval=world.manner.look,
        between=context.renew,
    )
    return "".join(notes)


def _decided(world: World, action: SetTraffic, context: Context) -> Route | None:
    """The route on which the write is right; None where it is another's by now and is left alone."""
    if context.part is Part.STEPS:
        seen: list[Route] = []
        guards.until_fit(lambda: seen.append(_guard(world, action, context)), clock=world.clock, context=context)
        return seen[-1]
    route = world.traffic.read()
    if _left_alone(action, route, exact=world.manner.exact_shares):
        return None
    guards.served_from(dict(action.shares), route)
    return route


def _guard(world: World, action: SetTraffic, context: Context) -> Route:
    """Whoever gets more than it has must be well and large enough for it. The route on which that is so."""
    route, exact = world.route([name for name, _share in action.shares]), world.manner.exact_shares
    guards.unchanged_routes(action, route, exact=exact)
    alarms.refuse_ringing(world, action.alarms)
    floor = memory(context).floor
    now = _now(action, route, exact=exact)
    for name, share in action.shares:
        backend = route.backend(name)
        if share <= now.get(name, 0):
            continue
        if not action.guarded:
            guards.answers(name, backend)
            continue
        guards.warm(name, Watch(world, name, action.min_healthy).see(route))
        if action.fertile:
            guards.fertile(name, world.groups.barren(name))
        guards.large_enough(name, share, backend, floor)
    return route


def _now(action: SetTraffic, route: Route, *, exact: bool) -> dict[str, int]:
    """What each group has. Where shares are not exact, what this run sets that shows like this: the least of it, as
    routes may have been changed by hand to what stands in another step of the plan.
    """
    shown = dict(route.shares)
    alike = [dict(shares) for shares in action.known if guards.same_routes(route.shares, shares, exact=False)]
    if exact or not alike:
        return shown
    return {name: min(shares.get(name, 0) for shares in alike) for name in shown}


def _left_alone(action: SetTraffic, route: Route, *, exact: bool) -> bool:
    """On the way back: routes made by hand that give this run's groups nothing are another's decision, and stand."""
    now = route.shares
    if not action.known or any(guards.same_routes(now, shares, exact=exact) for shares in action.known):
        return False
    if not now:  # a balancer that has lost its routes gets them again; one that was told to send elsewhere does that
        return bool(route.elsewhere)
    before = {name for name, _share in action.known[0]}
    of_this_run = {name for shares in action.known for name, _share in shares} - before
    return not of_this_run & {name for name, _share in now}


def _shows(world: World, shares: Shares) -> Look:
    try:
        shown = world.route(()).shares
    except CloudError as error:
        return retry_while_unknown(error)
    wanted = tuple(each for each in shares if each[1])
    same = guards.same_routes(shown, wanted, exact=world.manner.exact_shares)
    verdict = Verdict.PASS if same else Verdict.UNKNOWN
    return Look(verdict=verdict, seen=f"shares {told(shown)}, wanted {told(wanted)}")


def _expect_answer(world: World, action: SetTraffic, context: Context) -> None:
    """The balancer's own view is one proof, real requests through it another: as long as some may still go the former
    way, and no alarm may ring. On the way back time has to pass all the same, and nothing is asked any longer.
    """
    forward, settles = context.part is Part.STEPS, world.manner.settles
    if not forward and not settles:
        return
    wait_for(
        "the service answering through the balancer",
        partial(_answers, world, action, world.route(())) if forward else _settling,
        clock=world.clock,
        deadline=context.deadline + settles,
        interval=world.manner.look,
        steady=settles,
        on_change=context.say if forward else lambda _seen: None,
        between=context.renew,
    )


def _settling() -> Look:
    return Look(verdict=Verdict.PASS, seen="settling")


def _answers(world: World, action: SetTraffic, shown: Route) -> Look:
    """One request by the route that the balancer has `shown`, which is not asked for again."""
    world.cloud.mend(world.place)
    seen = world.ask(shown)
    rung = alarms.look(world, action.alarms)
    return seen if seen.verdict is not Verdict.PASS or rung.verdict is Verdict.PASS else rung


def _remember(world: World, action: SetTraffic, context: Context) -> None:
    """Once one group has everything, write down what serves: a rollback finds its way even after the group is gone."""
    if len(action.shares) != 1:
        return
    context.renew()
    name = action.shares[0][0]
    release = world.group(name).release
    if release is None:  # phoenix did not make it, and could not bring it back once it is gone
        return
    served = Served(
        group=name,
        release=release,
        run=context.run_id,
        at=rfc3339(world.clock.now()),
        former=action.former,
    )
    world.history.remember_served(world.service, world.environment, served)


def drain(world: World, action: Drain, context: Context) -> Drained:
    """Seen, not slept: the balancer says how many requests are under way; at the limit the rest is cut.

    Where the group's manager drains machines when it ends them, there is nothing to wait for.
    """
    if world.manner.drain is DrainedBy.MANAGER:
        return Drained(left=0)
    sessions = 0

    def look() -> Look:
        nonlocal sessions
        try:
            backend = world.route((action.group,)).backend(action.group)
        except CloudError as error:
            return retry_while_unknown(error)
        sessions = (backend.requests or 0) if backend else 0
        verdict = Verdict.UNKNOWN if sessions else Verdict.PASS
        return Look(verdict=verdict, seen=f"{sessions} requests under way")

    try:
        wait_for(
            f"{action.group} draining",
            look,
            clock=world.clock,
            deadline=action.seconds,
            interval=world.manner.look,
            in_a_row=GOOD_ANSWERS,
            on_change=context.say,
            between=context.renew,
        )
    except DeadlineError:
        context.say(f"{sessions} requests outlasted the drain of {action.seconds:g} s")
    return Drained(left=sessions)
