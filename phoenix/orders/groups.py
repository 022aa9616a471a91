"""What a person asks of single groups: to see them, to give one traffic or take it away, to resize or burn it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_never

from phoenix.errors import PhoenixError, RefusedError, SpecError
from phoenix.model import Group, Observed
from phoenix.orders import places, runs, status
from phoenix.orders.facts import dump
from phoenix.orders.group_facts import GroupFacts, group_facts
from phoenix.orders.places import Place
from phoenix.orders.planned import Planned
from phoenix.orders.site import Site
from phoenix.orders.tend import make_way, not_burnt
from phoenix.plan import regroup
from phoenix.plan.actions import Plan
from phoenix.plan.roll_actions import RollAction
from phoenix.record.journal import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class EnableOrder:
    """Give the group `share` percent of the traffic, once it is large enough and healthy."""

    group: str
    share: int = 100
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DisableOrder:
    """Take the group's traffic away: for `to`, else for those that serve beside it, or the only other healthy one."""

    group: str
    to: str | None = None
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResizeOrder:
    """Give the group `size` machines. `force`: also fewer than phoenix.yaml says, while it has traffic."""

    group: str
    size: int
    force: bool = False
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteOrder:
    """Drain and burn the group. `force`: also with traffic, where phoenix.yaml no longer has the service; local only.

    `adopt`: also one that phoenix did not make, where the record knows that it served a service of this project.
    """

    group: str
    force: bool = False
    adopt: bool = False
    why: str = ""


