"""`phoenix rollback`: back to what served before, whatever has become of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix.cli import completion, options
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.plan.actions import Plan
    from phoenix.plan.roll_actions import RollAction

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
def rollback(
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
        typer.Option(metavar="NAME=VERSION", help="With this version instead of the release's own; may be repeated."),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would happen; change nothing.")] = False,
    plan_out: options.PlanOut = None,
    from_plan: options.FromPlan = None,
    wait_lock: options.WaitLock = None,
    why: options.Why = "",
) -> None:
    """Give what served before all traffic again: at once while its group is kept, else its release in a new group.

    A second rollback goes one release further back, never to and fro. Where a roll is under way or held, it is
    aborted.
    """
    from phoenix.cli import plan_file
    from phoenix.cli.places import subject_of
    from phoenix.cli.preflight import duration, refuse_together
    from phoenix.cli.retreat import Retreat
    from phoenix.cli.wiring import Wiring

    refuse_together({"--from-plan": from_plan, "--plan-out": plan_out, "--plan": plan})
    for name, value in {"--to": to, "--package": package}.items():
        refuse_together({"--from-plan": from_plan, name: value})
    patience = duration("--wait-lock", wait_lock)
    session = session_of(ctx)
    wiring = Wiring(session)
    spec = wiring.project.service(service)
    where = wiring.project.environment(spec, environment)
    saved = plan_file.read(from_plan, "rollback", subject_of(spec, where)) if from_plan else None
    retreat = Retreat(
        wiring=wiring, service=spec, environment=where, to=to, packages=tuple(package or ()), saved=saved, why=why
    )
    if plan or plan_out:
        decided, goal = retreat.preview()
        if plan_out:
            plan_file.write(plan_out, retreat.as_file(decided, goal))
        _show(ctx, decided, plan_out)
    else:
        session.out.result(*retreat.go(patience))


def _show(ctx: typer.Context, decided: Plan[RollAction], file: Path | None) -> None:
    from phoenix.cli.show import plan_data, plan_text

    written = {"file": str(file.absolute())} if file else {}
    session_of(ctx).out.result({"plan": plan_data(decided), **written}, plan_text(decided))
