"""`phoenix unlock`: free a service from a run that nobody will end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix.cli import options
from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring
    from phoenix.record.journal import Run
    from phoenix.record.store import DamagedError

app = command_app()


@command(
    app, "phoenix unlock web-tier --why 'mended by hand: v041 serves'", "phoenix unlock web-tier -e prod --why TEXT"
)
def unlock(
    ctx: typer.Context,
    what: options.ServiceOrRun,
    why: Annotated[str, typer.Option(metavar="TEXT", help="The reason, for the record. Required.")] = "",
    environment: options.Environment = None,
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
    run = _locked(wiring, what, environment)
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
    """The run that stands under the service, or has that id.

    The service need not be in phoenix.yaml any more. RefusedError where no run stands there, SpecError where there
    is neither such a service nor such a run.
    """
    from phoenix.errors import RefusedError

    subject = _subject(wiring, named, environment)
    troubles: list[DamagedError] = []
    live = [run for run in wiring.history.live(troubles.append) if not run.state.ended]
    going = [run for run in live if (run.subject == subject if subject else _meant(run, named))]
    if len(going) == 1:
        return going[0]
    if not going and troubles:  # it may be the one that is meant
        raise troubles[0]
    if not going:
        _refuse_unknown(wiring, named)
    raise RefusedError(
        f"{named} names several runs" if going else f"nothing to unlock: no run stands under {subject or named}",
        details=f"runs that are going on: {', '.join(run.id for run in going or live) or 'none'}",
        resolution="Name one of these." if going else "See `phoenix status` and `phoenix run list`.",
    )


def _subject(wiring: Wiring, named: str, environment: str | None) -> str | None:
    """The subject that SERVICE on the command line means; None where it is an id, or no service any more."""
    from phoenix.cli.places import subject_of

    if named in wiring.project.services:
        spec = wiring.project.service(named)
        return subject_of(spec, wiring.project.environment(spec, environment))
    return f"{named}/{environment}" if environment else None


def _meant(run: Run, named: str) -> bool:
    """Whether a run's id, a subject, or a service that phoenix.yaml no longer has means that run."""
    from phoenix.cli.running import ROLLS

    return named in (run.id, run.subject) or (run.kind in ROLLS and run.subject.startswith(f"{named}/"))


def _refuse_unknown(wiring: Wiring, named: str) -> None:
    """SpecError for what is no service and no run."""
    from phoenix.errors import SpecError

    if named not in wiring.project.services and wiring.history.run(named) is None:
        raise SpecError(
            f"there is no service and no run '{named}'",
            details=f"services: {', '.join(sorted(wiring.project.services)) or 'none'}",
            resolution="Name one of these, or a run of `phoenix run list`.",
        )


def _left(wiring: Wiring, subject: str) -> tuple[list[dict[str, Any]], str]:
    """What serves and stands now, as `phoenix status` shows it; empty for what phoenix.yaml no longer has."""
    from phoenix.cli.observing import everything
    from phoenix.cli.standing import standing_data, standing_text

    shown = [standing_data(wiring, each) for each in everything(wiring) if each.subject == subject]
    return shown, "\n\n".join(standing_text(each) for each in shown)
