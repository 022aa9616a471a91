"""`phoenix roll`: bring a release live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.model import Release
    from phoenix.plan.actions import Plan
    from phoenix.plan.roll_actions import RollAction

app = command_app()


@command(
    app, "phoenix roll web-tier", "phoenix roll web-tier --package hello=1.2.3 --plan", "phoenix roll web-tier -e prod"
)
def roll(
    ctx: typer.Context,
    service: Annotated[str, typer.Argument(help="The service, as phoenix.yaml names it.")],
    environment: Annotated[
        str | None, typer.Option("-e", "--environment", help="Not needed where the service has one.")
    ] = None,
    image: Annotated[
        str | None, typer.Option(metavar="REF", help="Start from this image instead of the newest of today's recipe.")
    ] = None,
    package: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VERSION", help="Install exactly this version; may be repeated.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would happen; change nothing.")] = False,
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason, for the record.")] = "",
    junit: Annotated[str | None, typer.Option(metavar="FILE", help="Write the steps as a JUnit report.")] = None,
) -> None:
    """Start a group with the new release, prove it healthy, move the traffic, keep the former group for a while."""
    from phoenix.cli import junit as report
    from phoenix.cli.releasing import resolve
    from phoenix.cli.running import carry_out, tend_service
    from phoenix.cli.show import plan_data, plan_text
    from phoenix.cli.wiring import Wiring
    from phoenix.execute import hooks
    from phoenix.plan.roll import roll as decide_roll

    session = session_of(ctx)
    wiring = Wiring(session)
    spec = wiring.project.service(service)
    where = wiring.project.environment(spec, environment)
    if not plan:
        for done in tend_service(wiring, spec, where):
            session.out.say(done)
    release = resolve(wiring, spec, where, image=image, packages=package or [], dry=plan)
    digests = hooks.digests(spec, wiring.project.directory)

    def decide() -> Plan[RollAction]:
        return decide_roll(spec, where, where.strategy, release, wiring.observed(spec, where), digests)

    decided = decide()
    if plan:
        session.out.result({"plan": plan_data(decided)}, plan_text(decided))
        return
    if decided.empty:
        session.out.result({"changed": False, **_facts(release)}, decided.why)
        return
    with report.written(junit, wiring, decided.subject):
        run = carry_out(wiring, spec, where, kind="roll", plan=decided, remade=decide, why=why)
    observed = wiring.observed(spec, where)
    data = {
        "changed": True,
        "run": run.id,
        "state": run.state,
        "group": observed.route.stable,
        "former": observed.former,
        **_facts(release),
    }
    session.out.result(data, f"{decided.subject}: {decided.why}: done ({run.id})")


def _facts(release: Release) -> dict[str, Any]:
    packages = {package.name: package.version for package in release.packages}
    return {"release": release.id, "image": release.image_ref, "packages": packages}
