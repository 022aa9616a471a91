"""The one waiting loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, wait_for
from tests.support.fakes.doubles import FakeClock


def looks(*verdicts: str) -> Callable[[], Look]:
    answers: Iterator[str] = iter(verdicts)
    return lambda: Look(verdict=Verdict(next(answers)), seen="as told")


def test_passes_must_come_in_a_row() -> None:
    clock = FakeClock()
    wait_for("x", looks("pass", "unknown", "pass", "pass", "pass"), clock=clock, deadline=60, in_a_row=3)
    assert clock.seconds == 4


def test_passes_must_last() -> None:
    clock = FakeClock()
    wait_for("x", lambda: Look(verdict=Verdict.PASS, seen="ok"), clock=clock, deadline=60, steady=5)
    assert clock.seconds == 5


def test_a_break_starts_the_steady_time_again() -> None:
    clock = FakeClock()
    wait_for("x", looks("pass", "pass", "unknown", *["pass"] * 9), clock=clock, deadline=60, steady=3)
    assert clock.seconds == 6


def test_the_deadline_tells_what_was_seen_last() -> None:
    with pytest.raises(DeadlineError, match="within 3 s") as caught:
        wait_for("x", lambda: Look(verdict=Verdict.UNKNOWN, seen="1 of 2"), clock=FakeClock(), deadline=3)
    assert caught.value.details == "last seen: 1 of 2"


def test_certain_failure_ends_it_at_once() -> None:
    clock = FakeClock()
    with pytest.raises(HopelessError):
        wait_for("x", looks("unknown", "fail"), clock=clock, deadline=600)
    assert clock.seconds == 1


def test_only_changes_are_told_and_the_lease_is_renewed_each_round() -> None:
    told: list[str] = []
    rounds: list[int] = []
    answers = iter(["a", "a", "b"])
    wait_for(
        "x",
        lambda: Look(verdict=Verdict.PASS if (seen := next(answers)) == "b" else Verdict.UNKNOWN, seen=seen),
        clock=FakeClock(),
        deadline=9,
        on_change=told.append,
        between=lambda: rounds.append(1),
    )
    assert (told, len(rounds)) == (["a", "b"], 2)


def test_the_lease_is_renewed_while_looks_are_far_apart() -> None:
    clock, renewed = FakeClock(), list[float]()
    wait_for(
        "x",
        looks("unknown", "pass"),
        clock=clock,
        deadline=60,
        interval=10,
        between=lambda: renewed.append(clock.seconds),
    )
    assert renewed == [float(second) for second in range(10)]
    assert clock.seconds == 10
