"""The only waiting loop: a deadline, an early end on certain failure, N good answers in a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from phoenix.clock import Clock
from phoenix.errors import CloudError, PhoenixError, UnreachableError


class Verdict(StrEnum):
    """What a look at the world said."""

    PASS = "pass"
    """It is as wanted."""
    UNKNOWN = "unknown"
    """Not yet, or nobody could tell: look again."""
    FAIL = "fail"
    """It can no longer become as wanted: waiting on is pointless."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One look: the verdict and what was seen, in words a person reads at night."""

    verdict: Verdict
    seen: str


PULSE = 1.0
"""Seconds after which `between` is called again, however far apart the looks are."""


class DeadlineError(CloudError):
    """A wait ended at its deadline; the last look is in the details."""


class HopelessError(CloudError):
    """A wait ended early because what it waited for can no longer happen."""


def _ignore(_seen: str) -> None:
    return None


def wait_for(
    what: str,
    look: Callable[[], Look],
    *,
    clock: Clock,
    deadline: float,
    interval: float = 1.0,
    in_a_row: int = 1,
    steady: float = 0.0,
    on_change: Callable[[str], None] = _ignore,
    between: Callable[[], None] = lambda: None,
) -> Look:
    """Call `look` every `interval` seconds until it passes; give back the last look.

    `deadline`: seconds from now after which `DeadlineError` is raised. `in_a_row`: passes needed one
    after the other; `steady`: seconds the passes must last. `on_change` hears what was seen, only when
    it differs from the last time. `between` is called once per round and every PULSE seconds (a lease is renewed
    there, and what others ask is seen).
    A look that says FAIL raises `HopelessError` at once.
    """
    started = clock.monotonic()
    passes, passing_since, last_seen = 0, started, ""
    while True:
        seen = look()
        if seen.seen != last_seen:
            last_seen = seen.seen
            on_change(seen.seen)
        moment = clock.monotonic()
        if seen.verdict is Verdict.FAIL:
            raise HopelessError(f"{what} can no longer succeed", details=seen.seen)
        if seen.verdict is Verdict.PASS:
            passing_since = passing_since if passes else moment
            passes += 1
            if passes >= in_a_row and moment - passing_since >= steady:
                return seen
        else:
            passes = 0
        if moment - started >= deadline:
            raise DeadlineError(f"{what} did not happen within {deadline:g} s", details=f"last seen: {seen.seen}")
        _rest(min(interval, max(0.0, started + deadline - moment)), clock, between)


def _rest(seconds: float, clock: Clock, between: Callable[[], None]) -> None:
    """Let the seconds go by, with a call of `between` first and every PULSE seconds."""
    while True:
        between()
        clock.sleep(min(PULSE, seconds))
        seconds -= PULSE
        if seconds <= 0:
            return


def retry_while_unknown(error: PhoenixError) -> Look:
    """The look that a passing error amounts to: unknown, with the error's own words."""
    return Look(verdict=Verdict.UNKNOWN, seen=str(error).replace("\n", " "))


def patient(look: Callable[[], Look]) -> Callable[[], Look]:
    """`look`, but that no answer (a throttled call, a network that is away) is unknown: it is looked again."""

    def looked() -> Look:
        try:
            return look()
        except UnreachableError as error:
            return retry_while_unknown(error)

    return looked
