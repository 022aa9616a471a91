"""Rolling back: the roll that is under way is aborted, else traffic goes to what served before, in a run of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from phoenix.execute.ownership import describe
from phoenix.orders import goals, places, plan_file, planned, release, runs, turn
from phoenix.orders.goals import Goal
from phoenix.orders.places import Place
from phoenix.orders.planned import Decided, Planned
from phoenix.orders.serving import Serving, serving
from phoenix.orders.site import Site
from phoenix.orders.tend import make_way
from phoenix.plan.actions import Plan
from phoenix.plan.roll_actions import RollAction, roll_plan
from phoenix.record.journal import Run, RunState

KIND = "rollback"


@dataclass(frozen=True, kw_only=True, slots=True)
class RollbackOrder:
    """Go back. `to`: a group or an image instead of what served before; `packages`: `NAME=VERSION` instead of its own.

    `wait`: seconds to wait for another run (None: not at all).
    """

    service: str
    environment: str | None = None
    to: str | None = None
    packages: tuple[str, ...] = ()
    wait: float | None = None
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RollbackResult:
    """What serves now. `aborted`: the roll that was under way, where undoing it was all there was to do."""

    changed: bool
    subject: str
    why: str
    run: str | None
    state: str | None
    group: str | None
    aborted: str | None = None
    serves: Serving | None = None
    """As of a roll."""


def plan(site: Site, order: RollbackOrder) -> Planned[RollbackOrder]:
    """What would be done now. Where a roll would be aborted it names that, and cannot be saved."""
    place = places.named(site, order.service, order.environment)
    run = _roll_under_way(site, place)
    if run is not None and run.state is not RunState.COMMITTED:
        back = roll_plan(run.plan)
        why = f"{run.id} is {run.state}: it is aborted"
        return Planned(order=order, plan=replace(back, why=why, steps=back.back, back=(), cleanup=()), aborts=run.id)
    observed = site.observed(place)
    goal = goals.find(site, place, observed, order.to, order.packages, dry=True)
    decided = Decided(kind=KIND, release=goal.release, group=goal.group, former=goal.former)
    return Planned(order=order, plan=goals.plan(place, observed, goal), decided=decided)


def saved(site: Site, file: Path, order: RollbackOrder) -> Planned[RollbackOrder]:
    """The plan that `plan_file.write` has written for this service; it decides all the rest."""
    place = places.named(site, order.service, order.environment)
    return plan_file.read(file, order, KIND, place.subject)


def carry_out(site: Site, asked: RollbackOrder | Planned[RollbackOrder]) -> RollbackResult:
    """Go back; of a plan that was looked at exactly this way. Raises like a roll."""
    order = asked.order if isinstance(asked, Planned) else asked
    seen = asked if isinstance(asked, Planned) and not asked.aborts else None
    place = places.named(site, order.service, order.environment)
    runs.refuse_unusable(site, place, back=True)
    for done in site.cloud(place.cloud).mend(place.name):
        site.say(done)
    aborted = _abort(site, place, order)
    goes_somewhere_else = order.to is not None or bool(order.packages) or seen is not None
    if aborted is not None and not goes_somewhere_else:
        return aborted
    return turn.in_turn(site, place, order.wait, lambda: _carry_out(site, place, order, seen))


def _roll_under_way(site: Site, place: Place) -> Run | None:
    """The roll that has the place. Never a rollback: to abort that would bring back what somebody fled from."""
    run = site.history.live_run(place.subject)
    return run if run is not None and run.kind == "roll" and not run.state.ended else None


def _abort(site: Site, place: Place, order: RollbackOrder) -> RollbackResult | None:
    """Abort the roll that is under way or held; None where there is none, or where it had been done by then."""
    run = _roll_under_way(site, place)
    if run is None:
        return None
    site.say(f"aborting {describe(run)}: that is the way back to what served before it")
    ended = runs.undo(site, run, order.why or "rolled back by hand")
    if ended.state is not RunState.UNDONE:
        site.say(f"{ended.id} had passed its commit point: going back from what it brought")
        return None
    return _done(site, place, ended, f"{ended.id} is {ended.state}: routes are as before it", aborted=ended.id)


def _carry_out(site: Site, place: Place, order: RollbackOrder, seen: Planned[RollbackOrder] | None) -> RollbackResult:
    before = site.history.live_run(place.subject)
    make_way(site, place)
    anywhere = order.to is None and not order.packages and seen is None
    if before is not None and before.kind == KIND and anywhere:
        ended = site.history.run(before.id)
        if ended is not None and ended.state is RunState.DONE:
            return _done(site, place, ended, f"{ended.id}, whose process had died, was finished")
    with site.cloud(place.cloud).sight.look():  # the plan is made again, on another one, once the place is taken
        if seen is not None and seen.plan is not None:
            goal, wanted = _as_seen(site, place, seen), seen.plan
        else:
            observed = site.observed(place)
            goal = goals.find(site, place, observed, order.to, order.packages, dry=False)
            wanted = goals.plan(place, observed, goal)
    if wanted.empty:
        now = serving(site, place, None)
        group = now.group if now else None
        return RollbackResult(changed=False, subject=place.subject, why=wanted.why, run=None, state=None, group=group)
    run = runs.carry_out(site, place, kind=KIND, plan=wanted, remade=lambda: _decide(site, place, goal), why=order.why)
    return _done(site, place, run, wanted.why)


def _done(site: Site, place: Place, run: Run, why: str, *, aborted: str | None = None) -> RollbackResult:
    serves = serving(site, place, run)
    return RollbackResult(
        changed=True,
        subject=place.subject,
        why=why,
        run=run.id,
        state=run.state,
        group=serves.group if serves else None,
        aborted=aborted,
        serves=serves,
    )


def _as_seen(site: Site, place: Place, seen: Planned[RollbackOrder]) -> Goal:
    """Where a plan goes. RefusedError where today it would be another plan, or could not be carried out."""
    assert seen.plan is not None, "a rollback bakes nothing"
    assert seen.decided is not None, "only an abort has none"
    goal = Goal(group=seen.decided.group, release=seen.decided.release, former=seen.decided.former)
    planned.refuse_stale(seen.plan, _decide(site, place, goal), site.project.directory)
    if goal.release and release.startable(site, place, goal.release, dry=False) != goal.release:
        raise planned.stale(seen.plan, "a repository has another address or key by now")
    return goal


def _decide(site: Site, place: Place, goal: Goal) -> Plan[RollAction]:
    return goals.plan(place, site.observed(place), goal)
