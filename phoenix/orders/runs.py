"""Runs: found by what people call them, begun, gone on with, let go on, undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from phoenix.errors import PhoenixError, RefusedError, SpecError
from phoenix.execute import hooks
from phoenix.execute.claims import claim_unattended, claim_watched
from phoenix.execute.ownership import LEASE, OwnedRun, describe, provably_dead, request_abort
from phoenix.names import Noun
from phoenix.orders import here, kinds, places
from phoenix.orders.advice import has_died, what_next
from phoenix.orders.facts import RunFacts, run_facts
from phoenix.orders.places import Place
from phoenix.orders.planned import Planned, stale_run
from phoenix.orders.site import Site
from phoenix.plan.actions import Plan, to_json
from phoenix.plan.roll_actions import RollAction, roll_plan
from phoenix.record.journal import Part, Run, RunState
from phoenix.record.origin import origin_of
from phoenix.record.store import DamagedError, StoreError
from phoenix.spec import cautions


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOrder:
    """What is to become of a run. `run`: a service, a run's id, or a subject."""

    run: str
    environment: str | None = None
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunResult:
    """The run as it stands now."""

    run: RunFacts


def going(site: Site, named: str, environment: str | None = None) -> Run:
    """The going run that SERVICE, RUN or a subject means; the service need not be in phoenix.yaml any more.

    SpecError where there is neither such a service nor such a run; RefusedError where no run of it goes on, or
    several do; DamagedError where one that cannot be read may be it.
    """
    subject = _subject(site, named, environment)
    if named in site.project.services and subject:
        run = site.history.live_run(subject)
        if run is not None and not run.state.ended:
            return run
    troubles: list[DamagedError] = []
    live = [run for run in site.history.live(troubles.append) if not run.state.ended]
    meant = [run for run in live if named == run.id or (run.subject == subject if subject else _means(named, run))]
    if len(meant) == 1:
        return meant[0]
    if not meant and troubles and named not in site.project.services:
        raise troubles[0]
    if not meant and named not in site.project.services and site.history.run(named) is None:
        raise SpecError(
            f"there is no service and no run '{named}'",
            details=f"services: {', '.join(sorted(site.project.services)) or 'none'}",
            resolution="Name one of these, or a run of `phoenix run list`.",
        )
    raise RefusedError(
        f"{named} names several runs" if meant else f"no run of {named} is going on",
        details=f"runs that are going on: {', '.join(run.id for run in meant or live) or 'none'}",
        resolution="Name one of these." if meant else "See `phoenix status` and `phoenix run list`.",
    )


def going_or_ended(site: Site, named: str, environment: str | None = None) -> Run:
    """The same; a run that has ended is found by its id, too."""
    run = None if named in site.project.services else site.history.run(named)
    return run if run is not None and run.state.ended else going(site, named, environment)


def _subject(site: Site, named: str, environment: str | None) -> str | None:
    """The subject of the service that is named; None where it is an id, or no service any more."""
    if named in site.project.services:
        return places.named(site, named, environment).subject
    return f"{named}/{environment}" if environment else None


def _means(named: str, run: Run) -> bool:
    """Whether a run's id, a subject, or a service that phoenix.yaml no longer has means that run."""
    return named in (run.id, run.subject) or (run.about.noun is Noun.SERVICE and run.about.parts[0] == named)


