"""One run at a time: whoever comes second waits for its turn (`--wait-lock`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from phoenix.errors import LostRunError
from phoenix.execute.ownership import TakenError, describe, taken
from phoenix.orders import here
from phoenix.orders.places import Place
from phoenix.orders.site import Site
from phoenix.orders.tend import tend_run
from phoenix.record.journal import Run, RunState
from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, wait_for

T = TypeVar("T")


def refuse_taken(site: Site, place: Place) -> None:
    """TakenError where a run has the place: said before anything that takes long, such as a bake."""
    run = site.history.live_run(place.subject)
    if run is not None and not run.state.ended:
        raise taken(run)


def in_turn(site: Site, place: Place, patience: float | None, attempt: Callable[[], T]) -> T:
    """What `attempt` gives, begun once no other run has the place; it plans anew each time.

    A run whose process has died is taken over first, as `phoenix tend` does. `patience`: seconds to wait for one
    that lives or is held (None: not at all); then TakenError. Also at once, where it is stuck.
    """
    if patience is None:
        return attempt()
    until = site.clock.monotonic() + patience
    while True:
        _wait(site, place, max(0.0, until - site.clock.monotonic()))
        try:
            return attempt()
        except TakenError:  # somebody was quicker
            if site.clock.monotonic() >= until:
                raise


def _wait(site: Site, place: Place, patience: float) -> None:
    def look() -> Look:
        holder = _holder(site, place)
        if holder is None:
            return Look(verdict=Verdict.PASS, seen="")
        verdict = Verdict.FAIL if holder.state is RunState.STUCK else Verdict.UNKNOWN
        return Look(verdict=verdict, seen=f"waiting for {describe(holder)}")

    try:
        wait_for(
            f"the turn of {place.subject}",
            look,
            clock=site.clock,
            deadline=patience,
            on_change=lambda seen: site.say(seen) if seen else None,
        )
    except (DeadlineError, HopelessError) as error:
        holder = site.history.live_run(place.subject)
        if holder is not None and not holder.state.ended:
            raise _still_taken(place.subject, holder, patience) from error


def _holder(site: Site, place: Place) -> Run | None:
    """The run that has the place, after one whose process died was taken over."""
    run = site.history.live_run(place.subject)
    if run is None or run.state in (RunState.HELD, RunState.STUCK) or not here.is_here(site, run):
        return run
    try:
        did = tend_run(site, place.subject, resume=place.service.orphan == "resume", say=lambda _text: None)
    except LostRunError:  # somebody else has taken it over
        did = []
    for each in did:
        site.say(each)
    run = site.history.live_run(place.subject)
    return run if run is not None and not run.state.ended else None


def _still_taken(subject: str, holder: Run, patience: float) -> TakenError:
    if holder.state is RunState.STUCK:
        brief, advice = "stuck", f"See `phoenix run show {holder.id}`, then abort or unlock it."
    else:
        brief, advice = (
            f"still taken by another run after {patience:g} s",
            "Look with `phoenix status`, or wait longer.",
        )
    return TakenError(f"{subject} is {brief}", details=describe(holder), resolution=advice)
