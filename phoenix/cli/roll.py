"""`phoenix roll`: bring a release live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phoenix.cli import completion, options
from phoenix.cli import junit as report
from phoenix.cli.command import command, command_app
from phoenix.cli.session import Session, session_of
from phoenix.cli.text.plan import plan_text
from phoenix.cli.text.roll import held_text, roll_text
from phoenix.errors import HeldError
from phoenix.orders import plan_file
from phoenix.orders import roll as rolls
from phoenix.orders import shown as shown_plans
from phoenix.orders.facts import dump
from phoenix.orders.planned import Planned
from phoenix.orders.roll import RollOrder

app = command_app()


@command(
    app,
    "phoenix roll web-tier",
    "phoenix roll web-tier --package hello=1.2.3 --plan",
    "phoenix roll web-tier -e prod --bake --wait-lock 10m --why 'weekly rebuild'",
    "phoenix roll web-tier --no-traffic",
    "phoenix roll web-tier --bake --same-packages",
    "phoenix roll web-tier --strategy canary",
    "phoenix roll web-tier --plan-out plan.json",
    "phoenix roll web-tier --from-plan plan.json",
)
def roll(  # noqa: PLR0913, PLR0917 - the options of a command are its table of contents
    ctx: typer.Context,
    service: options.Service,
    environment: options.Environment = None,
    image: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="Start from this image instead of the newest of today's recipe.",
            autocompletion=completion.images,
        ),
    ] = None,
    package: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VERSION",
            help="Install exactly this version; may be repeated.",
            autocompletion=completion.packages,
        ),
    ] = None,
    same_packages: Annotated[
        bool, typer.Option("--same-packages", help="Install the versions that serve now, whatever was published since.")
    ] = False,
    strategy: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            help="blue-green, rolling or canary instead of what phoenix.yaml says; then with its defaults "
            "(a canary's: 5, 25, 50, 100 %, 10m each).",
            autocompletion=completion.strategies,
        ),
    ] = None,
    bake: Annotated[bool, typer.Option("--bake", help="Bake the image first where it is missing or too old.")] = False,
    no_traffic: Annotated[
        bool,
        typer.Option("--no-traffic", help="Stop before the first traffic, with exit code 8, until `phoenix promote`."),
    ] = False,
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="Also where a group serves that phoenix did not make; it is left standing."),
    ] = False,
    ignore_alarms: Annotated[
        bool, typer.Option("--ignore-alarms", help="Look at none of the strategy's alarms: not even before it begins.")
    ] = False,
    plan: options.Plan = False,
    plan_out: options.PlanOut = None,
    from_plan: options.FromPlan = None,
    wait_lock: options.WaitLock = None,
    why: options.Why = "",
    junit: report.File = None,
) -> None:
    """Start a group with the new release, prove it healthy, move the traffic, keep the former group for a while."""
    decides = {"--image": image, "--package": package, "--strategy": strategy, "--bake": bake}
    decides |= {
        "--same-packages": same_packages,
        "--no-traffic": no_traffic,
        "--adopt": adopt,
        "--ignore-alarms": ignore_alarms,
    }
    options.refuse_together({"--from-plan": from_plan, "--plan-out": plan_out, "--plan": plan})
    options.refuse_together({"--bake": bake, "--image": image})
    options.refuse_together({"--package": package, "--same-packages": same_packages})
    options.refuse_together({"--bake": bake, "--plan-out": plan_out})
    options.refuse_beside("--from-plan", from_plan, decides)
    report.refuse_unwritable(junit)
    order = RollOrder(
        service=service,
        environment=environment,
        image=image,
        packages=tuple(package or ()),
        same_packages=same_packages,
        strategy=strategy,
        bake=bake,
        no_traffic=no_traffic,
        adopt=adopt,
        ignore_alarms=ignore_alarms,
        wait=options.duration("--wait-lock", wait_lock),
        why=why,
    )
    session = session_of(ctx)
    asked = rolls.saved(session.site, from_plan, order) if from_plan else order
    if plan or plan_out:
        _show(session, rolls.plan(session.site, order), plan_out)
    else:
        _roll(session, asked, junit)


def _show(session: Session, decided: Planned[RollOrder], file: Path | None) -> None:
    """Print the plan, and write it into the file; nothing else is changed."""
    if decided.plan is None:
        bakes = [shown_plans.shown(bake) for bake in decided.bakes]
        shown = "\n\n".join(["baked first, then planned with the image:", *map(plan_text, bakes)])
        session.out.result({"plan": None, "bakes": list(map(shown_plans.as_data, decided.bakes))}, shown)
        return
    if file is not None:
        plan_file.write(file, decided)
    written = {"file": str(file.absolute())} if file else {}
    session.out.result(
        {"plan": shown_plans.as_data(decided.plan), **written}, plan_text(shown_plans.shown(decided.plan))
    )


def _roll(session: Session, asked: RollOrder | Planned[RollOrder], junit: str | None) -> None:
    try:
        done = report.of_run(session, junit, "roll", lambda: rolls.carry_out(session.site, asked))
    except HeldError as held:
        session.out.show(held_text(held.facts))
        raise
    session.out.result(dump(done), roll_text(done))