def carry_out(
    site: Site,
    place: Place,
    *,
    kind: str,
    plan: Plan[RollAction],
    remade: Callable[[], Plan[RollAction]] | None = None,
    why: str = "",
) -> Run:
    """Begin a run of `plan` and walk it to its end. Whatever ends it, the error's facts tell the run.

    `remade` makes the plan again once the subject is taken: if it is another by then, the world has changed
    since the plan was made and RefusedError says so, before the first effect. TakenError where another run has it.
    """
    refuse_unsafe(site, place)
    owned = OwnedRun.begin(
        site.store,
        site.clock,
        kind=kind,
        subject=place.subject,
        plan=to_json(plan),
        why=why,
        origin=origin_of(site.environment),
    )
    with telling(owned):
        try:
            if remade is not None and remade().fingerprint != plan.fingerprint:
                raise stale_run(plan)
            site.say(f"{plan.why}: {len(plan.steps)} steps" if plan.steps else plan.why)
            site.say_logs(owned.run.id)
        except BaseException:
            owned.end(RunState.UNDONE)
            raise
        kinds.of(owned.run).engine(site, owned.run).execute(owned, plan)
    return owned.run


def resume(site: Site, order: RunOrder) -> RunResult:
    """Take over a run whose process has died and go on at its first step without an outcome.

    Raises like the engine does; RefusedError where its process lives, where it waits for a person, or where its
    hooks are other files here.
    """
    run = going(site, order.run, order.environment)
    refuse_unsafe_run(site, run)
    here.refuse_elsewhere(site, run)
    _refuse_to_resume(site, run)
    ended = _go_on(site, run, abort=None) or site.history.run(run.id) or run
    return RunResult(run=run_facts(ended))


def abort(site: Site, order: RunOrder) -> RunResult:
    """Ask a living run to go back, or take a dead one over and walk its way back. No guard refuses that.

    RefusedError where it had passed its commit point.
    """
    run = undo(site, going(site, order.run, order.environment), order.why or "aborted by hand")
    if run.state not in (RunState.UNDONE, RunState.FAILED):
        raise RefusedError(
            f"{run.id} can no longer be undone: it is {run.state}",
            details="it had passed its commit point before it saw the request",
            resolution="`phoenix rollback` goes back to the former group.",
        )
    return RunResult(run=run_facts(run))


def undo(site: Site, run: Run, why: str) -> Run:
    """Undo a going run: ask its process to, or walk the way back where that has died. The run as it ended."""
    still: Run | None = None
    if run.state not in (RunState.HELD, RunState.STUCK) and not provably_dead(run.owner):
        if request_abort(site.store, site.clock, run, why) is None:
            return site.history.run(run.id) or run  # it has ended meanwhile
        site.say(f"asked {describe(run)} to go back")
        seen = _await_end(site, run)
        if seen.state.ended:
            return seen
        still = seen
    try:
        here.refuse_elsewhere(site, run)
        _go_on(site, run, abort=why, still=still)
    except PhoenixError:
        undone = site.history.run(run.id)
        if undone is None or undone.state not in (RunState.UNDONE, RunState.FAILED):
            raise
    return site.history.run(run.id) or run


def plan_promotion(site: Site, order: RunOrder) -> Planned[RunOrder]:
    """What a promotion of the held run would still do, and what is done if that fails."""
    run = _held(site, order)
    plan = roll_plan(run.plan)
    hold, *left = [step for step in plan.steps if run.outcome(Part.STEPS, step.id) is None]
    why = f"{plan.why}: what is left after {hold.id}"
    return Planned(order=replace(order, run=run.id), plan=replace(plan, why=why, steps=tuple(left)))


def promote(site: Site, order: RunOrder) -> RunResult:
    """Give a held run's hold its outcome and walk on. Raises what a roll raises, HeldError among it."""
    run = _held(site, order)
    refuse_unsafe_run(site, run)
    here.refuse_elsewhere(site, run)
    _refuse_other_hooks(site, run)
    owned = claim_unattended(site.store, site.clock, run)
    if owned is None:
        raise RefusedError(
            f"{run.id} is held no longer",
            details="somebody else promoted it, went back or unlocked the service just now",
            resolution=f"See `phoenix run show {run.id}`.",
        )
    with telling(owned):
        kind = kinds.of(owned.run)
        plan = kind.decode(owned.run.plan)
        kind.engine(site, owned.run).promote(owned, plan, owned.run.owner.who, order.why)
    return RunResult(run=run_facts(owned.run))


