"""`phoenix unlock`: free a service from a run that nobody will end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix.cli import completion
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring
    from phoenix.record.journal import Run

app = command_app()


@command(
    app, "phoenix unlock web-tier --why 'mended by hand: v041 serves'", "phoenix unlock web-tier -e prod --why TEXT"
)
def unlock(
    ctx: typer.Context,
    service: Annotated[
        str, typer.Argument(help="The service, as phoenix.yaml names it.", autocompletion=completion.services)
    ],
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason, for the record. Required.")] = "",
    environment: Annotated[
        str | None,
        typer.Option(
            "-e",
            "--environment",
            help="Not needed where the service has one.",
            autocompletion=completion.environments,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would be given up; change nothing.")] = False,
) -> None:
    """Give up a held, stuck or dead run as it stands: nothing is undone, the service can be rolled again."""
    from phoenix.cli.show import run_data
    from phoenix.cli.wiring import Wiring
    from phoenix.errors import SpecError
    from phoenix.execute.ownership import abandon, describe

    session = session_of(ctx)
    wiring = Wiring(session)
    if not why.strip() and not plan:
        raise SpecError(
            "a service is unlocked for a reason",
            details="--why is missing; the record keeps it for whoever asks next",
            resolution="Say --why TEXT.",
        )
    run = _locked(wiring, service, environment)
    if plan:
        session.out.result({"plan": run_data(run)}, f"gives up {describe(run)}; nothing would be undone")
        return
    session.out.confirm(f"Give up {describe(run)}, and undo nothing?", assume_yes=yes)
    given_up = abandon(wiring.store, wiring.clock, run.subject, why, session.out.say)
    left, text = _left(wiring, given_up.subject)
    session.out.result(
        {"run": run_data(given_up), "services": left}, f"{given_up.id} was given up as it stood; it left:\n{text}"
    )


def _locked(wiring: Wiring, named: str, environment: str | None) -> Run:
    """The run that stands under the service, or has that id. RefusedError where there is none.

    The service need not be in phoenix.yaml any more.
    """
    from phoenix.cli.places import subject_of
    from phoenix.errors import RefusedError

    subject = f"{named}/{environment}" if environment else named
    if named in wiring.project.services:
        spec = wiring.project.service(named)
        subject = subject_of(spec, wiring.project.environment(spec, environment))
    found = [r for r in wiring.history.live() if subject in (r.id, r.subject) or r.subject.startswith(f"{subject}/")]
    going = [run for run in found if not run.state.ended]
    if len(going) != 1:
        raise RefusedError(
            f"nothing to unlock: no run stands under {subject}" if not going else f"{subject} names several runs",
            details=f"runs that are going on: {', '.join(run.id for run in going or wiring.history.live()) or 'none'}",
            resolution="See `phoenix status` and `phoenix run list`." if not going else "Name one of these.",
        )
    return going[0]


def _left(wiring: Wiring, subject: str) -> tuple[list[dict[str, Any]], str]:
    """What serves and stands now, as `phoenix status` shows it; empty for what phoenix.yaml no longer has."""
    from phoenix.cli.observing import everything
    from phoenix.cli.standing import standing_data, standing_text

    shown = [standing_data(wiring, each) for each in everything(wiring) if each.subject == subject]
    return shown, "\n\n".join(standing_text(each) for each in shown)
