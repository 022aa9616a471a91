"""How a roll makes groups and changes how many machines they have: every size from a fresh look at the live group."""

from __future__ import annotations

from math import ceil
from typing import assert_never

from phoenix.execute.engine import Context, Outcome
from phoenix.execute.perform import guards
from phoenix.execute.perform.world import World
from phoenix.model import Group, Instance, InstanceState, LaunchTemplate, shape
from phoenix.plan.roll_actions import AsFound, CreateGroup, EnsureSize, Exactly, MatchLive, Measure, Rest, Shrink, Size
from phoenix.record.journal import Part
from phoenix.wait import DeadlineError, Look, Verdict, wait_for


def measure(world: World, action: Measure) -> Outcome:
    """How many machines the live group wants, how many serve, and the floor that follows."""
    group = world.group(action.group)
    backend = world.traffic.read().backend(action.group)
    healthy = backend.healthy if backend and backend.share else 0
    floor = guards.floor_of(healthy, action.min_healthy)
    counted = {"whole": group.size, "live": group.size}
    return {"group": group.name, "size": group.size, "healthy": healthy, "floor": floor, **counted}


def create(world: World, action: CreateGroup, context: Context) -> Outcome:
    """Make the candidate and let the balancer check it, at share 0."""
    size, counted = _resolve(world, action.size, context)
    template = LaunchTemplate(
        image=action.release.image,
        machine=action.machine,
        port=action.port,
        health=action.health,
        user_data=world.user_data(action.release),
    )
    group = Group(
        name=action.group,
        project=world.project,
        service=world.service,
        environment=world.environment,
        release=action.release,
        size=size,
        created=world.clock.now(),
        run=context.run_id,
        shape=shape(action.machine, action.port, action.health),
    )
    world.history.remember_number(world.service, world.environment, action.group)
    world.groups.create(group, template, between=context.renew)
    world.traffic.attach(world.group(action.group))
    return {"size": size, **counted}


def ensure_size(world: World, action: EnsureSize, context: Context) -> Outcome:
    """At least as many as the rule says, dead machines replaced, all of them known to the balancer."""
    if isinstance(action.size, AsFound) and "measure" not in context.outcomes:
        return {"seen": "this run had changed nothing yet"}
    group = world.group(action.group)
    wanted, counted = _resolve(world, action.size, context)
    size = max(wanted, group.size)
    dead = frozenset(i.id for i in group.instances if i.state is InstanceState.DEAD)
    if dead:
        context.say(f"replacing {', '.join(sorted(dead))}: dead")
        world.groups.shrink(action.group, dead, size=group.size, between=context.renew)
    if dead or group.size < size or len(group.instances) < size:
        world.groups.resize(action.group, size, between=context.renew)
    world.traffic.attach(world.group(action.group))
    return {"size": size, **counted}


def shrink(world: World, action: Shrink, context: Context) -> Outcome:
    """Take the surplus machines off the balancer, see them finish what they are answering, then end them.

    Dead machines go first, then those that are not healthy by their own word, then the youngest. A group that
    somebody has removed is as small as can be, and going on is what helps the service.
    """
    group = world.groups.find(action.group)
    if group is None:
        return {"gone": action.group}
    size, counted = _resolve(world, action.size, context)
    surplus = max(0, len(group.instances) - size)
    if group.size <= size and not surplus:
        return {"size": group.size, **counted}
    if context.part is Part.STEPS:
        route = world.traffic.read()
        guards.routes_as_set(route, action.shares)
        guards.floor_kept(route, action.group, size, int(context.outcomes.get("measure", {}).get("floor", 0)))
    leaving = frozenset(instance.id for instance in sorted(group.instances, key=_keep_first)[::-1][:surplus])
    world.traffic.attach(group.without(leaving))
    left = _await_leaving(world, action, context)
    world.groups.shrink(action.group, leaving, size=size, between=context.renew)
    return {"size": size, "ended": sorted(leaving), "left": left, **counted, "live": size}


def _keep_first(instance: Instance) -> tuple[bool, bool, int, str]:
    """Sorts the machines that are worth most first: alive, without failed units, oldest."""
    return (instance.state is InstanceState.DEAD, bool(instance.failed_units), len(instance.id), instance.id)


def _await_leaving(world: World, action: Shrink, context: Context) -> int:
    """How many requests were still under way at the leaving machines when the time for them was over."""
    under_way = 0

    def look() -> Look:
        nonlocal under_way
        backend = world.traffic.read().backend(action.group)
        under_way = backend.leaving if backend else 0
        return Look(
            verdict=Verdict.UNKNOWN if under_way else Verdict.PASS, seen=f"{under_way} requests at leaving machines"
        )

    try:
        wait_for(
            f"the surplus machines of {action.group} finishing",
            look,
            clock=world.clock,
            deadline=action.drain,
            interval=0.2,
            in_a_row=2,
            on_change=context.say,
            between=context.renew,
        )
    except DeadlineError:
        context.say(f"{under_way} requests outlasted the drain of {action.drain:g} s")
    return under_way


def _resolve(world: World, rule: Size, context: Context) -> tuple[int, dict[str, int]]:
    """The rule on a fresh read, and what was counted for it, for the journal."""
    match rule:
        case Exactly(size=size):
            return size, {}
        case AsFound():
            return int(context.outcomes["measure"]["size"]), {}
        case MatchLive(at_least=at_least, share=share):
            counted = _count(world, at_least, context)
            return _part(counted["whole"], share), counted
        case Rest(at_least=at_least, share=share):
            counted = _count(world, at_least, context)
            return counted["whole"] - _part(counted["whole"], share), counted
        case _:
            assert_never(rule)


def _part(whole: int, share: int) -> int:
    return max(1, ceil(whole * share / 100))


def _count(world: World, at_least: int, context: Context) -> dict[str, int]:
    """The live size: what this run counted last, and what the live group has grown by since.

    The run itself makes the live group smaller, hence the memory; somebody who makes it smaller by hand changes
    nothing: the service keeps the size it had when the run began.
    """
    live = _live_size(world, context)
    last = next((each for each in reversed(tuple(context.outcomes.values())) if "whole" in each), None)
    if last is None:
        return {"whole": max(at_least, live), "live": live}
    grown = max(0, live - int(last["live"]))
    return {"whole": max(at_least, int(last["whole"]) + grown), "live": live}


def _live_size(world: World, context: Context) -> int:
    """How many machines the group that served when the run began wants now; 0 where it is gone or nothing served."""
    measured = context.outcomes.get("measure", {}).get("group")
    name = measured or world.traffic.read().stable
    group = world.groups.find(name) if name else None
    return group.size if group else 0
