"""`phoenix group`: the managed sets of machines, and what a person does to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix.cli import completion
from phoenix.cli.command import command, group_app
from phoenix.cli.output import table
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.model import Observed
    from phoenix.plan.actions import Plan
    from phoenix.plan.roll_actions import RollAction
    from phoenix.spec.services import EnvironmentSpec, ServiceSpec

app = group_app("List and show groups; give one traffic, take it away, resize or delete it.")

Name = Annotated[str, typer.Argument(help="The group.", autocompletion=completion.groups)]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the record.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
PlanOnly = Annotated[bool, typer.Option("--plan", help="Print what would happen; change nothing.")]


@command(app, "phoenix group list", "phoenix group list --json", name="list")
def list_groups(ctx: typer.Context) -> None:
    """List the groups of every service, with the traffic they get; a cloud that fails hides no other."""
    from phoenix.cli.observing import everything
    from phoenix.cli.show import group_data
    from phoenix.cli.wiring import Wiring

    session = session_of(ctx)
    wiring = Wiring(session)
    seen = everything(wiring)
    now = wiring.clock.now()
    groups = [group_data(g, each.observed.route, now) for each in seen if each.observed for g in each.observed.groups]
    rows = [(g["name"], g["service"], g["environment"], f"{g['share']}%", g["size"], g["image"]) for g in groups]
    shown = table("group", "service", "environment", "share", "size", "image", rows=rows) if groups else "no groups"
    errors = [(each.subject, each.error) for each in seen if each.error is not None]
    if not errors:
        session.out.result({"groups": groups}, shown)
        return
    for subject, error in errors:
        session.out.warn(f"{subject} is unknown: {error.brief}")
    session.out.evidence({"groups": groups, "unknown": [subject for subject, _error in errors]}, str(shown))
    raise errors[0][1]


@command(app, "phoenix group show web-tier-local-v001", name="show")
def show_group(ctx: typer.Context, name: Name) -> None:
    """Show one group with its instances."""
    from phoenix.cli.observing import place_of_group
    from phoenix.cli.regrouping import standing_group
    from phoenix.cli.show import group_data
    from phoenix.cli.wiring import Wiring

    session = session_of(ctx)
    wiring = Wiring(session)
    observed = place_of_group(wiring, name).observed
    assert observed is not None, "the group was seen in it"
    found = group_data(standing_group(observed, name), observed.route, wiring.clock.now())
    facts = "\n".join(f"{key}: {value}" for key, value in found.items() if key != "instances")
    rows = [(i["id"], i["state"], i["boot"], i["engine"], i["address"], i["detail"]) for i in found["instances"]]
    instances = table("instance", "state", "boot", "engine", "address", "detail", rows=rows)
    session.out.result({"group": found}, f"{facts}\n\n{instances}")


@command(
    app,
    "phoenix group enable web-tier-local-v001 --why 'the new one leaks'",
    "phoenix group enable web-tier-local-v002 --share 10",
    name="enable",
)
def enable_group(
    ctx: typer.Context,
    name: Name,
    share: Annotated[
        int, typer.Option(min=1, max=100, metavar="PERCENT", help="So much, beside the groups that serve now.")
    ] = 100,
    why: Why = "",
    yes: Yes = False,
    plan: PlanOnly = False,
) -> None:
    """Give a group all traffic, or a share of it, once it is large enough and healthy."""
    from phoenix.cli.regrouping import Request, change, standing_group
    from phoenix.cli.wiring import Wiring
    from phoenix.plan import regroup

    def decide(spec: ServiceSpec, where: EnvironmentSpec, observed: Observed) -> Plan[RollAction]:
        return regroup.enable(spec, where, observed, standing_group(observed, name), share)

    request = Request(kind="enable", group=name, why=why, yes=yes, plan=plan)
    change(Wiring(session_of(ctx)), request, decide)


@command(
    app,
    "phoenix group disable web-tier-local-v002 --why 'errors'",
    "phoenix group disable web-tier-local-v002 --to web-tier-local-v001 --plan",
    name="disable",
)
def disable_group(
    ctx: typer.Context,
    name: Name,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="GROUP",
            help="Who gets its traffic; else those that serve beside it, or the only other healthy group.",
            autocompletion=completion.groups,
        ),
    ] = None,
    why: Why = "",
    yes: Yes = False,
    plan: PlanOnly = False,
) -> None:
    """Take a group's traffic away and give it to others; the group stays, and is not burnt by itself."""
    from phoenix.cli.regrouping import Request, change, standing_group
    from phoenix.cli.wiring import Wiring
    from phoenix.errors import SpecError
    from phoenix.plan import regroup

    if to == name:
        raise SpecError(
            f"{name} cannot give its traffic to itself",
            details=f"--to names {to}",
            resolution="Name another group of the service, or leave --to away.",
        )

    def decide(spec: ServiceSpec, where: EnvironmentSpec, observed: Observed) -> Plan[RollAction]:
        return regroup.disable(spec, where, observed, name, standing_group(observed, to).name if to else None)

    request = Request(kind="disable", group=name, why=why, yes=yes, plan=plan)
    change(Wiring(session_of(ctx)), request, decide)


@command(
    app,
    "phoenix group resize web-tier-local-v001 4",
    "phoenix group resize web-tier-local-v001 2 --plan",
    name="resize",
)
def resize_group(
    ctx: typer.Context,
    name: Name,
    size: Annotated[int, typer.Argument(min=1, metavar="SIZE", help="How many machines.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also smaller than phoenix.yaml says, while the group has traffic.")
    ] = False,
    why: Why = "",
    yes: Yes = False,
    plan: PlanOnly = False,
) -> None:
    """Give a group more or fewer machines; dead ones are replaced. With the size it has, only that.

    The size of phoenix.yaml stays what the next roll starts with at least.
    """
    from phoenix.cli.regrouping import Request, change, standing_group
    from phoenix.cli.wiring import Wiring
    from phoenix.plan import regroup

    def decide(spec: ServiceSpec, where: EnvironmentSpec, observed: Observed) -> Plan[RollAction]:
        return regroup.resize(spec, where, observed, standing_group(observed, name), size, force=force)

    request = Request(kind="resize", group=name, why=why, yes=yes, plan=plan)
    change(Wiring(session_of(ctx)), request, decide)


@command(app, "phoenix group delete web-tier-local-v001 --yes", name="delete")
def delete_group(
    ctx: typer.Context,
    name: Name,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also with traffic, where phoenix.yaml no longer has the service."),
    ] = False,
    why: Why = "",
    yes: Yes = False,
    plan: PlanOnly = False,
) -> None:
    """Drain and burn a group that gets no traffic, before its time as the kept group is over."""
    from phoenix.cli.regrouping import Request, change, standing_group
    from phoenix.cli.wiring import Wiring
    from phoenix.plan import regroup

    wiring = Wiring(session_of(ctx))

    def decide(spec: ServiceSpec, where: EnvironmentSpec, observed: Observed) -> Plan[RollAction]:
        known = wiring.project.services.get(spec.name)
        unroute = force and (known is None or where.name not in known.environments)
        return regroup.delete(spec, where, observed, standing_group(observed, name), unroute=unroute)

    extra: dict[str, Any] = {"deleted": name}
    change(wiring, Request(kind="burn", group=name, why=why, yes=yes, plan=plan), decide, extra=extra)
