"""`phoenix rollback`: back to what served before, whatever has become of it."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli import completion, options
from phoenix.cli import junit as report
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.cli.text.plan import plan_text
from phoenix.cli.text.roll import rollback_text
from phoenix.orders import plan_file
from phoenix.orders import rollback as rollbacks
from phoenix.orders import shown as shown_plans
from phoenix.orders.facts import dump
from phoenix.orders.rollback import RollbackOrder

app = command_app()


@command(
    app,
    "phoenix rollback web-tier",
    "phoenix rollback web-tier --to web-tier-local-v041 --plan",
    "phoenix rollback web-tier --to foundation/nodejs@3f2a --package hello=1.2.3",
    "phoenix rollback web-tier --wait-lock 10m --why 'errors since 14:05'",
    "phoenix rollback web-tier --plan-out plan.json",
    "phoenix rollback web-tier --from-plan plan.json",
)
def rollback(  # noqa: PLR0913, PLR0917 - the options of a command are its table of contents
    ctx: typer.Context,
    service: options.Service,
    environment: options.Environment = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="GROUP|IMAGE",
            autocompletion=completion.groups,
            help="This group, standing or not, or the newest release that served from this image, "
            "instead of what served before.",
        ),
    ] = None,
    package: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VERSION",
            help="With this version instead of the release's own; may be repeated.",
            autocompletion=completion.packages,
        ),
    ] = None,
    plan: options.Plan = False,
    plan_out: options.PlanOut = None,
    from_plan: options.FromPlan = None,
    wait_lock: options.WaitLock = None,
    why: options.Why = "",
    junit: report.File = None,
) -> None:
    """Give what served before all traffic again: at once while its group is kept, else its release in a new group.

    A second rollback goes one release further back, never to and fro. Where a roll is under way or held, it is
    aborted.
    """
    options.refuse_together({"--from-plan": from_plan, "--plan-out": plan_out, "--plan": plan})
    options.refuse_beside("--from-plan", from_plan, {"--to": to, "--package": package})
    order = RollbackOrder(
        service=service,
        environment=environment,
        to=to,
        packages=tuple(package or ()),
        wait=options.duration("--wait-lock", wait_lock),
        why=why,
    )
    report.refuse_unwritable(junit)
    session = session_of(ctx)
    if plan or plan_out:
        decided = rollbacks.plan(session.site, order)
        if plan_out:
            plan_file.write(plan_out, decided)
        written = {"file": str(plan_out.absolute())} if plan_out else {}
        shown = plan_text(shown_plans.shown(decided.only))
        session.out.result({"plan": shown_plans.as_data(decided.only), **written}, shown)
        return
    asked = rollbacks.saved(session.site, from_plan, order) if from_plan else order
    done = report.of_run(session, junit, "rollback", lambda: rollbacks.carry_out(session.site, asked))
    session.out.result(dump(done), rollback_text(done))
