"""How a roll waits until a group works: machines booted, and passing the balancer's own check."""

from __future__ import annotations

from dataclasses import replace

from phoenix.errors import CloudError
from phoenix.execute.engine import Context
from phoenix.execute.perform import alarms, explain, guards
from phoenix.execute.perform.outcomes import Seen
from phoenix.execute.perform.sizes import memory
from phoenix.execute.perform.watch import Watch
from phoenix.execute.perform.world import GOOD_ANSWERS, World
from phoenix.model import BootState, InstanceState
from phoenix.plan.roll_actions import Soak, WaitHealthy
from phoenix.record.journal import Part
from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, retry_while_unknown, wait_for

SOAK_LOOKS, SOAK_PACE = 10.0, 4
"""Seconds between two looks of a long soak, and so many times more of them than where something is waited for: clouds
count how often they are asked.
"""


def wait_healthy(world: World, action: WaitHealthy, context: Context) -> Seen:
    """Wait for it; on the way back until the group is as well as it was when the run began."""
    if context.part is Part.BACK and memory(context).measured is None:
        return Seen(seen="this run had changed nothing yet")
    try:
        return _wait_for_all(world, action, context)
    except (DeadlineError, HopelessError) as error:
        if action.patience is None:
            raise _with_logs(world, f"{action.group} never became healthy", action.group, error) from error
        context.say(f"not all of {action.group} is healthy: {error.details}")
    return _wait_for_any(world, action, context)


def _wait_for_all(world: World, action: WaitHealthy, context: Context) -> Seen:
    back, health = context.part is Part.BACK, action.health
    watch = Watch(world, action.group, action.min_healthy)
    steady = 0.0 if back or (action.settled and not memory(context).started) else health.healthy_after
    seen = wait_for(
        f"{action.group} becoming healthy",
        lambda: _as_well(world, action.group, context) if back else watch.look(),
        clock=world.clock,
        deadline=context.deadline if action.patience is None else min(action.patience, context.deadline),
        interval=_between_looks(world.manner.look, health.interval),
        in_a_row=GOOD_ANSWERS if steady else 1,
        steady=steady,
        on_change=context.say,
        between=context.renew,
    )
    return Seen(seen=seen.seen)


def _wait_for_any(world: World, action: WaitHealthy, context: Context) -> Seen:
    def answering() -> Look:
        try:
            backend = world.route((action.group,)).backend(action.group)
        except CloudError as error:
            return retry_while_unknown(error)
        healthy = backend.healthy if backend else 0
        verdict = Verdict.PASS if healthy else Verdict.UNKNOWN
        return Look(verdict=verdict, seen=f"{healthy} machines pass the health check: that has to do")

    try:
        seen = wait_for(
            f"any machine of {action.group} becoming healthy",
            answering,
            clock=world.clock,
            deadline=context.deadline,
            interval=_between_looks(world.manner.look, action.health.interval),
            on_change=context.say,
            between=context.renew,
        )
    except DeadlineError as error:
        raise _with_logs(world, f"{action.group} never became healthy", action.group, error) from error
    return Seen(seen=seen.seen)


def soak(world: World, action: Soak, context: Context) -> Seen:
    """Watch for the whole time; a machine that stops answering begins it anew, a dead one ends it.

    An alarm that rings ends it, too; one without data begins it anew.
    """

    group = Watch(world, action.group, action.min_healthy)

    def watch() -> Look:
        try:
            route = world.route((action.group,))
            guards.routes_as_set(route, action.shares, exact=world.manner.exact_shares)
        except CloudError as error:
            return retry_while_unknown(error)
        rung, seen = alarms.look(world, action.alarms), group.look(route)
        worse = rung if seen.verdict is Verdict.PASS and rung.verdict is not Verdict.PASS else seen
        return replace(worse, seen=f"soaking: {worse.seen}")

    try:
        seen = wait_for(
            f"{action.group} being healthy for {action.seconds:g} s without a break",
            watch,
            clock=world.clock,
            deadline=context.deadline,
            interval=_pace(world.manner.look, action.seconds),
            steady=action.seconds,
            on_change=context.say,
            between=context.renew,
        )
    except (DeadlineError, HopelessError) as error:
        raise _with_logs(
            world, f"{action.group} did not stay healthy, or nobody could tell", action.group, error
        ) from error
    return Seen(seen=seen.seen)


def _between_looks(look: float, checked: float) -> float:
    """Seconds between two looks at a group that boots, whose machines are checked every `checked` seconds.

    People wait for it, so where a look is cheap the balancer's word is read twice a second.
    """
    return max(look, min(0.5, checked))


def _pace(look: float, seconds: float) -> float:
    """Seconds between two looks of a soak that long, on a cloud that is looked at every `look` seconds else."""
    return max(look, 1.0, min(SOAK_LOOKS, seconds / 30), min(SOAK_PACE * look, seconds))


def _as_well(world: World, name: str, context: Context) -> Look:
    """As many healthy machines as there were at the start, and as the live size has grown by since.

    One that was sick then need not be well now. Where so many have died that it can no longer be, it fails at once:
    where nobody replaces them, or what they are started from is gone. Room that the cloud lacks may be there again.
    """
    measured = memory(context).measured
    assert measured is not None, "else nothing is waited for"
    enough = measured.healthy + memory(context).grown
    try:
        group, backend = world.groups.find(name), world.route((name,)).backend(name)
        final = not world.abilities.heals or bool(group and group.hopeless and world.groups.barren(name))
    except CloudError as error:
        return retry_while_unknown(error)
    healthy = backend.healthy if backend else 0
    seen = f"{healthy} pass the health check, {enough} are needed to be as well as when the run began"
    if group and group.trouble:
        seen = f"{seen}; {group.trouble}"
    there = group.staying if group else ()
    lost = [i for i in there if i.state is InstanceState.DEAD or i.boot is BootState.FAILED]
    if healthy >= enough:
        return Look(verdict=Verdict.PASS, seen=seen)
    hopeless = group is None or (len(there) - len(lost) < enough and final)
    return Look(verdict=Verdict.FAIL if hopeless else Verdict.UNKNOWN, seen=seen)


def _with_logs(world: World, brief: str, group: str, error: DeadlineError | HopelessError) -> CloudError:
    return type(error)(
        brief,
        details=f"{error.brief}: {error.details}\n{explain.why_ill(world, group)}".rstrip(),
        resolution="The logs of its machines are in the run's directory.",
    )
