"""`phoenix publish`: check, sign and publish packages, all or none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix import names
from phoenix.cli.command import command, command_app
from phoenix.cli.output import table
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring
    from phoenix.execute.publication import Publication
    from phoenix.plan.actions import PackageFile

app = command_app()


@command(
    app,
    "phoenix publish hello/hello_1.0.0_all.deb",
    "phoenix publish *.deb --repository main --plan",
)
def publish(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE.deb...", help="The packages.", show_default=False)],
    repository: Annotated[
        str | None, typer.Option(metavar="NAME", help="The repository; not needed where there is one.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would happen; change nothing.")] = False,
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason, for the record.")] = "",
    wait_lock: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to wait while others publish there.")
    ] = "10m",
) -> None:
    """Check the packages, add them, sign the index, show it to machines in one switch, read it back as they do."""
    from phoenix.cli.repository import pick
    from phoenix.cli.show import plan_data, plan_text
    from phoenix.cli.wiring import Wiring
    from phoenix.execute.publication import checked, preview

    session = session_of(ctx)
    wiring = Wiring(session)
    name = pick(session.project, repository).name
    deadline = _seconds(wait_lock)
    packages = checked(files)
    if plan:
        decided = preview(wiring.writers[name], packages)
        session.out.result({"repository": name, "plan": plan_data(decided)}, plan_text(decided))
        return
    done = _carry_out(wiring, name, packages, why, deadline)
    session.out.result(_facts(name, packages, done), _text(name, packages, done))


def _carry_out(wiring: Wiring, name: str, packages: tuple[PackageFile, ...], why: str, deadline: float) -> Publication:
    from phoenix.cli.running import tend_run
    from phoenix.execute import publication

    return publication.publish(
        wiring.writers[name],
        packages,
        engine=wiring.publish_engine(),
        store=wiring.store,
        clock=wiring.clock,
        say=wiring.session.out.say,
        tend=lambda: tend_run(wiring, str(names.of_repository(name)), resume=False),
        why=why,
        deadline=deadline,
    )


def _seconds(text: str) -> float:
    from phoenix.errors import SpecError
    from phoenix.spec import units

    try:
        return units.duration(text)
    except ValueError as error:
        raise SpecError(
            f"--wait-lock {text} is no duration",
            details=str(error),
            resolution="Write a number with a unit, such as 30s, 10m or 2h.",
        ) from error


def _facts(name: str, packages: tuple[PackageFile, ...], done: Publication) -> dict[str, Any]:
    return {
        "changed": done.run is not None,
        "repository": name,
        "run": done.run.id if done.run else None,
        "packages": [
            {"name": p.name, "version": p.version, "architecture": p.architecture, "sha256": p.sha256} for p in packages
        ],
    }


def _text(name: str, packages: tuple[PackageFile, ...], done: Publication) -> object:
    if done.run is None:
        return f"{name}: {done.plan.why}"
    return table("published", "version", "repository", rows=[(p.name, p.version, name) for p in packages])
