"""A process that dies between two writes to Google Cloud, at each of them: another goes on, and the end is the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phoenix.clock import Clock
from phoenix.clouds.gcp.calls import Calls
from phoenix.record.journal import RunState
from phoenix.spec.clouds import GcpCloud
from phoenix.spec.services import BlueGreen, Rolling, Size, Strategy
from tests.emulators.gcp import Emulator
from tests.support.fakes.doubles import Killed
from tests.support.rolls.gcp_stage import NEW, OLD, GcpStage, by_backend_service, by_url_map

READS = ("/getHealth",)
Opened = Callable[[Emulator, Path], GcpStage]


class Mortal(Calls):
    """Calls of a process that dies when its N-th write was accepted."""

    def __init__(self, spec: GcpCloud, clock: Clock, dies_after: int) -> None:
        super().__init__(spec, clock)
        self._left = dies_after

    def begin(self, collection: str, method: str, /, **parameters: Any) -> Mapping[str, Any]:
        answer = super().begin(collection, method, **parameters)
        self._written()
        return answer

    def web(self, verb: str, url: str, /, *, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        answer = super().web(verb, url, body=body)
        if verb != "GET" and not url.endswith(READS):
            self._written()
        return answer

    def _written(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise Killed


def killed(stage: GcpStage, after: int) -> bool:
    """Roll in a process that dies after so many writes; whether it came to that."""
    mortal = replace(stage.account)
    mortal.__dict__["calls"] = Mortal(stage.account.spec, stage.account.clock, after)
    try:
        replace(stage, account=mortal).roll("2")
    except Killed:
        return True
    return False


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "strategy", [BlueGreen(keep=0.0), Rolling(step=1, percent=False)], ids=["blue-green", "rolling"]
)
@pytest.mark.parametrize("opened", [by_url_map, by_backend_service])
def test_a_death_after_any_write(gcp: Emulator, tmp_path: Path, strategy: Strategy, opened: Opened) -> None:
    after = 0
    while True:
        after += 1
        gcp.reset()
        size = Size(minimum=2, maximum=4, cpu=60)
        stage = replace(opened(gcp, tmp_path / str(after)), strategy=strategy, size=size)
        stage.logs.mkdir()
        stage.roll("1")
        if not killed(stage, after):
            break
        assert stage.take_over().state is RunState.DONE, after
        stage.account.clock.sleep(30)
        assert stage.shares == {NEW: 100}, after
        assert stage.size_of(NEW) == (2, 2), after
        policy = stage.account.scaler(NEW)["autoscalingPolicy"]
        assert (policy["minNumReplicas"], policy["maxNumReplicas"], policy["mode"]) == (2, 4, "ON"), after
        assert stage.account.seen(NEW).pinned_until is None, after
        assert [group.name for group in stage.account.groups().list()] == [NEW], after
        assert stage.left_of(OLD) == [], after
    assert after > 10
