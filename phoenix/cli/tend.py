"""`phoenix tend`: do what is due, take over what was left."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.options import duration
from phoenix.cli.session import Session, session_of
from phoenix.errors import PhoenixError, SpecError
from phoenix.orders.facts import dump
from phoenix.orders.tend import tend as tend_once

app = command_app()


@command(app, "phoenix tend", "phoenix tend --every 60s")
def tend(
    ctx: typer.Context,
    every: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Do it again and again, this far apart.")
    ] = None,
) -> None:
    """Undo or finish runs whose process died, burn groups that are kept no longer, remove what bakes left."""
    session = session_of(ctx)
    pause = duration("--every", every)
    if pause is None:
        _tend(session)
        return
    if not pause:
        raise SpecError(
            "--every 0s leaves no time between two rounds",
            details="each round asks every cloud and balancer",
            resolution="Say it like 60s.",
        )
    site = session.site  # mistakes in phoenix.yaml end it now; later ones are told
    session.out.detail(f"tending {site.project.name}")
    while True:
        try:
            tend_once(session.open_site())
        except PhoenixError as error:  # what was wrong in this round is looked at again in the next
            session.out.warn(str(error))
        site.clock.sleep(pause)


def _tend(session: Session) -> None:
    """One round."""
    try:
        done = tend_once(session.site)
    except PhoenixError as error:
        session.out.show("\n".join(error.facts.get("did", ())))
        raise
    session.out.result(dump(done), "\n".join(done.did) or "nothing was due")
