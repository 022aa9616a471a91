"""What a person does to a single group: give it traffic, take that away, change its size, burn it.

Each is a small plan with its way back. Groups that get more traffic are first made large enough and proven healthy;
nothing is ever left without a group that answers. Hooks are not run: no release changes.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from phoenix import names
from phoenix.errors import RefusedError
from phoenix.manner import Manner
from phoenix.model import Group, Health, InstanceState, Observed
from phoenix.plan.actions import Plan, Step
from phoenix.plan.parts import WHOLE, RollStep, former_of, mark, measure, retire, unpin
from phoenix.plan.roll_actions import (
    DeleteGroup,
    EnsureSize,
    Exactly,
    KeepGroup,
    Measure,
    RollAction,
    SetTraffic,
    Shares,
    Shrink,
    WaitHealthy,
    told,
)
from phoenix.plan.rollback import burn, keep_of, refuse_foreign
from phoenix.spec.services import MOST_MACHINES, EnvironmentSpec, ServiceSpec


def enable(
    service: ServiceSpec, environment: EnvironmentSpec, observed: Observed, group: Group, share: int = WHOLE
) -> Plan[RollAction]:
    """The plan that gives `group` `share` percent; those that serve keep the rest in proportion.

    At 100 they are former groups and kept as after a roll. RefusedError where nobody could take the rest.
    """
    before = observed.route.shares
    others = tuple((name, part) for name, part in before if name != group.name and observed.group(name))
    if share < WHOLE and not observed.manner.exact_shares:
        raise RefusedError(
            f"{group.name} cannot get {share} %",
            details="the balancer has no exact shares: whoever has a share gets what its machines can bear",
            resolution="Leave --share away: it then gets everything.",
        )
    if share < WHOLE and not others:
        raise RefusedError(
            f"nobody could take the other {WHOLE - share} %",
            details=f"beside {group.name} no group of {service.name}/{environment.name} serves",
            resolution=f"Leave --share away: {group.name} then gets everything.",
        )
    after = tuple(sorted((*spread(others, WHOLE - share), (group.name, share))))
    why = f"{group.name} gets {share} % of the traffic; before: {told(before)}"
    return _moved(service, environment, observed, after, why, retires=share == WHOLE)


def disable(
    service: ServiceSpec, environment: EnvironmentSpec, observed: Observed, name: str, to: str | None
) -> Plan[RollAction]:
    """The plan that takes all traffic from `name` and gives it to `to`, or to whoever `_takers` finds.

    The group stays, without a time limit: who took it out wants to look at it. RefusedError where nobody can take it.
    """
    before = observed.route.shares
    if name not in dict(before):
        return _nothing(service, environment, observed, f"{name} gets no traffic already: nothing to do")
    kept = {group: share for group, share in before if group != name}
    takers = ((to, 1),) if to else _takers(service, environment, observed, name)
    for taker, share in spread(takers, WHOLE - sum(kept.values())):
        kept[taker] = kept.get(taker, 0) + share
    after = tuple(sorted(kept.items()))
    names = ", ".join(sorted(group for group, _share in takers))
    why = f"{name} gives its {dict(before)[name]} % to {names}; before: {told(before)}"
    return _moved(service, environment, observed, after, why, retires=False)


def resize(
    service: ServiceSpec,
    environment: EnvironmentSpec,
    observed: Observed,
    group: Group,
    size: int,
    *,
    force: bool = False,
) -> Plan[RollAction]:
    """The plan that gives `group` `size` machines; dead ones are replaced first, all have to be healthy.

    RefusedError below one machine and above what phoenix.yaml allows, and for a group with traffic below what it says
    unless `force`.
    """
    before = observed.route.shares
    refuse_foreign(group, "Resize it with what made it.")
    _enough(environment, group, size, routed=group.name in dict(before), force=force)
    if size == group.size and _whole(group):
        return _nothing(service, environment, observed, f"{group.name} has size {size} already: nothing to do")
    grows = size >= group.size
    steps, back = (_grown if grows else _shrunk)(service, observed.manner, group, size, before)
    return Plan(
        subject=str(names.of_service(service.name, environment.name)),
        why=_resized(group, size),
        steps=steps,
        back=back,
        fingerprint=mark(service, environment, observed, group.name, str(size)),
    )


def renew(
    service: ServiceSpec, environment: EnvironmentSpec, observed: Observed, group: Group, instance: str
) -> Plan[RollAction]:
    """The plan that ends `instance` of a group once another machine is proven in its place; the size stays."""
    before, manner, whole = observed.route.shares, observed.manner, replace(service, min_healthy=WHOLE)
    shrink = _shrink(service, manner, "end", group.name, group.size, before)
    assert isinstance(shrink.action, Shrink)
    return Plan(
        subject=str(names.of_service(service.name, environment.name)),
        why=f"{instance} gives its place in {group.name} to a new machine",
        steps=(
            *(measure(service, manner, group) if group.name in dict(before) else ()),
            Step(
                id="grow",
                action=EnsureSize(group=group.name, size=Exactly(size=group.size + 1)),
                deadline=manner.create,
            ),
            _healthy(whole, "healthy", group.name, service.health),  # every one: the new machine is among them
            replace(shrink, action=replace(shrink.action, first=(instance,))),
        ),
        back=(_shrink(service, manner, "size-as-before", group.name, group.size, before),),
        fingerprint=mark(service, environment, observed, group.name, instance),
    )


def delete(
    service: ServiceSpec,
    environment: EnvironmentSpec,
    observed: Observed,
    group: Group,
    *,
    unroute: bool = False,
    adopt: bool = False,
) -> Plan[RollAction]:
    """The plan that burns `group`. RefusedError while it has traffic, unless `unroute`.

    `unroute` is for a service that phoenix.yaml no longer has: with its last group gone nobody answers. Not on a cloud,
    where nobody but phoenix.yaml says which route that is. `adopt`: also a group that phoenix did not make.
    """
    plan = burn(service, environment, observed, (group,), adopt=adopt)
    before, manner = observed.route.shares, observed.manner
    if group.name not in dict(before):
        return plan
    if not (unroute and observed.abilities.here_only):
        local = observed.abilities.here_only
        then = "`--force` burns it all the same" if local else "give it to others at the load balancer itself"
        raise RefusedError(
            f"{group.name} serves {dict(before)[group.name]} % of the traffic and is not deleted",
            details=f"it is a serving group of {service.name}/{environment.name}",
            resolution="`phoenix group disable` gives its traffic to another; where phoenix.yaml no longer has the "
            f"service, {then}.",
        )
    rest = spread(tuple((name, share) for name, share in before if name != group.name), WHOLE)
    shift = SetTraffic(shares=rest, known=(before, rest))
    first: RollStep = Step(id="take-traffic-away", action=shift, deadline=manner.quick + manner.settles)
    return replace(plan, cleanup=(first, *plan.cleanup))


def spread(weights: Shares, total: int) -> Shares:
    """`total` percent in proportion to the weights, in whole percents; who would get none is left out."""
    whole = sum(weight for _name, weight in weights)
    parts = {name: total * weight // whole for name, weight in weights}
    by_remainder = sorted(weights, key=lambda each: (-(total * each[1] % whole), -each[1], each[0]))
    for name, _weight in by_remainder[: total - sum(parts.values())]:
        parts[name] += 1
    return tuple((name, part) for name, part in parts.items() if part)


def _takers(service: ServiceSpec, environment: EnvironmentSpec, observed: Observed, name: str) -> Shares:
    """Who takes the traffic of `name`: the others that serve, else the only other healthy group at the balancer."""
    healthy = {b.group: b.share for b in observed.route.backends if b.healthy and observed.group(b.group)}
    healthy.pop(name, None)
    serving = tuple((group, share) for group, share in healthy.items() if share)
    if serving:
        return serving
    if not healthy:
        raise RefusedError(
            f"nobody else could take the traffic of {name}",
            details=f"no other group of {service.name}/{environment.name} is healthy at the balancer",
            resolution=f"`phoenix roll {service.name}` starts another; `phoenix down` stops everything.",
        )
    if len(healthy) > 1:
        raise RefusedError(
            f"it is not clear who takes the traffic of {name}",
            details=f"healthy, without traffic: {', '.join(healthy)}",
            resolution="Name one of these with --to.",
        )
    return tuple((group, 1) for group in healthy)


def _moved(
    service: ServiceSpec, environment: EnvironmentSpec, observed: Observed, after: Shares, why: str, *, retires: bool
) -> Plan[RollAction]:
    """Make those that get more large enough, prove them, move the traffic in one write."""
    before, shares, manner = observed.route.shares, dict(after), observed.manner
    if before == after:
        return _nothing(service, environment, observed, f"shares are {told(after)} already: nothing to do")
    gaining = tuple(g for g in observed.groups if shares.get(g.name, 0) > dict(before).get(g.name, 0))
    losing = tuple(g for g in observed.groups if g.name in dict(before) and g.name not in shares) if retires else ()
    vanished = tuple(name for name, _share in before if name not in shares and observed.group(name) is None)
    sizes = {group.name: _needed(environment, observed, shares[group.name]) for group in gaining}
    grows = {group.name: group.size < sizes[group.name] or not _whole(group) for group in gaining}
    former = former_of(observed, after[0][0]) if len(after) == 1 else None
    shift = SetTraffic(shares=after, known=(before, after), former=former, min_healthy=service.min_healthy)
    return Plan(
        subject=str(names.of_service(service.name, environment.name)),
        why=why,
        steps=(
            *_measured(service, observed),
            *(
                step
                for group in gaining
                for step in _readied(service, manner, group, sizes[group.name], grows[group.name])
            ),
            Step(id="shift", action=shift, deadline=manner.quick + manner.settles),
            *(_unlabel(group, manner) for group in gaining),
        ),
        back=(
            Step(
                id="routes-as-before",
                action=SetTraffic(shares=before, known=(before, after)),
                deadline=manner.quick + manner.settles,
            ),
            *(
                step
                for group in gaining
                for step in _as_it_was(service, manner, environment, group, grows[group.name], before)
            ),
            *(step for group in gaining for step in unpin(observed, f"unpin-{group.name}-again", group.name)),
        ),
        cleanup=(
            *(
                replace(step, id=f"{step.id}-{group.name}")
                for group in losing
                if group.made
                for step in retire(service, manner, group, keep_of(environment))
            ),
            *(step for group in gaining for step in unpin(observed, f"unpin-{group.name}", group.name)),
            *(_forget(name, manner) for name in vanished),
        ),
        fingerprint=mark(service, environment, observed, repr(after)),
    )


def _measured(service: ServiceSpec, observed: Observed) -> tuple[RollStep, ...]:
    """The floor: where several groups serve, as many as the largest has. Others beside a stable group are a surplus,
    and taking a bad canary out is not to wait for machines that nobody needs.
    """
    stable, sizes, manner = observed.stable, _serving(observed), observed.manner
    if stable is None or len(sizes) < 2:
        return measure(service, manner, stable)
    percent = (service.min_healthy or WHOLE) * max(sizes) // sum(sizes)
    return (Step(id="measure", action=Measure(group=stable.name, min_healthy=percent), deadline=manner.quick),)


def _needed(environment: EnvironmentSpec, observed: Observed, share: int) -> int:
    """How many machines a group needs for that share of what the largest serving group, or phoenix.yaml, has."""
    return ceil(max(environment.size.minimum, *_serving(observed), 1) * share / WHOLE)


def _serving(observed: Observed) -> list[int]:
    """The sizes of the groups that stand and have traffic."""
    routed = dict(observed.route.shares)
    return [group.size for group in observed.groups if group.name in routed]


def _readied(service: ServiceSpec, manner: Manner, group: Group, size: int, grows: bool) -> tuple[RollStep, ...]:
    """Large enough, healthy: steadily where machines have to be started, else on one look."""
    ensure = EnsureSize(group=group.name, size=Exactly(size=size))
    health = service.health if grows else _one_look(service)
    return (
        Step(id=f"size-{group.name}", action=ensure, deadline=manner.create),
        _healthy(service, f"healthy-{group.name}", group.name, health),
    )


def _as_it_was(
    service: ServiceSpec, manner: Manner, environment: EnvironmentSpec, group: Group, grows: bool, before: Shares
) -> tuple[RollStep, ...]:
    steps: list[RollStep] = []
    if grows:
        steps.append(_shrink(service, manner, f"size-as-before-{group.name}", group.name, group.size, before))
    if group.keep_until is not None:
        label = KeepGroup(group=group.name, seconds=keep_of(environment), anew=False)
        steps.append(Step(id=f"label-{group.name}", action=label, deadline=manner.quick))
    return tuple(steps)


def _grown(
    service: ServiceSpec, manner: Manner, group: Group, size: int, before: Shares
) -> tuple[tuple[RollStep, ...], tuple[RollStep, ...]]:
    ensure = EnsureSize(group=group.name, size=Exactly(size=size))
    steps: tuple[RollStep, ...] = (
        *(measure(service, manner, group) if group.name in dict(before) else ()),
        Step(id="grow", action=ensure, deadline=manner.create),
        _healthy(service, "healthy", group.name, service.health),
    )
    if size == group.size:  # dead machines are replaced: there is no way back from that, and none is needed
        return steps, ()
    return steps, (_shrink(service, manner, "size-as-before", group.name, group.size, before),)


def _shrunk(
    service: ServiceSpec, manner: Manner, group: Group, size: int, before: Shares
) -> tuple[tuple[RollStep, ...], tuple[RollStep, ...]]:
    """A group with traffic is whole and healthy before machines go: so whichever go, healthy ones are left.

    The floor is what the person asked for, and no longer what serves today.
    """
    whole = EnsureSize(group=group.name, size=Exactly(size=group.size))
    shrink = _shrink(service, manner, "shrink", group.name, size, before)
    back: tuple[RollStep, ...] = (Step(id="size-as-before", action=whole, deadline=manner.create),)
    if group.name not in dict(before):
        return (shrink,), back
    floor = Measure(group=group.name, min_healthy=max(1, WHOLE * size // group.size))
    steps: tuple[RollStep, ...] = (
        Step(id="measure", action=floor, deadline=manner.quick),
        Step(id="whole", action=whole, deadline=manner.create),
        _healthy(service, "healthy", group.name, _one_look(service)),
        shrink,
        _healthy(service, "still-healthy", group.name, _one_look(service)),
    )
    return steps, (*back, _healthy(service, "healthy-as-before", group.name, _one_look(service)))


def _enough(environment: EnvironmentSpec, group: Group, size: int, *, routed: bool, force: bool) -> None:
    if size < 1:
        raise RefusedError(
            f"{group.name} cannot have size {size}",
            details="a group has one machine at least",
            resolution="`phoenix group delete` burns it.",
        )
    most = environment.size.maximum if environment.size.maximum > environment.size.minimum else MOST_MACHINES
    if size > most:
        raise RefusedError(
            f"{group.name} is not made larger than phoenix.yaml allows",
            details=f"size {size} is asked for; in the environment {environment.name} a group has {most} at most",
            resolution="Ask for fewer, or change `size` in phoenix.yaml first."
            if most < MOST_MACHINES
            else "Ask for fewer: no group has more.",
        )
    if routed and size < environment.size.minimum and not force:
        raise RefusedError(
            f"{group.name} serves and is not made smaller than phoenix.yaml says",
            details=f"size {size} is asked for; that of the environment {environment.name} is "
            f"{environment.size.minimum} at least",
            resolution="Change `size` in phoenix.yaml, or say --force: the next roll makes it larger again.",
        )


def _shrink(service: ServiceSpec, manner: Manner, step: str, group: str, size: int, shares: Shares) -> RollStep:
    action = Shrink(group=group, size=Exactly(size=size), drain=service.drain, shares=shares)
    return Step(id=step, action=action, deadline=service.drain + manner.create)


def _unlabel(group: Group, manner: Manner) -> RollStep:
    return Step(id=f"unlabel-{group.name}", action=KeepGroup(group=group.name, seconds=None), deadline=manner.quick)


def _forget(name: str, manner: Manner) -> RollStep:
    return Step(id=f"forget-{name}", action=DeleteGroup(group=name), deadline=manner.create)


def _healthy(service: ServiceSpec, step: str, group: str, health: Health) -> RollStep:
    return Step(
        id=step,
        action=WaitHealthy(group=group, health=health, min_healthy=service.min_healthy),
        deadline=service.health.deadline,
    )


def _one_look(service: ServiceSpec) -> Health:
    return replace(service.health, healthy_after=0.0)


def _whole(group: Group) -> bool:
    alive = [instance for instance in group.staying if instance.state is not InstanceState.DEAD]
    return len(alive) >= group.size


def _nothing(service: ServiceSpec, environment: EnvironmentSpec, observed: Observed, why: str) -> Plan[RollAction]:
    fingerprint = mark(service, environment, observed, why)
    return Plan(subject=str(names.of_service(service.name, environment.name)), why=why, fingerprint=fingerprint)


def _resized(group: Group, size: int) -> str:
    if size == group.size:
        return f"{group.name} gets new machines for those that are gone or dead; its size stays {size}"
    return f"{group.name} gets size {size}; before: {group.size}"
