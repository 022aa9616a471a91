"""What must be true before a roll writes, looked at freshly each time. Each guard raises, or says nothing.

Guards of routes and sizes hold on the way forward only. The way back is refused by `served_from`, for routing
everything to nothing is no way back, and by those that keep a group from being deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil

from phoenix.clock import Clock
from phoenix.errors import CloudError, OverriddenError, RefusedError
from phoenix.execute.engine import Context
from phoenix.model import Backend, Group, Route
from phoenix.plan.roll_actions import SetTraffic, Shares, told
from phoenix.wait import DeadlineError, Look, Verdict, wait_for

BLINK = 20.0
"""Seconds for which a guard is asked again: a machine that missed a check passes the next ones within."""


class UnfitError(CloudError):
    """A group is not fit for what was to be done with it: just now, which may pass."""


def until_fit(check: Callable[[], None], *, clock: Clock, context: Context) -> None:
    """Say `check` again while it raises UnfitError: a machine that misses one check must not undo a roll."""
    said: list[UnfitError] = []

    def look() -> Look:
        try:
            check()
        except UnfitError as error:
            said.append(error)
            return Look(verdict=Verdict.UNKNOWN, seen=f"{error.brief}: {error.details}")
        return Look(verdict=Verdict.PASS, seen="")

    try:
        wait_for(
            "a group being fit",
            look,
            clock=clock,
            deadline=BLINK,
            on_change=lambda seen: context.say(seen) if seen else None,
            between=context.renew,
        )
    except DeadlineError as error:
        raise said[-1] from error


def floor_of(healthy: int, min_healthy: int | None) -> int:
    """How many healthy machines must have traffic at any moment, where `healthy` had it at the start.

    `min_healthy` in percent; None is 100 below ten machines and 90 from there: in a large group one is always
    being replaced.
    """
    percent = min_healthy if min_healthy is not None else 100 if healthy < 10 else 90
    return ceil(healthy * percent / 100)


def same_routes(one: Shares, other: Shares, *, exact: bool) -> bool:
    """Whether shares are the same; where they are not exact, whether the same groups have some."""
    if exact:
        return tuple(sorted(one)) == tuple(sorted(other))
    return {name for name, share in one if share} == {name for name, share in other if share}


def unchanged_routes(action: SetTraffic, route: Route, *, exact: bool = True) -> None:
    """Shares are as this run set them last, or as it is about to set them: done before its process died."""
    if action.known:
        known = [tuple(sorted(shares)) for shares in action.known]
        wanted = known.index(tuple(sorted(action.shares)))
        routes_as_set(route, *known[max(0, wanted - 1) : wanted + 1], exact=exact)


def routes_as_set(route: Route, *expected: Shares, exact: bool = True) -> None:
    """Shares are one of those: nobody but this run has moved traffic."""
    now = route.shares
    if not any(same_routes(now, shares, exact=exact) for shares in expected):
        raise OverriddenError(
            "somebody else has moved traffic",
            details=f"shares are {told(now)}{_elsewhere(route)}; this run had set {told(tuple(sorted(expected[0])))}",
            resolution="Nothing was undone. Decide by hand: `phoenix abort` puts the routes back as they were before "
            "the run, `phoenix unlock` leaves them as they are.",
        )


def _elsewhere(route: Route) -> str:
    return f", and traffic goes to {route.elsewhere}" if route.elsewhere else ""


def warm(group: str, look: Look) -> None:
    """No share for a group that is not healthy on a fresh look."""
    if look.verdict is not Verdict.PASS:
        raise UnfitError(
            f"{group} is not healthy enough for traffic",
            details=look.seen,
            resolution="Nothing was routed to it.",
        )


def fertile(group: str, why: str, resolution: str = "") -> None:
    """No share for a group that could replace no machine, and none is made smaller that could not grow again. `why`
    it could not: waiting does not help.
    """
    if why:
        raise CloudError(
            f"{group} can start no machine any more",
            details=f"{why}: it could neither replace one that is lost nor grow",
            resolution=resolution
            or "Roll again: the new group gets a launch template of its own. Find out who deletes launch templates.",
        )


def large_enough(group: str, share: int, backend: Backend | None, floor: int) -> None:
    """A group that gets a share has the part of the floor that the share stands for."""
    healthy, needed = backend.healthy if backend else 0, ceil(share * floor / 100)
    if healthy < needed:
        raise UnfitError(
            f"{group} is too small for {share} % of the traffic",
            details=f"{healthy} of its machines are healthy, {needed} are needed: {floor} serve now at least",
            resolution="Nothing was routed to it.",
        )


def answers(group: str, backend: Backend | None) -> None:
    """No share for a group of which no machine is healthy."""
    if backend is None or not backend.healthy:
        raise UnfitError(
            f"{group} does not answer",
            details="no machine of it passes the balancer's check",
            resolution="Nothing was routed to it.",
        )


def floor_kept(route: Route, group: str, leaving: frozenset[str], floor: int) -> None:
    """Without the `leaving` machines of `group` as many healthy ones have traffic as the floor says, and it has one."""
    serving = {backend.group: backend.well for backend in route.backends if backend.share}
    mine = serving.get(group, frozenset())
    left = sum(len(well - leaving if name == group else well) for name, well in serving.items())
    if left < floor or (mine and not mine - leaving):
        raise UnfitError(
            f"{group} is not made smaller",
            details=f"{left} healthy machines would serve then, {len(mine - leaving)} of them its own; "
            f"the floor is {floor}",
            resolution="See `phoenix status` for the machines that are not healthy.",
        )


def nobody_inside(group: Group, leaving: frozenset[str]) -> None:
    """A machine is not ended for what somebody did in it while somebody is inside of it again."""
    busy = [each.id for each in group.staying if each.id in leaving and each.inside]
    if busy:
        raise RefusedError(
            f"{', '.join(busy)} was not replaced: somebody is inside of it",
            details="they got in while the machine that is to take its place was started",
            resolution="`phoenix tend` replaces it later; `phoenix group show` says who it is.",
        )


def served_from(shares: Mapping[str, int], route: Route) -> None:
    """Traffic does not go back to groups of which no machine answers, while another answers."""
    healthy = {backend.group: backend.healthy for backend in route.backends}
    others = any(backend.share and backend.healthy for backend in route.backends if backend.group not in shares)
    if shares and others and not any(healthy.get(name) for name in shares):
        raise OverriddenError(
            f"{', '.join(shares)} served before and does not answer any more",
            details="while this run went on it was removed, or its machines died; what serves now was left as it is",
            resolution="See `phoenix status`; `phoenix abort` tries again, `phoenix unlock` leaves things as they are "
            "and lets the service be rolled again.",
        )


def not_routed(group: str, backend: Backend | None) -> None:
    """A group with traffic is neither labelled as former nor deleted."""
    if backend and backend.share:
        raise RefusedError(
            f"{group} serves {backend.share} % of the traffic: it is no former group",
            details="somebody gave it traffic after this run had taken it away",
            resolution="See `phoenix status` and decide which group serves.",
        )


def owned(group: Group, project: str, service: str, environment: str) -> None:
    """Phoenix deletes only what it made for this service."""
    if not group.made or (group.project, group.service, group.environment) != (project, service, environment):
        raise RefusedError(
            f"{group.name} belongs to {group.project}: {group.service}/{group.environment}"
            if group.made
            else f"phoenix did not make {group.name}",
            details="phoenix deletes only what it made for this service",
            resolution="Remove it by its own project.",
        )


def expendable(group: Group, run: str, *, committed: bool) -> None:
    """Before the commit point a run deletes only what it made itself; after it, only what bears the label."""
    if not committed and group.run and group.run != run:
        raise RefusedError(
            f"{group.name} was made by {group.run} and is not deleted",
            details="a run that goes back takes away only what it made itself",
            resolution="See `phoenix status` and decide which group serves.",
        )
    if committed and group.keep_until is None:
        raise RefusedError(
            f"{group.name} is not labelled as a former group and is not deleted",
            details="its label was taken off after this run had written it",
            resolution="See `phoenix status` and decide which group serves.",
        )
