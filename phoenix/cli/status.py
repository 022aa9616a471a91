"""`phoenix status`: what serves, what runs, what is due. Reads only; never starts anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.output import table
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring
    from phoenix.spec.services import EnvironmentSpec, ServiceSpec

app = command_app()


@command(app, "phoenix status", "phoenix status web-tier -e local --json")
def status(
    ctx: typer.Context,
    service: Annotated[str | None, typer.Argument(help="Only this service.")] = None,
    environment: Annotated[str | None, typer.Option("-e", "--environment", help="Only this environment.")] = None,
) -> None:
    """Show groups, traffic, instances, images, package versions, the current run and what is due."""
    from phoenix.cli.wiring import Wiring

    session = session_of(ctx)
    wiring = Wiring(session)
    project = wiring.project
    services = [project.service(service)] if service else list(project.services.values())
    shown = [
        _look(wiring, spec, where)
        for spec in services
        for where in spec.environments.values()
        if environment in (None, where.name)
    ]
    if environment and not shown:
        project.environment(services[0], environment)  # names those there are
    for each in shown:
        for warning in each["due"]:
            session.out.warn(warning)
    session.out.result({"services": shown}, "\n\n".join(_text(each) for each in shown) or "no services")


def _look(wiring: Wiring, spec: ServiceSpec, where: EnvironmentSpec) -> dict[str, Any]:
    from phoenix.cli.running import due_groups, subject_of
    from phoenix.cli.show import group_data, run_data
    from phoenix.errors import PhoenixError
    from phoenix.execute.ownership import provably_dead

    subject = subject_of(spec, where)
    run = wiring.history.live_run(subject)
    due = [f"{run.id} has no process any more: `phoenix tend` undoes it"] if run and provably_dead(run.owner) else []
    look: dict[str, Any] = {
        "service": spec.name,
        "environment": where.name,
        "cloud": where.cloud,
        "address": None,
        "stable": None,
        "groups": [],
        "run": run_data(run) if run and not run.state.ended else None,
        "due": due,
        "error": None,
    }
    try:
        observed = wiring.observed(spec, where)
    except PhoenixError as error:
        return {**look, "error": str(error)}
    now = wiring.clock.now()
    burn = [f"{g.name} is kept no longer: `phoenix tend` burns it" for g in due_groups(wiring, observed)]
    groups = [group_data(group, observed.route, now) for group in observed.groups]
    route, standing = observed.route, {group["name"]: group for group in groups}
    unwell = [unwell_group(backend.group, standing.get(backend.group)) for backend in route.backends if backend.share]
    due = [*due, *burn, *filter(None, unwell)]
    return {**look, "address": route.address, "stable": route.stable, "groups": groups, "due": due}


def unwell_group(name: str, group: dict[str, Any] | None) -> str | None:
    """What is wrong with a group that serves, or None."""
    if group is None:
        return f"{name} gets traffic but no longer stands: `phoenix roll` starts another"
    if group["healthy"] < group["size"]:
        healthy = f"{group['healthy']} of {group['size']} machines"
        return f"{name} serves with {healthy} healthy: see `phoenix group show {name}`"
    return None


def _text(look: dict[str, Any]) -> str:
    head = f"{look['service']}/{look['environment']} on {look['cloud']}"
    if look["error"]:
        return f"{head}: unknown\n  {look['error']}"
    head += f" at {look['address']}: {look['stable'] or 'nothing'} serves"
    lines = [head]
    if look["run"]:
        run = look["run"]
        lines.append(f"run {run['id']}: {run['state']} since {run['started']} by {run['who']} on {run['host']}")
    rows = [
        (
            group["name"],
            f"{group['share']}%",
            f"{group['healthy']}/{group['size']}",
            group["sessions"],
            group["image"],
            " ".join(f"{name}={version}" for name, version in group["packages"].items()) or "-",
            ", ".join(sorted({i["engine"] for i in group["instances"]})) or "-",
            group["keep_until"] or "-",
        )
        for group in look["groups"]
    ]
    heads = ("group", "share", "healthy", "requests", "image", "packages", "engine", "kept until")
    return "\n".join([*lines, str(table(*heads, rows=rows))] if rows else lines)
