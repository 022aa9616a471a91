"""`phoenix group`: the managed sets of machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix.cli.command import command, group_app
from phoenix.cli.output import table
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring

app = group_app("List, show and delete groups.")


@command(app, "phoenix group list", "phoenix group list --json", name="list")
def list_groups(ctx: typer.Context) -> None:
    """List the groups of every service, with the traffic they get."""
    from phoenix.cli.wiring import Wiring

    session = session_of(ctx)
    groups = _groups(Wiring(session))
    rows = [(g["name"], g["service"], g["environment"], f"{g['share']}%", g["size"], g["image"]) for g in groups]
    shown = table("group", "service", "environment", "share", "size", "image", rows=rows)
    session.out.result({"groups": groups}, shown if groups else "no groups")


@command(app, "phoenix group show web-tier-local-v001", name="show")
def show_group(ctx: typer.Context, name: Annotated[str, typer.Argument(help="The group.")]) -> None:
    """Show one group with its instances."""
    from phoenix.cli.wiring import Wiring
    from phoenix.errors import SpecError

    session = session_of(ctx)
    groups = _groups(Wiring(session))
    found = next((group for group in groups if group["name"] == name), None)
    if found is None:
        raise SpecError(
            f"there is no group '{name}'",
            details=f"groups: {', '.join(g['name'] for g in groups) or 'none'}",
            resolution="Name one of these.",
        )
    facts = "\n".join(f"{key}: {value}" for key, value in found.items() if key != "instances")
    rows = [(i["id"], i["state"], i["boot"], i["engine"], i["address"], i["detail"]) for i in found["instances"]]
    instances = table("instance", "state", "boot", "engine", "address", "detail", rows=rows)
    session.out.result({"group": found}, f"{facts}\n\n{instances}")


@command(app, "phoenix group delete web-tier-local-v001 --yes", name="delete")
def delete_group(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The group.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would happen; change nothing.")] = False,
) -> None:
    """Drain and burn a group that gets no traffic, before its time as the kept group is over."""
    from phoenix.cli.running import burn_groups
    from phoenix.cli.show import plan_data, plan_text
    from phoenix.cli.wiring import Wiring
    from phoenix.errors import RefusedError, SpecError
    from phoenix.plan.rollback import burn

    session = session_of(ctx)
    wiring = Wiring(session)
    for spec in wiring.project.services.values():
        for where in spec.environments.values():
            observed = wiring.observed(spec, where)
            group = observed.group(name)
            if group is None:
                continue
            backend = observed.route.backend(name)
            if backend and backend.share:
                raise RefusedError(
                    f"{name} serves {backend.share} % of the traffic and is not deleted",
                    details=f"it is the stable group of {spec.name}/{where.name}",
                    resolution="Roll or roll back first; `phoenix down` stops everything.",
                )
            decided = burn(spec, where, observed, (group,))
            if plan:
                session.out.result({"plan": plan_data(decided)}, plan_text(decided))
                return
            session.out.confirm(f"Burn {name} ({group.size} machines)?", assume_yes=yes)
            run = burn_groups(wiring, spec, where, (group,))
            session.out.result({"deleted": name, "run": run.id}, f"{name} is burnt ({run.id})")
            return
    raise SpecError(
        f"there is no group '{name}'", details="it stands in no service", resolution="See `phoenix group list`."
    )


def _groups(wiring: Wiring) -> list[dict[str, Any]]:
    from phoenix.cli.show import group_data

    found = []
    for spec in wiring.project.services.values():
        for where in spec.environments.values():
            observed = wiring.observed(spec, where)
            found += [group_data(group, observed.route, wiring.clock.now()) for group in observed.groups]
    return found
