"""How a roll makes groups and changes how many machines they have: every size from a fresh look at the live group."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import assert_never

from phoenix.errors import PhoenixError, UnreachableError
from phoenix.execute.engine import Context
from phoenix.execute.outcomes import Outcome
from phoenix.execute.perform import guards
from phoenix.execute.perform.leaving import worst_first
from phoenix.execute.perform.outcomes import Count, Created, Gone, Measured, Memory, Seen, Shrunk, Sized, SmallAlready
from phoenix.execute.perform.world import World
from phoenix.model import Backend, Group, Instance, InstanceState, LaunchTemplate, Route
from phoenix.plan.roll_actions import (
    AsFound,
    CreateGroup,
    EnsureSize,
    Exactly,
    MatchLive,
    Measure,
    Rest,
    Shrink,
    SizeRule,
)
from phoenix.plan.shapes import shape
from phoenix.record.journal import Part
from phoenix.wait import DeadlineError, Look, Verdict, wait_for

LOOKS, BETWEEN_LOOKS = 3, 0.3
"""How often, and how many seconds apart, what serves is counted."""
_INSTEAD = "Roll once with `--strategy blue-green`: it ends no machine before the end."
"""What to do where a group could not grow again: each roll that makes it smaller first would come to the same end."""


def measure(world: World, action: Measure) -> Measured:
    """How many machines the group wants and has healthy, how many serve with it, and the floor that follows."""
    serving = _serving(world)  # first, for it takes a while: a group that grows meanwhile has its new size
    group = world.group(action.group)
    healthy = sum(backend.healthy for backend in serving)
    live = _live_size(world, tuple(backend.group for backend in serving))
    return Measured(
        group=group.name,
        size=group.size,
        healthy=min(group.size, sum(backend.healthy for backend in serving if backend.group == group.name)),
        serving=tuple(backend.group for backend in serving),
        floor=guards.floor_of(healthy, action.min_healthy),
        whole=live,
        live=live,
    )


def _serving(world: World) -> tuple[Backend, ...]:
    """What has traffic, at its best of some looks: a machine that misses one check must not lower the floor.

    One look will do where the balancer itself shows no such machine as ill.
    """
    looks = [world.traffic.read().backends]
    for _another in range(0 if world.manner.damped else LOOKS - 1):
        world.clock.sleep(max(BETWEEN_LOOKS, world.manner.look))
        world.cloud.sight.forget()
        looks.append(world.traffic.read().backends)
    best = max(looks, key=lambda backends: sum(b.healthy for b in backends if b.share))
    return tuple(backend for backend in best if backend.share)


def create(world: World, action: CreateGroup, context: Context) -> Created:
    """Make the candidate and let the balancer check it, at share 0."""
    size, count = _resolve(world, action.size, context)
    whole = count.whole if count else size
    if action.most and whole > action.most:
        context.say(f"{whole} machines serve, above the {action.most} of phoenix.yaml: {action.group} gets as many")
    template = LaunchTemplate(
        image=action.release.image,
        machine=action.machine,
        port=action.port,
        health=action.health,
        user_data=world.user_data(action.release),
        size=action.sized(size, whole),
        zones=action.zones,
    )
    now = world.clock.now()
    group = Group(
        name=action.group,
        project=world.project,
        service=world.service,
        environment=world.environment,
        release=action.release,
        size=size,
        created=now,
        run=context.run_id,
        pinned_until=None if action.pinned is None else now + timedelta(seconds=action.pinned),
        shape=shape(action.machine, action.port, action.health, action.limits, action.zones),
    )
    world.history.remember_number(world.service, world.environment, action.group)
    context.renew()
    like = _followed(world, action.group)
    template = replace(template, like=like, born_with=world.traffic.prepare(group, between=context.renew))
    context.renew()
    world.groups.create(group, template, between=context.renew)
    context.renew()
    world.traffic.attach(world.group(action.group), between=context.renew)
    return Created(size=size, **_counted(count))


def _followed(world: World, group: str) -> str:
    """The group that the new one takes schedules and hooks over from: the one that serves, where groups have such."""
    stable = world.traffic.read(()).stable if world.abilities.autoscaler else None
    return stable if stable and stable != group else ""


def ensure_size(world: World, action: EnsureSize, context: Context) -> Outcome:
    """At least as many as the rule says, dead machines replaced, all of them known to the balancer."""
    if isinstance(action.size, AsFound) and memory(context).measured is None:
        return Seen(seen="this run had changed nothing yet")
    group = world.group(action.group)
    wanted, count = _resolve(world, action.size, context)
    alive = [instance for instance in group.staying if instance.state is not InstanceState.DEAD]
    size = max(wanted, group.size, len(alive))  # no machine ends here that runs
    short, changed = "", True
    try:
        changed = _bring_to(world, group, size, context)
    except UnreachableError:
        raise
    except PhoenixError as error:
        if not action.best_effort:
            raise
        context.say(f"{error.brief}: going on with what is there")
        short = error.brief
    context.renew()
    now = world.group(action.group) if changed else group
    world.traffic.attach(now, between=context.renew)
    new = {i.id for i in now.staying} - {i.id for i in alive}
    started = max(len(new), now.size - len(now.staying))
    return Sized(size=size, started=started, short=short, **_counted(count))


def _bring_to(world: World, group: Group, size: int, context: Context) -> bool:
    """Whether there was anything to do for it."""
    dead = frozenset(i.id for i in group.staying if i.state is InstanceState.DEAD)
    if dead and not world.abilities.heals:
        context.say(f"replacing {', '.join(sorted(dead))}: dead")
        world.groups.end(group.name, dead, size=group.size, between=context.renew)
    lacks = bool(dead) or group.size < size or len(group.staying) < size
    if lacks:
        context.renew()
        world.groups.resize(group.name, size, between=context.renew)
    return lacks


def shrink(world: World, action: Shrink, context: Context) -> Outcome:
    """Take the surplus machines off the balancer, see them finish what they are answering, then end them.

    Dead machines go first, then those that do not answer, then the youngest. A group that somebody has removed is as
    small as can be, and going on is what helps the service.
    """
    group = world.groups.find(action.group)
    if group is None:
        return Gone(gone=action.group)
    size, count = _resolve(world, action.size, context)
    surplus = max(0, len(group.staying) - size)
    if group.size <= size and not surplus:
        return SmallAlready(size=group.size, **_counted(count))
    if context.part is Part.STEPS and not any(isinstance(each, Shrunk) for each in context.came_to):
        guards.fertile(action.group, world.groups.barren(action.group), _INSTEAD)  # the way back needs it to grow
    chosen: list[tuple[Group, frozenset[str]]] = []
    guards.until_fit(lambda: chosen.append(_leaving(world, action, size, context)), clock=world.clock, context=context)
    group, leaving = chosen[-1]
    left = _await_leaving(world, action, context) if world.traffic.retire(group, leaving) else 0
    context.renew()
    world.groups.end(action.group, leaving, size=size, between=context.renew)
    fewer = replace(count, live=count.live - (group.size - size)) if count else None
    return Shrunk(size=size, ended=tuple(sorted(leaving)), left=left, **_counted(fewer))


def _leaving(world: World, action: Shrink, size: int, context: Context) -> tuple[Group, frozenset[str]]:
    """The group as it is now and which machines go; on the way forward only where enough are left."""
    group, route = world.group(action.group), world.route()
    surplus = max(0, len(group.staying) - size)
    backend = route.backend(action.group)
    well = backend.well if backend else frozenset()
    beside = _beside(world, action.group, route) if world.abilities.zones else ()
    spared = context.part is Part.BACK  # there a person's machine is the last to go, however unwell it is

    def rank(each: Instance) -> tuple[bool, bool]:
        return each.id not in action.first, spared and each.inside and each.state is not InstanceState.DEAD

    order = sorted(worst_first(group.staying, well, beside), key=rank)
    leaving = frozenset(instance.id for instance in order[:surplus])
    if context.part is Part.STEPS:
        guards.nobody_inside(group, leaving & frozenset(action.first))
        guards.routes_as_set(route, action.shares, exact=world.manner.exact_shares)
        guards.floor_kept(route, action.group, leaving, memory(context).floor)
    return group, leaving


def _beside(world: World, group: str, route: Route) -> tuple[Instance, ...]:
    """The machines of other groups that serve: a zone in which they are is not empty without this group's."""
    others = [backend for backend in route.backends if backend.share and backend.group != group]
    there = ((backend, world.groups.find(backend.group)) for backend in others)
    return tuple(each for backend, other in there if other for each in other.staying if each.id in backend.well)


