"""Telling is never a part of the work."""

from __future__ import annotations

import pytest

from phoenix.errors import InterruptedRunError, RefusedError
from phoenix.tell import Level, Told, nobody, unfailing


def test_a_listener_that_fails_is_passed_over() -> None:
    def fail(_told: Told) -> None:
        raise OSError(5, "Input/output error")

    unfailing(fail)(Told(level=Level.SAY, text="a step"))
    nobody(Told(level=Level.SAY, text="a step"))


def test_a_listener_hears_everything_once() -> None:
    heard: list[Told] = []
    told = Told(level=Level.WARN, text="look", run="roll-1", step="shift")
    unfailing(heard.append)(told)
    assert heard == [told]


def test_a_signal_is_no_failure_to_tell() -> None:
    def interrupt(_told: Told) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unfailing(interrupt)(Told(level=Level.SAY, text="a step"))


def test_facts_of_an_error_grow_on_its_way_up_and_never_change() -> None:
    error = RefusedError("no", facts={"run": "roll-1"})
    error.know({"run": "another", "state": "undone"})
    assert error.facts == {"run": "roll-1", "state": "undone"}
    assert InterruptedRunError("ended", signal_number=15).facts == {}