Order = EnableOrder | DisableOrder | ResizeOrder | DeleteOrder


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupResult:
    """The group now. `size` and `shares` are None where the cloud or the balancer does not answer any more."""

    changed: bool
    why: str
    group: str
    run: str | None = None
    state: str | None = None
    size: int | None = None
    shares: dict[str, int] | None = None
    deleted: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupList:
    """The groups of every place."""

    groups: tuple[GroupFacts, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupShown:
    """One group with its machines."""

    group: GroupFacts


def listed(site: Site) -> GroupList:
    """Every group with the traffic it gets; one that serves another place, too, as after a renaming, where it was made.

    A cloud that fails hides no other: its error is raised at the end, with the others' groups as its facts.
    """
    whole = status.everything(site)
    now = site.clock.now()
    there = [(group, each.observed.route) for each in whole.seen if each.observed for group in each.observed.groups]
    own = {group.name for group, _route in there if group.made}
    groups = tuple(group_facts(group, route, now) for group, route in there if group.made or group.name not in own)
    errors = whole.errors
    for subject, error in errors:
        site.warn(f"{subject} is unknown: {error.brief}")
    if errors:
        errors[0][1].know({**dump(GroupList(groups=groups)), "unknown": [subject for subject, _error in errors]})
        raise errors[0][1]
    return GroupList(groups=groups)


def show(site: Site, name: str) -> GroupShown:
    """One group. SpecError where there is none of that name, RefusedError where it no longer stands."""
    observed = status.place_of_group(site, name).observed
    assert observed is not None, "the group was seen in it"
    return GroupShown(group=group_facts(_standing(observed, name), observed.route, site.clock.now()))


def size_of(site: Site, name: str) -> int:
    """How many machines the group has. Raises what `show` raises."""
    return show(site, name).group.size


def ready(site: Site, order: Order) -> None:
    """Before a plan that is to be carried out: take over a run of the group's place whose process died."""
    make_way(site, _place(site, order))


def plan(site: Site, order: Order) -> Planned[Order]:
    """What the order comes to now.

    SpecError where there is no such group; RefusedError by a guard.
    """
    place = _place(site, order)
    return Planned(order=order, plan=_decide(site, place, order))


def carry_out(site: Site, asked: Order | Planned[Any]) -> GroupResult:
    """Do it, in a run of its own. Of a plan that was looked at exactly this, or RefusedError where it is stale.

    Raises what a roll raises; CloudError where a group that was to be burnt still stands.
    """
    order: Order = asked.order if isinstance(asked, Planned) else asked
    place = _place(site, order)
    if not isinstance(asked, Planned):
        make_way(site, place)

    def again() -> Plan[RollAction]:
        return _decide(site, place, order)

    decided = asked.plan if isinstance(asked, Planned) and asked.plan is not None else again()
    deleted = order.group if isinstance(order, DeleteOrder) else None
    if decided.empty:
        return GroupResult(changed=False, why=decided.why, group=order.group)
    run = runs.carry_out(site, place, kind=_KINDS[type(order)], plan=decided, remade=again, why=order.why)
    return _result(site, place, order.group, run, decided.why, deleted)


def _place(site: Site, order: Order) -> Place:
    """Where the group stands, or served: one that phoenix did not make nobody but the record may know any more."""
    try:
        return status.place_of_group(site, order.group).place
    except PhoenixError:
        served = places.that_it_served(site, order.group) if isinstance(order, DeleteOrder) else None
        if served is None or site.cloud(served.cloud).groups.find(order.group) is None:
            raise
        return served


_KINDS: dict[type, str] = {EnableOrder: "enable", DisableOrder: "disable", ResizeOrder: "resize", DeleteOrder: "burn"}
"""Which kind of run each order becomes."""


def _decide(site: Site, place: Place, order: Order) -> Plan[RollAction]:
    """The plan on a fresh look."""
    service, environment, observed = place.service, place.environment, site.observed(place)
    match order:
        case EnableOrder():
            return regroup.enable(service, environment, observed, _standing(observed, order.group), order.share)
        case DisableOrder():
            if order.to == order.group:
                raise SpecError(
                    f"{order.group} cannot give its traffic to itself",
                    details=f"--to names {order.to}",
                    resolution="Name another group of the service, or leave --to away.",
                )
            to = _standing(observed, order.to).name if order.to else None
            return regroup.disable(service, environment, observed, order.group, to)
        case ResizeOrder():
            group = _standing(observed, order.group)
            return regroup.resize(service, environment, observed, group, order.size, force=order.force)
        case DeleteOrder():
            known = site.project.services.get(service.name)
            unroute = order.force and (known is None or environment.name not in known.environments)
            unseen = None if observed.group(order.group) else site.cloud(place.cloud).groups.find(order.group)
            group = unseen or _standing(observed, order.group)
            return regroup.delete(service, environment, observed, group, unroute=unroute, adopt=order.adopt)
        case _:
            assert_never(order)


def _standing(observed: Observed, name: str) -> Group:
    """The group of the service; SpecError where it is none of its, RefusedError where it no longer stands."""
    group = observed.group(name)
    if group is None and observed.route.backend(name) is None:
        raise SpecError(
            f"{name} is no group of this service",
            details=f"its groups: {', '.join(each.name for each in observed.groups) or 'none'}",
            resolution="Name one of these.",
        )
    if group is None:
        raise RefusedError(
            f"{name} no longer stands",
            details="the balancer still has it; somebody removed its machines",
            resolution="`phoenix group disable` gives its traffic to another group.",
        )
    return group


def _result(site: Site, place: Place, name: str, run: Run, why: str, deleted: str | None) -> GroupResult:
    """What stands now. What the cloud or the balancer does not answer is None: the run has ended all the same."""
    observed: Observed | None = None
    group: Group | None = None
    try:
        observed = site.observed(place)
        group = observed.group(name) or (site.cloud(place.cloud).groups.find(name) if deleted else None)
    except (PhoenixError, OSError) as error:
        site.warn(f"{run.id} has ended; what stands and serves now could not be seen: {error}")
    if deleted and group is not None:
        raise not_burnt(name, run)
    return GroupResult(
        changed=True,
        why=why,
        group=name,
        run=run.id,
        state=run.state,
        size=(group.size if group else 0) if observed else None,
        shares=dict(observed.route.shares) if observed else None,
        deleted=deleted,
    )