def _await_leaving(world: World, action: Shrink, context: Context) -> int:
    """How many requests were still under way at the leaving machines when the time for them was over."""
    under_way = 0

    def look() -> Look:
        nonlocal under_way
        backend = world.route((action.group,)).backend(action.group)
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
            interval=world.manner.look,
            in_a_row=2,
            on_change=context.say,
            between=context.renew,
        )
    except DeadlineError:
        context.say(f"{under_way} requests outlasted the drain of {action.drain:g} s")
    return under_way


def memory(context: Context) -> Memory:
    """What the run's finished steps came to."""
    return Memory(outcomes=context.came_to)


def _resolve(world: World, rule: SizeRule, context: Context) -> tuple[int, Count | None]:
    """The rule on a fresh read, and what was counted for it, for the journal."""
    match rule:
        case Exactly(size=size):
            return size, None
        case AsFound():
            return _as_found(context), None
        case MatchLive(at_least=at_least, share=share):
            count = _count(world, at_least, context)
            return _part(count.whole, share), count
        case Rest(at_least=at_least, share=share):
            count = _count(world, at_least, context)
            return max(1, count.whole - _part(count.whole, share)), count
        case _:
            assert_never(rule)


def _as_found(context: Context) -> int:
    """The size that the stable group had, and what the live size has grown by since."""
    measured = memory(context).measured
    assert measured is not None, "a plan that goes back to what was found has measured it"
    return measured.size + memory(context).grown


def _counted(count: Count | None) -> dict[str, int]:
    return {"whole": count.whole, "live": count.live} if count else {}


def _part(whole: int, share: int) -> int:
    return max(1, ceil(whole * share / 100))


def _count(world: World, at_least: int, context: Context) -> Count:
    """The live size: what this run counted last, and what the live group has grown by since.

    The run itself makes the live group smaller, hence the memory. Somebody who makes it smaller by hand changes
    nothing: the service keeps the size it had.
    """
    measured, counts = memory(context).measured, memory(context).counts
    stable = world.traffic.read(()).stable if measured is None else None
    live = _live_size(world, measured.serving if measured else (stable,) if stable else ())
    if not counts:
        return Count(whole=max(at_least, live), live=live)
    last = counts[-1]
    most = max(live, last.live)  # who came back after a while away is no growth
    return Count(whole=max(at_least, last.whole + most - last.live), live=most)


def _live_size(world: World, names: tuple[str, ...]) -> int:
    """How many machines those groups want now; what is gone wants none."""
    return sum(group.size for name in names if (group := world.groups.find(name)))
