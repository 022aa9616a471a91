"""`phoenix stack`: the ground under the services, made by Terraform: looked at, applied as seen, destroyed."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from phoenix.cli import completion, options
from phoenix.cli.command import command, group_app
from phoenix.cli.session import Session, session_of
from phoenix.cli.text.stack import changes_text, no_drift_text, outputs_text, stacks_text, value_text
from phoenix.orders import stacks
from phoenix.orders.facts import dump
from phoenix.orders.site import Site
from phoenix.orders.stacks import PlannedStack, StackOrder

app = group_app("Terraform's stacks: list, plan, apply, destroy them; what they give out; drift.")

Name = Annotated[str, typer.Argument(help="The stack, as phoenix.yaml names it.", autocompletion=completion.stacks)]
PlanOut = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Keep the plan for --from-plan; the file holds secrets (0600).")
]
ForceLive = Annotated[
    bool, typer.Option("--force-live", help="Also where it takes ground from under live groups of a service.")
]


@command(app, "phoenix stack list", name="list")
def list_stacks(ctx: typer.Context) -> None:
    """List the stacks of phoenix.yaml, with the outputs that are known of them."""
    session = session_of(ctx)
    found = stacks.listed(session.ground(None))
    session.out.result(dump(found), stacks_text(dump(found)["stacks"]))


@command(app, "phoenix stack plan network-gcp", "phoenix stack plan network-gcp --plan-out ground.plan")
def plan(ctx: typer.Context, name: Name, plan_out: PlanOut = None) -> None:
    """Show what an apply would do: what is created, changed, replaced and destroyed, and why. Changes nothing."""
    session = session_of(ctx)
    site = session.ground(name)
    with stacks.planned(site, StackOrder(stack=name)) as found:
        if plan_out:
            stacks.keep(site, found, plan_out)
        shown = stacks.PlanShown(plan=stacks.facts(found), file=str(plan_out.absolute()) if plan_out else None)
        session.out.result(dump(shown), _text(found))


@command(
    app,
    "phoenix stack apply network-gcp",
    "phoenix stack apply network-gcp --plan",
    "phoenix stack apply network-gcp --from-plan ground.plan",
)
def apply(
    ctx: typer.Context,
    name: Name,
    from_plan: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Apply exactly this plan; refused where the state has moved since."),
    ] = None,
    force_live: ForceLive = False,
    plan: options.Plan = False,
    why: options.Why = "",
    yes: options.Yes = False,
) -> None:
    """Make what the files say: plan, show, ask at a terminal, apply exactly that plan, write down the outputs.

    Ctrl-C lets Terraform finish what is under way, save its state and free its lock; what it did stands.
    """
    options.refuse_together({"--from-plan": from_plan, "--plan": plan})
    session = session_of(ctx)
    order = StackOrder(stack=name, why=why)
    site = session.ground(name)
    ready = stacks.from_file(site, order, from_plan) if from_plan else stacks.planned(site, order)
    _carry_out(session, site, ready, plan=plan, yes=yes or from_plan is not None, force=force_live)


@command(app, "phoenix stack destroy network-gcp --plan", "phoenix stack destroy network-gcp --yes")
def destroy(
    ctx: typer.Context,
    name: Name,
    force_live: ForceLive = False,
    plan: options.Plan = False,
    why: options.Why = "",
    yes: options.Yes = False,
) -> None:
    """Take away everything that the stack has made. Lists it first, and asks at a terminal.

    Refused while groups of a service stand on it.
    """
    session = session_of(ctx)
    site = session.ground(name)
    ready = stacks.planned(site, StackOrder(stack=name, destroy=True, why=why))
    _carry_out(session, site, ready, plan=plan, yes=yes, force=force_live)


@command(
    app,
    "phoenix stack output network-gcp",
    "phoenix stack output network-gcp backend_service",
    "phoenix stack output network-gcp --json",
)
def output(
    ctx: typer.Context,
    name: Name,
    output: Annotated[str | None, typer.Argument(metavar="OUTPUT", help="Only this one, as it is.")] = None,
) -> None:
    """Print what the stack gives out now; secrets are not printed."""
    session = session_of(ctx)
    found = stacks.outputs(session.ground(name), name)
    if output is None:
        session.out.result(dump(found), outputs_text(found.outputs) or "no outputs")
        return
    value = stacks.output(found, output)
    session.out.result(dump(stacks.OutputShown(stack=name, output=output, value=value)), value_text(value))


@command(app, "phoenix stack drift network-gcp", "phoenix stack drift network-gcp --json")
def drift(ctx: typer.Context, name: Name) -> None:
    """Ask whether the world is still as Terraform left it: exit code 0 if it is, 9 if not. Changes nothing."""
    session = session_of(ctx)
    found = stacks.drift(session.ground(name), name)
    session.out.result(dump(found), no_drift_text(name, found.left))


def _carry_out(
    session: Session, site: Site, ready: AbstractContextManager[PlannedStack], *, plan: bool, yes: bool, force: bool
) -> None:
    """Plan, show or ask, carry out, show."""
    with ready as found:
        if plan:
            session.out.result({"plan": dump(stacks.facts(found))}, _text(found))
            return
        if not force:
            stacks.ready(site, found, lambda: session.site)
        if not found.plan.empty:
            session.out.say(_text(found))
            session.out.confirm(f"{found.plan.why}. Do it?", assume_yes=yes)
        done = stacks.carry_out(site, found)
    session.out.result(dump(done), f"{done.why}: done ({done.run})" if done.changed else done.why)


def _text(found: PlannedStack) -> str:
    return changes_text(found.plan.why, found.changes.resources, found.changes.outputs)
