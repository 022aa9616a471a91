"""`phoenix run`: who did what, when and why."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli.command import command, group_app
from phoenix.cli.output import table
from phoenix.cli.session import session_of

app = group_app("List runs; show one with its plan, steps and log.")


@command(app, "phoenix run list", "phoenix run list web-tier --json", name="list")
def list_runs(
    ctx: typer.Context,
    service: Annotated[str | None, typer.Argument(help="Only runs of this service.")] = None,
) -> None:
    """List runs, newest first."""
    from phoenix.cli.show import run_data, short
    from phoenix.cli.wiring import Wiring

    session = session_of(ctx)
    wiring = Wiring(session)
    if service is not None:
        wiring.project.service(service)
    runs = [r for r in wiring.history.runs() if service is None or r.subject.split("/")[0] == service]
    rows = [(r.id, short(r.subject), r.state, r.started, r.owner.who, r.why) for r in runs]
    shown = table("run", "subject", "state", "started", "who", "why", rows=rows)
    session.out.result({"runs": [run_data(run) for run in runs]}, shown if runs else "no runs yet")


@command(app, "phoenix run show roll-20260131-120000-a1b2c3", name="show")
def show_run(ctx: typer.Context, run: Annotated[str, typer.Argument(help="The run's id.")]) -> None:
    """Show one run: who, when, why, its plan, every event, and where its files are."""
    from phoenix.cli.show import run_data, run_events, run_timeline, short
    from phoenix.cli.wiring import Wiring
    from phoenix.errors import SpecError

    session = session_of(ctx)
    wiring = Wiring(session)
    found = wiring.history.run(run)
    if found is None:
        raise SpecError(
            f"there is no run '{run}'",
            details="runs have ids such as those listed",
            resolution="See `phoenix run list`.",
        )
    directory = wiring.run_logs / found.id
    files = sorted(str(file) for file in directory.iterdir()) if directory.is_dir() else []
    head = (
        f"{found.id}  {found.kind} of {short(found.subject)}: {found.state}\nby {found.owner.who} on {found.owner.host}"
    )
    text = f"{head}  {found.why}\n{found.plan.get('why', '')}\n\n{run_timeline(found)}"
    data = {**run_data(found), "plan": dict(found.plan), "events": run_events(found), "files": files}
    session.out.result({"run": data}, text + ("\n\nfiles:\n  " + "\n  ".join(files) if files else ""))
