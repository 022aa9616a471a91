"""What roll, rollback, resume, abort and tend share: beginning a run, taking one over, doing what is due."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from phoenix.cli.places import is_here, place_of_run, refuse_elsewhere, subject_of
from phoenix.cli.preflight import refuse_other_hooks, refuse_unsafe
from phoenix.clouds.api import Say
from phoenix.errors import CloudError, HeldError, PhoenixError, RefusedError, SpecError
from phoenix.execute.ownership import LEASE, OwnedRun, describe, provably_dead, request_abort, taken
from phoenix.model import CloudKind, Group, Observed, Place
from phoenix.plan.actions import Plan, bake_plan, publish_plan, roll_plan, to_json
from phoenix.plan.due import due, idle, overdue_pins
from phoenix.plan.roll_actions import RollAction
from phoenix.plan.rollback import burn, give_back
from phoenix.record.journal import Run, RunState
from phoenix.record.store import StoreError
from phoenix.spec.services import EnvironmentSpec, ServiceSpec

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring

ROLLS = ("roll", "rollback", "burn", "enable", "disable", "resize")
"""Kinds of runs that change groups and routing."""


def carry_out(
    wiring: Wiring,
    service: ServiceSpec,
    environment: EnvironmentSpec,
    *,
    kind: str,
    plan: Plan[RollAction],
    remade: Any = None,
    why: str = "",
) -> Run:
    """Begin a run of `plan` and walk it to its end. Whatever ends it, the JSON result tells the run.

    `remade` makes the plan again once the subject is taken: if it is another by then, the world has changed
    since the plan was made and RefusedError says so, before the first effect. TakenError where another run has it.
    """
    refuse_unsafe(wiring, environment)
    owned = OwnedRun.begin(
        wiring.store, wiring.clock, kind=kind, subject=subject_of(service, environment), plan=to_json(plan), why=why
    )
    with told(wiring, owned):
        try:
            if remade is not None and remade().fingerprint != plan.fingerprint:
                raise RefusedError(
                    f"the plan for {plan.subject} is stale",
                    details="groups or routes have changed since it was made",
                    resolution="Run the command again: it plans anew.",
                )
            wiring.session.out.say(f"{plan.why}: {len(plan.steps)} steps" if plan.steps else plan.why)
        except BaseException:
            owned.end(RunState.UNDONE)
            raise
        wiring.roll_engine(service, environment).execute(owned, plan)
    return owned.run


def seen(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec) -> tuple[str | None, str | None]:
    """What serves and what served before, for the result of a run that has ended; a silent balancer is only told."""
    try:
        observed = wiring.observed(service, environment)
    except PhoenixError as error:
        wiring.session.out.warn(f"the run has ended; what serves now could not be asked: {error.brief}")
        return None, None
    return observed.route.stable, observed.former


@contextmanager
def told(wiring: Wiring, owned: OwnedRun) -> Iterator[None]:
    """Where the block raises, the JSON object tells the run beside the error: its `run` id and its `state`."""
    try:
        yield
    except PhoenixError:
        wiring.session.out.evidence({"run": owned.run.id, "state": owned.run.state})
        raise


def refuse_taken(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec) -> None:
    """TakenError where a run has the service: said before anything that takes long, such as a bake."""
    run = wiring.history.live_run(subject_of(service, environment))
    if run is not None and not run.state.ended:
        raise taken(run)


def find_live(wiring: Wiring, named: str, environment: str | None) -> Run:
    """The going run that a SERVICE or RUN on the command line means; RefusedError where there is none."""
    if named in wiring.project.services:
        service = wiring.project.service(named)
        subject = subject_of(service, wiring.project.environment(service, environment))
        run = wiring.history.live_run(subject)
    else:
        run = next((r for r in wiring.history.live(lambda _trouble: None) if named in (r.id, r.subject)), None)
        if run is None and wiring.history.run(named) is None:
            raise SpecError(
                f"there is no service and no run '{named}'",
                details=f"services: {', '.join(sorted(wiring.project.services)) or 'none'}",
                resolution="Name one of these, or a run of `phoenix run list`.",
            )
    if run is None or run.state.ended:
        raise RefusedError(
            f"no run of {named} is going on",
            details="there is nothing to resume or to undo",
            resolution="See `phoenix run list`.",
        )
    if run.kind in ROLLS:
        refuse_unsafe(wiring, place_of_run(wiring, run)[1])
    return run


def go_on(wiring: Wiring, run: Run, *, abort: str | None, still: Run | None = None) -> Run | None:
    """Take the run over and resume it, or with `abort` (the reason) walk its way back.

    None where it ended meanwhile. `still`: see `OwnedRun.take_over`.

    Raises like the engine does; RefusedError where its process lives, and to resume
    one that waits for a person, or whose hooks are other files here.
    """
    refuse_elsewhere(wiring, run)
    if abort is None:
        _refuse_to_resume(wiring, run)
    owned = OwnedRun.take_over(
        wiring.store, wiring.clock, run.subject, wiring.session.out.say, only=run.id, still=still
    )
    if owned is None:
        return None
    with told(wiring, owned):
        _walk(wiring, owned, abort)
    return owned.run


def _refuse_to_resume(wiring: Wiring, run: Run) -> None:
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
    if run.kind in ROLLS:
        refuse_other_hooks(wiring, run)


def _walk(wiring: Wiring, owned: OwnedRun, abort: str | None) -> None:
    """Walk the owned run with the engine of its kind."""
    kind, data = owned.run.kind, owned.run.plan
    if kind in ROLLS:
        engine = wiring.roll_engine(*place_of_run(wiring, owned.run))
        plan = roll_plan(data)
        engine.execute(owned, plan) if abort is None else engine.abort(owned, plan, abort)
    elif kind == "bake":
        bakes, bake = wiring.bake_engine(owned.run.subject.split("/")[1]), bake_plan(data)
        bakes.execute(owned, bake) if abort is None else bakes.abort(owned, bake, abort)
    else:
        publications, publication = wiring.publish_engine(), publish_plan(data)
        if abort is None:
            publications.execute(owned, publication)
        else:
            publications.abort(owned, publication, abort)


def undo_live(wiring: Wiring, run: Run, why: str) -> Run:
    """Undo a going run: ask its process to, or walk the way back where that has died. The run as it ended."""
    still: Run | None = None
    if run.state not in (RunState.HELD, RunState.STUCK) and not provably_dead(run.owner):
        if request_abort(wiring.store, wiring.clock, run, why) is None:
            return wiring.history.run(run.id) or run  # it has ended meanwhile
        wiring.session.out.say(f"asked {describe(run)} to go back")
        seen = _await_end(wiring, run)
        if seen.state.ended:
            return seen
        still = seen
    try:
        go_on(wiring, run, abort=why, still=still)
    except PhoenixError:
        undone = wiring.history.run(run.id)
        if undone is None or undone.state is not RunState.UNDONE:
            raise
    return wiring.history.run(run.id) or run


def _await_end(wiring: Wiring, run: Run) -> Run:
    """The run as it ended, or as it stands where its process shows no life: its lease stood still for LEASE seconds."""
    seen, still_since = run, wiring.clock.monotonic()
    while wiring.clock.monotonic() - still_since < LEASE:
        with suppress(StoreError):  # whoever works on the run may reach the state all the same
            now = wiring.history.run(run.id)
            if now is not None and now.state.ended:
                return now
            if now is not None and (now.owner, now.lease, now.state) != (seen.owner, seen.lease, seen.state):
                seen, still_since = now, wiring.clock.monotonic()
        wiring.clock.sleep(0.5)
    return seen


def due_groups(wiring: Wiring, observed: Observed) -> tuple[Group, ...]:
    """The groups that are to be burnt now (`plan.due`), by the clock and the record."""
    return due(observed, wiring.clock.now(), undone_among(wiring, observed))


def undone_among(wiring: Wiring, observed: Observed) -> frozenset[str]:
    """Which runs that made a group without traffic and without a time limit were undone."""
    named = {group.run for group in idle(observed) if group.run and group.keep_until is None}
    runs = [wiring.history.run(run_id) for run_id in sorted(named)]
    return frozenset(run.id for run in runs if run is not None and run.state is RunState.UNDONE)


def tend_service(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec) -> list[str]:
    """Do what is due for one service in one environment; what was done, in sentences."""
    return revive(wiring, service, environment) + burn_due(wiring, service, environment)


def burn_due(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec) -> list[str]:
    """Burn the groups whose time is over; what was burnt. CloudError where one could not be, after the others."""
    local = wiring.project.cloud(environment.cloud).kind is CloudKind.LOCAL
    if not local or wiring.history.live_run(subject_of(service, environment)) is not None:
        return []
    did: list[str] = []
    troubles: list[PhoenixError] = []
    observed = wiring.observed(service, environment)
    pins = overdue_pins(observed, wiring.clock.now())
    if pins:
        plan = give_back(service, environment, observed, pins)
        carry_out(wiring, service, environment, kind="burn", plan=plan)
        did += [f"gave the pin of {group.name} back: it was over" for group in pins]
    for group in due_groups(wiring, observed):
        # a run for each: one that cannot be burnt does not keep the others
        try:
            burn_groups(wiring, service, environment, (group,))
        except CloudError as error:
            troubles.append(error)
        else:
            why = "its time as the kept group was over" if group.keep_until else f"{group.run} was undone without it"
            did.append(f"burnt {group.name}: {why}")
    if troubles:
        raise troubles[0]
    return did


def revive(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec) -> list[str]:
    """Start a balancer that died and take over a run whose process died; nothing is burnt. What was done."""
    did = wake_balancer(wiring, service, environment)
    if wiring.project.cloud(environment.cloud).kind is not CloudKind.LOCAL:
        return did
    return did + tend_run(wiring, subject_of(service, environment), resume=service.orphan == "resume")


def wake_balancer(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec) -> list[str]:
    """Start a balancer of the local cloud that died; what was done."""
    if wiring.project.cloud(environment.cloud).kind is not CloudKind.LOCAL:
        return []
    return list(wiring.cloud(environment.cloud).mend(Place(service=service.name, environment=environment.name)))


def burn_groups(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec, groups: tuple[Group, ...]) -> Run:
    """Drain and end the groups in a run of their own; CloudError where one still stands afterwards."""
    plan = burn(service, environment, wiring.observed(service, environment), groups)
    run = carry_out(wiring, service, environment, kind="burn", plan=plan)
    left = [group.name for group in groups if wiring.cloud(environment.cloud).groups.find(group.name)]
    if left:
        raise CloudError(
            f"{', '.join(left)} could not be burnt",
            details=str(run.errors[-1].data.get("brief")) if run.errors else "it still stands",
            resolution=f"See `phoenix run show {run.id}`; `phoenix tend` tries again.",
        )
    return run


def tend_run(wiring: Wiring, subject: str, *, resume: bool, say: Say | None = None) -> list[str]:
    """Take over the run of `subject` if its process has died; what came of it.

    `say` hears that a lease is watched; the session's own unless given.
    """
    run = wiring.history.live_run(subject)
    if run is None or run.state is RunState.HELD:
        return []
    if run.state is RunState.STUCK:
        return [f"{run.id} is stuck and waits for a human: `phoenix abort {run.id}` tries its way back again"]
    if not is_here(wiring, run):
        return [f"{run.id} ({subject}) is left to {run.owner.host}: its machines are there"]
    heard = say or wiring.session.out.say
    owned = OwnedRun.take_over(wiring.store, wiring.clock, subject, heard, dead_only=True, idle=wiring.tending)
    if owned is None:
        return []
    try:
        _walk(wiring, owned, None if resume else "its process had died")
    except HeldError:
        return [f"went on with {owned.run.id} ({subject}), whose process had died: it is held now"]
    except PhoenixError as error:
        if owned.run.state is RunState.UNDONE:
            return [f"undid {owned.run.id} ({subject}), whose process had died"]
        raise error
    return [f"finished {owned.run.id} ({subject}), whose process had died"]
