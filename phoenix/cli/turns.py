"""`--wait-lock`: one run at a time, and whoever comes second waits for its turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from phoenix.cli.places import is_here, subject_of
from phoenix.cli.running import tend_run
from phoenix.errors import LostRunError
from phoenix.execute.ownership import TakenError, describe
from phoenix.record.journal import Run, RunState
from phoenix.spec.services import EnvironmentSpec, ServiceSpec
from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, wait_for

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring

T = TypeVar("T")


def in_turn(
    wiring: Wiring,
    service: ServiceSpec,
    environment: EnvironmentSpec,
    patience: float | None,
    attempt: Callable[[], T],
) -> T:
    """What `attempt` gives, begun once no other run has the service; it plans anew each time.

    A run whose process has died is taken over first, as `phoenix tend` does. `patience`: seconds to wait for one
    that lives or is held (None: not at all); then TakenError. Also at once, where it is stuck.
    """
    if patience is None:
        return attempt()
    until = wiring.clock.monotonic() + patience
    while True:
        _wait(wiring, service, environment, max(0.0, until - wiring.clock.monotonic()))
        try:
            return attempt()
        except TakenError:  # somebody was quicker
            if wiring.clock.monotonic() >= until:
                raise


def _wait(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec, patience: float) -> None:
    subject, say, holder = subject_of(service, environment), wiring.session.out.say, None

    def look() -> Look:
        nonlocal holder
        holder = _holder(wiring, service, environment)
        if holder is None:
            return Look(verdict=Verdict.PASS, seen="")
        verdict = Verdict.FAIL if holder.state is RunState.STUCK else Verdict.UNKNOWN
        return Look(verdict=verdict, seen=f"waiting for {describe(holder)}")

    try:
        wait_for(
            f"the turn of {subject}",
            look,
            clock=wiring.clock,
            deadline=patience,
            on_change=lambda seen: say(seen) if seen else None,
        )
    except (DeadlineError, HopelessError) as error:
        assert holder is not None, "a free service passes"
        raise _taken(subject, holder, patience) from error


def _holder(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec) -> Run | None:
    """The run that has the service, after one whose process died was taken over."""
    subject = subject_of(service, environment)
    run = wiring.history.live_run(subject)
    if run is None or run.state in (RunState.HELD, RunState.STUCK) or not is_here(wiring, run):
        return run
    try:
        did = tend_run(wiring, subject, resume=service.orphan == "resume", say=lambda _text: None)
    except LostRunError:  # somebody else has taken it over
        did = []
    for each in did:
        wiring.session.out.say(each)
    run = wiring.history.live_run(subject)
    return run if run is not None and not run.state.ended else None


def _taken(subject: str, holder: Run, patience: float) -> TakenError:
    if holder.state is RunState.STUCK:
        brief, advice = "stuck", f"See `phoenix run show {holder.id}`, then abort or unlock it."
    else:
        brief, advice = (
            f"still taken by another run after {patience:g} s",
            "Look with `phoenix status`, or wait longer.",
        )
    return TakenError(f"{subject} is {brief}", details=describe(holder), resolution=advice)
