"""`phoenix promote`: the word that a held run waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from phoenix.cli import options
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring
    from phoenix.plan.actions import Plan
    from phoenix.plan.roll_actions import RollAction
    from phoenix.record.journal import Run

app = command_app()


@command(
    app,
    "phoenix promote web-tier",
    "phoenix promote roll-20260131-120000-a1b2c3 --why 'error rate is flat'",
    "phoenix promote web-tier --plan",
)
def promote(
    ctx: typer.Context,
    what: options.ServiceOrRun,
    environment: options.Environment = None,
    why: options.Why = "",
    plan: Annotated[bool, typer.Option("--plan", help="Print the steps that are left; change nothing.")] = False,
) -> None:
    """Let a run that is held go on, from any machine that reaches the state; it may hold again (exit 8)."""
    from phoenix.cli.running import find_live
    from phoenix.cli.show import plan_data, plan_text, run_data
    from phoenix.cli.wiring import Wiring

    session = session_of(ctx)
    wiring = Wiring(session)
    named = None if what in wiring.project.services else wiring.history.run(what)
    run = named if named and named.state.ended else find_live(wiring, what, environment)
    _refuse_not_held(run)
    if plan:
        left = left_of(run)
        session.out.result({"run": run.id, "plan": plan_data(left)}, plan_text(left))
        return
    ended = _go_on(wiring, run, why)
    session.out.result({"run": run_data(ended)}, f"{ended.id} ({ended.subject}): {ended.state}")


def left_of(run: Run) -> Plan[RollAction]:
    """What a promotion of the held run would still do, and what is done if that fails."""
    from dataclasses import replace

    from phoenix.plan.actions import roll_plan
    from phoenix.record.journal import Part

    plan = roll_plan(run.plan)
    hold, *left = [step for step in plan.steps if run.outcome(Part.STEPS, step.id) is None]
    return replace(plan, why=f"{plan.why}: what is left after {hold.id}", steps=tuple(left))


def _refuse_not_held(run: Run) -> None:
    from phoenix.cli.advice import has_died, what_next
    from phoenix.errors import RefusedError
    from phoenix.execute.ownership import describe
    from phoenix.record.journal import RunState

    if run.state is not RunState.HELD:
        raise RefusedError(
            f"{run.id} does not wait for anybody: it is {run.state}",
            details=describe(run),
            resolution=f"What can be done: {what_next(run, died=has_died(run))}.",
        )


def _go_on(wiring: Wiring, run: Run, why: str) -> Run:
    """Take the run over, give its hold the outcome and walk on. Raises what a roll raises, HeldError among it."""
    from phoenix.cli.places import place_of_run, refuse_elsewhere
    from phoenix.cli.preflight import refuse_other_hooks
    from phoenix.cli.running import refuse_unsafe_run, told
    from phoenix.errors import RefusedError
    from phoenix.execute.ownership import OwnedRun
    from phoenix.plan.actions import roll_plan

    refuse_unsafe_run(wiring, run)
    refuse_elsewhere(wiring, run)
    refuse_other_hooks(wiring, run)
    owned = OwnedRun.take_over(wiring.store, wiring.clock, run.subject, wiring.session.out.say, only=run.id)
    if owned is None:
        raise RefusedError(
            f"{run.id} is held no longer",
            details="somebody else promoted it, went back or unlocked the service just now",
            resolution=f"See `phoenix run show {run.id}`.",
        )
    with told(wiring, owned):
        engine = wiring.roll_engine(*place_of_run(wiring, owned.run))
        engine.promote(owned, roll_plan(owned.run.plan), owned.run.owner.who, why)
    return owned.run