def _held(site: Site, order: RunOrder) -> Run:
    """The run to promote; RefusedError saying what can be done with one that is not held."""
    run = going_or_ended(site, order.run, order.environment)
    if run.state is not RunState.HELD:
        raise RefusedError(
            f"{run.id} does not wait for anybody: it is {run.state}",
            details=describe(run),
            resolution=f"What can be done: {what_next(run, died=has_died(run))}.",
        )
    return run


@contextmanager
def telling(owned: OwnedRun) -> Iterator[None]:
    """Where the block raises, the error knows the run and its state."""
    try:
        yield
    except PhoenixError as error:
        error.know({"run": owned.run.id, "state": str(owned.run.state)})
        raise


def refuse_unsafe(site: Site, place: Place) -> None:
    """RefusedError on a build server that keeps the state to itself: nobody else would know of the run."""
    cautions.refuse_unshared_state(site.project, place.environment, site.environment)


def refuse_unusable(site: Site, place: Place, *, back: bool = False) -> None:
    """RefusedError where a roll could not end well: `refuse_unsafe`, or what its balancer's `check` says."""
    refuse_unsafe(site, place)
    with site.cloud(place.cloud).sight.look():
        site.traffic(place).check(back=back)


def refuse_unsafe_run(site: Site, run: Run) -> None:
    """The same of a run that is to go on from here."""
    if run.about.noun is Noun.SERVICE:
        refuse_unsafe(site, places.of_run(site, run))


def _go_on(site: Site, run: Run, *, abort: str | None, still: Run | None = None) -> Run | None:
    """Take the run over and walk on, or with `abort` (the reason) back; None where it ended meanwhile.

    `still`: see `claim_watched`.
    """
    owned = claim_watched(site.store, site.clock, run.subject, site.say, run_id=run.id, still=still)
    if owned is None:
        return None
    with telling(owned):
        kinds.of(owned.run).walk(site, owned, abort=abort)
    return owned.run


def _refuse_to_resume(site: Site, run: Run) -> None:
    if run.state is RunState.HELD:
        raise RefusedError(
            f"{run.id} is held: promote or abort",
            details=f"{describe(run)}; it waits for a person's word, not for a process",
            resolution=f"`phoenix promote {run.id}` goes on, `phoenix abort {run.id}` goes back.",
        )
    if run.state is RunState.STUCK:
        raise RefusedError(
            f"{run.id} is stuck and cannot go on",
            details=str(run.errors[-1].data.get("brief")) if run.errors else describe(run),
            resolution=f"`phoenix abort {run.id}` tries its way back again, `phoenix unlock` leaves all as it is.",
        )
    _refuse_other_hooks(site, run)


def _refuse_other_hooks(site: Site, run: Run) -> None:
    """RefusedError where the run's hooks are not, in this checkout, the files that were planned."""
    if run.about.noun is not Noun.SERVICE:
        return
    other = hooks.differing(roll_plan(run.plan), site.project.directory)
    if other:
        raise RefusedError(
            f"the hooks of {run.id} are not those that were planned",
            details=f"other or missing in {site.project.directory}: {', '.join(other)}",
            resolution=f"Go on from the checkout that began it, or `phoenix abort {run.id}`.",
        )


def _await_end(site: Site, run: Run) -> Run:
    """The run as it ended, or as it stands where its process shows no life: its lease stood still for LEASE seconds."""
    seen, still_since = run, site.clock.monotonic()
    while site.clock.monotonic() - still_since < LEASE:
        with suppress(StoreError):  # whoever works on the run may reach the state all the same
            now = site.history.run(run.id)
            if now is not None and now.state.ended:
                return now
            if now is not None and (now.owner, now.lease, now.state) != (seen.owner, seen.lease, seen.state):
                seen, still_since = now, site.clock.monotonic()
        site.clock.sleep(0.5)
    return seen
