"""`phoenix publish`: check, sign and publish packages, all or none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phoenix.cli import completion, options
from phoenix.cli import junit as report
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.cli.text.plan import plan_text
from phoenix.cli.text.table import table
from phoenix.orders import publish as publishing
from phoenix.orders import shown as shown_plans
from phoenix.orders.facts import dump
from phoenix.orders.publish import PublishOrder

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
        str | None,
        typer.Option(
            metavar="NAME",
            help="The repository; not needed where there is one.",
            autocompletion=completion.repositories,
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option(help="Other contents under a published version are meant (with --why).")
    ] = False,
    plan: options.Plan = False,
    why: options.Why = "",
    wait_lock: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to wait while others publish there.")
    ] = "10m",
    junit: report.File = None,
) -> None:
    """Check the packages, add them, sign the index, show it to machines in one switch, read it back as they do."""
    report.refuse_unwritable(junit)
    session = session_of(ctx)
    order = PublishOrder(
        files=tuple(map(str, files)),
        repository=repository,
        wait=options.duration("--wait-lock", wait_lock) or 0.0,
        why=why,
        replace=replace,
    )
    if plan:
        name, decided = publishing.repository_of(session.site, order), publishing.plan(session.site, order).only
        shown = plan_text(shown_plans.shown(decided))
        session.out.result({"repository": name, "plan": shown_plans.as_data(decided)}, shown)
        return
    done = report.of_run(session, junit, "publish", lambda: publishing.carry_out(session.site, order))
    rows = [(package.name, package.version, done.repository) for package in done.packages]
    shown_now = table("published", "version", "repository", rows=rows) if done.changed else ""
    session.out.result(dump(done), shown_now or f"{done.repository}: {done.why}")
