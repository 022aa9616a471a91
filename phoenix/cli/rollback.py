"""`phoenix rollback`: back to the group that served before."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

app = command_app()


@command(app, "phoenix rollback web-tier", "phoenix rollback web-tier --to web-tier-local-v041 --plan")
def rollback(
    ctx: typer.Context,
    service: Annotated[str, typer.Argument(help="The service, as phoenix.yaml names it.")],
    environment: Annotated[
        str | None, typer.Option("-e", "--environment", help="Not needed where the service has one.")
    ] = None,
    to: Annotated[str | None, typer.Option(metavar="GROUP", help="This group instead of the one before.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would happen; change nothing.")] = False,
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason, for the record.")] = "",
) -> None:
    """Give the group that served before all traffic again, while it is kept: one write, after one fresh look."""
    from phoenix.cli.running import carry_out, revive
    from phoenix.cli.show import plan_data, plan_text
    from phoenix.cli.wiring import Wiring
    from phoenix.errors import RefusedError
    from phoenix.plan.actions import Plan
    from phoenix.plan.roll_actions import RollAction
    from phoenix.plan.rollback import rollback as decide_rollback

    session = session_of(ctx)
    wiring = Wiring(session)
    spec = wiring.project.service(service)
    where = wiring.project.environment(spec, environment)

    def decide() -> Plan[RollAction]:
        observed = wiring.observed(spec, where)
        target = to or observed.former
        if target is None:
            others = [group.name for group in observed.groups if group.name != observed.route.stable]
            raise RefusedError(
                f"nothing served {spec.name}/{where.name} before {observed.route.stable or 'now'}",
                details=f"groups that stand: {', '.join(others)}" if others else "there is nothing to go back to",
                resolution="Name one of these with --to." if others else "See `phoenix status`.",
            )
        return decide_rollback(spec, where, observed, target)

    if not plan:
        for done in revive(wiring, spec, where):
            session.out.say(done)
    decided = decide()
    if plan:
        session.out.result({"plan": plan_data(decided)}, plan_text(decided))
    elif decided.empty:
        session.out.result({"changed": False}, decided.why)
    else:
        run = carry_out(wiring, spec, where, kind="rollback", plan=decided, remade=decide, why=why)
        stable = wiring.observed(spec, where).route.stable
        data = {"changed": True, "run": run.id, "state": run.state, "group": stable}
        session.out.result(data, f"{decided.subject}: {decided.why}: done ({run.id})")
