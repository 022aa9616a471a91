"""`phoenix tend`: do what is due, take over what was left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.cli.session import Session
    from phoenix.cli.wiring import Wiring
    from phoenix.errors import PhoenixError

app = command_app()


@command(app, "phoenix tend", "phoenix tend --every 60s")
def tend(
    ctx: typer.Context,
    every: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Do it again and again, this far apart.")
    ] = None,
) -> None:
    """Undo or finish runs whose process died, burn groups that are kept no longer, remove what bakes left."""
    from phoenix.cli.preflight import duration
    from phoenix.cli.wiring import Wiring
    from phoenix.errors import SpecError

    session = session_of(ctx)
    wiring = Wiring(session)
    pause = duration("--every", every)
    if pause is None:
        _tend(session, wiring)
        return
    if not pause:
        raise SpecError(
            "--every 0s leaves no time between two rounds",
            details="each round asks every cloud and balancer",
            resolution="Say it like 60s.",
        )
    session.out.detail(f"tending {wiring.project.name}")  # mistakes in phoenix.yaml end it now; later ones are told
    while True:
        _tend_on(session)
        wiring.clock.sleep(pause)


def _tend(session: Session, wiring: Wiring) -> None:
    """One round. Where it met troubles the first is raised, with what was done all the same."""
    did, troubles = tend_once(wiring)
    for each in did:
        session.out.say(each)
    for trouble in troubles[1:]:
        session.out.warn(str(trouble))
    if troubles:
        session.out.evidence({"did": did}, "\n".join(did))
        raise troubles[0]
    session.out.result({"did": did}, "\n".join(did) or "nothing was due")


def _tend_on(session: Session) -> None:
    """One round of many: phoenix.yaml is read anew, and no trouble ends the next rounds."""
    from phoenix.cli.wiring import Wiring
    from phoenix.errors import PhoenixError

    fresh = replace(session)
    fresh.out = session.out
    try:
        did, troubles = tend_once(Wiring(fresh))
    except PhoenixError as error:  # phoenix.yaml or the state cannot be read just now
        did, troubles = [], [error]
    for each in did:
        session.out.say(each)
    for trouble in troubles:
        session.out.warn(str(trouble))


def tend_once(wiring: Wiring) -> tuple[list[str], list[PhoenixError]]:
    """One round over every service (of phoenix.yaml, or with groups that stand), every other run and every cloud.

    What was done, in sentences, and what went wrong: a trouble with one keeps no other from being tended.
    """
    from phoenix.cli.places import forgotten, subject_of
    from phoenix.cli.running import tend_run, tend_service
    from phoenix.errors import LostRunError, PhoenixError

    wiring.tending = True
    did: list[str] = []
    troubles: list[PhoenixError] = []
    places = [(spec, where) for spec in wiring.project.services.values() for where in spec.environments.values()]
    try:
        places += forgotten(wiring)  # what phoenix.yaml no longer has and left behind
    except PhoenixError as error:
        troubles.append(error)
    subjects = {subject_of(spec, where) for spec, where in places}
    tasks: list[Callable[[], list[str]]] = [partial(tend_service, wiring, spec, where) for spec, where in places]
    tasks += [
        partial(tend_run, wiring, run.subject, resume=False)
        for run in wiring.history.live(troubles.append)
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
    return did, list({str(trouble): trouble for trouble in troubles}.values())


def _sweep(wiring: Wiring, cloud: str) -> list[str]:
    """Remove what bakes and machines that died have left on one cloud."""
    door = wiring.cloud(cloud)
    return [f"removed {left}" for left in (*door.images.sweep(), *door.groups.sweep())]
