"""A balancer that dies while a run waits is started again by that wait, not only by the next step."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.model import Place
from phoenix.record.journal import RunState
from tests.support.rolls.stage import Stage


def test_a_wait_starts_the_balancer_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(logs=tmp_path)
    stage.roll("1")
    started: list[float] = []

    def mend(_place: Place) -> tuple[str, ...]:
        if not stage.cloud.unreachable:
            return ()
        stage.cloud.unreachable = False
        started.append(stage.clock.seconds)
        return ("started it",)

    def dies_once() -> None:
        stage.cloud.unreachable = not started

    monkeypatch.setattr(stage.cloud, "mend", mend)
    stage.meddle["candidate-healthy"] = lambda: setattr(stage.clock, "on_sleep", dies_once)
    began = stage.clock.seconds
    assert stage.roll("2").state is RunState.DONE
    assert len(started) == 1
    assert stage.clock.seconds - began < 20, "it did not wait for a deadline"
