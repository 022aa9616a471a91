"""`phoenix tend`: do what is due, take over what was left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring

app = command_app()


@command(app, "phoenix tend", "phoenix tend --every 60s")
def tend(
    ctx: typer.Context,
    every: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Do it again and again, this far apart.")
    ] = None,
) -> None:
    """Undo or finish runs whose process died, burn groups that are kept no longer, remove what bakes left."""
    from phoenix.cli.wiring import Wiring
    from phoenix.errors import SpecError
    from phoenix.spec import units

    session = session_of(ctx)
    wiring = Wiring(session)
    try:
        pause = units.duration(every) if every else None
    except ValueError as error:
        raise SpecError(str(error), details="that is what --every says", resolution="Say it like 60s.") from error
    while True:
        did = tend_once(wiring)
        for each in did:
            session.out.say(each)
        if pause is None:
            session.out.result({"did": did}, "\n".join(did) or "nothing was due")
            return
        wiring.clock.sleep(pause)


def tend_once(wiring: Wiring) -> list[str]:
    """One round over every service, every other run and every cloud; what was done, in sentences.

    A trouble with one of them does not keep the others from being tended; the first is raised at the end.
    """
    from phoenix.cli.running import subject_of, tend_run, tend_service
    from phoenix.errors import LostRunError, PhoenixError

    did: list[str] = []
    troubles: list[PhoenixError] = []
    places = [(spec, where) for spec in wiring.project.services.values() for where in spec.environments.values()]
    subjects = {subject_of(spec, where) for spec, where in places}
    tasks: list[Callable[[], list[str]]] = [partial(tend_service, wiring, spec, where) for spec, where in places]
    tasks += [
        partial(tend_run, wiring, run.subject, resume=False)
        for run in wiring.history.live()
        if run.subject not in subjects
    ]
    tasks += [partial(_sweep, wiring, name) for name in wiring.project.local_clouds()]
    for task in tasks:
        try:
            did += task()
        except LostRunError:
            continue  # somebody else tends it
        except PhoenixError as error:
            troubles.append(error)
    if troubles:
        raise troubles[0]
    return did


def _sweep(wiring: Wiring, cloud: str) -> list[str]:
    """Remove what bakes and machines that died have left on one cloud."""
    door = wiring.cloud(cloud)
    return [f"removed {left}" for left in (*door.images.sweep(), *door.groups.sweep())]
