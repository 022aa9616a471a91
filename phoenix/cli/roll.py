"""`phoenix roll`: bring a release live."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix.cli import options
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.cli.rollouts import Wish
    from phoenix.cli.session import Session
    from phoenix.cli.wiring import Wiring
    from phoenix.spec.services import EnvironmentSpec, ServiceSpec

app = command_app()


@command(
    app,
    "phoenix roll web-tier",
    "phoenix roll web-tier --package hello=1.2.3 --plan",
    "phoenix roll web-tier -e prod --bake --wait-lock 10m --why 'weekly rebuild'",
    "phoenix roll web-tier --no-traffic",
    "phoenix roll web-tier --strategy canary",
    "phoenix roll web-tier --plan-out plan.json",
    "phoenix roll web-tier --from-plan plan.json",
)
def roll(  # noqa: PLR0913, PLR0917 - the options of a command are its table of contents
    ctx: typer.Context,
    service: options.Service,
    environment: options.Environment = None,
    image: Annotated[
        str | None, typer.Option(metavar="REF", help="Start from this image instead of the newest of today's recipe.")
    ] = None,
    package: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VERSION", help="Install exactly this version; may be repeated.")
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            help="blue-green, rolling or canary instead of what phoenix.yaml says; then with its defaults "
            "(a canary's: 5, 25, 50, 100 %, 10m each).",
        ),
    ] = None,
    bake: Annotated[bool, typer.Option("--bake", help="Bake the image first where it is missing or too old.")] = False,
    no_traffic: Annotated[
        bool,
        typer.Option("--no-traffic", help="Stop before the first traffic, with exit code 8, until `phoenix promote`."),
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would happen; change nothing.")] = False,
    plan_out: options.PlanOut = None,
    from_plan: options.FromPlan = None,
    wait_lock: options.WaitLock = None,
    why: options.Why = "",
    junit: Annotated[str | None, typer.Option(metavar="FILE", help="Write the steps as a JUnit report.")] = None,
) -> None:
    """Start a group with the new release, prove it healthy, move the traffic, keep the former group for a while."""
    from phoenix.cli import plan_file
    from phoenix.cli.junit import refuse_unwritable
    from phoenix.cli.places import subject_of
    from phoenix.cli.preflight import duration, refuse_together
    from phoenix.cli.rollouts import Wish
    from phoenix.cli.wiring import Wiring
    from phoenix.spec.strategies import chosen

    refuse_together({"--from-plan": from_plan, "--plan-out": plan_out, "--plan": plan})
    refuse_together({"--bake": bake, "--image": image})
    refuse_together({"--bake": bake, "--plan-out": plan_out})
    decides = {"--image": image, "--package": package, "--strategy": strategy, "--bake": bake}
    for name, value in {**decides, "--no-traffic": no_traffic}.items():
        refuse_together({"--from-plan": from_plan, name: value})
    patience = duration("--wait-lock", wait_lock)
    refuse_unwritable(junit)
    session = session_of(ctx)
    wiring = Wiring(session)
    spec = wiring.project.service(service)
    where = wiring.project.environment(spec, environment)
    wish = Wish(
        image=image,
        packages=tuple(package or ()),
        strategy=where.strategy if strategy is None else chosen(strategy, where),
        hold=no_traffic,
        bake=bake,
        saved=plan_file.read(from_plan, "roll", subject_of(spec, where)) if from_plan else None,
    )
    if plan or plan_out:
        _show(session, wiring, spec, where, wish, plan_out)
    else:
        _roll(session, wiring, spec, where, wish, patience, why, junit)


def _show(
    session: Session, wiring: Wiring, spec: ServiceSpec, where: EnvironmentSpec, wish: Wish, file: Path | None
) -> None:
    """Print the plan, and write it into the file; nothing else is changed."""
    from phoenix.cli import plan_file, rollouts
    from phoenix.cli.show import plan_data, plan_text

    bakes = rollouts.bakes_needed(wiring, spec, where) if wish.bake else ()
    if bakes:
        shown = "\n\n".join(["baked first, then planned with the image:", *(plan_text(each.plan) for each in bakes)])
        session.out.result({"plan": None, "bakes": [plan_data(each.plan) for each in bakes]}, shown)
        return
    order = rollouts.order(wiring, spec, where, wish, dry=True)
    decided = order.decide()
    if file is not None:
        plan_file.write(file, order.saved(decided))
    written = {"file": str(file.absolute())} if file else {}
    session.out.result({"plan": plan_data(decided), **written}, plan_text(decided))


def _roll(
    session: Session,
    wiring: Wiring,
    spec: ServiceSpec,
    where: EnvironmentSpec,
    wish: Wish,
    patience: float | None,
    why: str,
    junit: str | None,
) -> None:
    from phoenix.cli import rollouts
    from phoenix.cli.preflight import refuse_unusable
    from phoenix.cli.turns import in_turn

    refuse_unusable(wiring, spec, where)
    data, text = in_turn(
        wiring, spec, where, patience, lambda: rollouts.carry_out(wiring, spec, where, wish, why, junit)
    )
    session.out.result(data, text)
