"""The process dies before or after every single write to the store and every single call to the cloud."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from phoenix.errors import PhoenixError
from phoenix.record.history import History
from tests.doubles import Killed
from tests.unit.execute.stage import Stage, service

Arm = Callable[[Stage, int], None]


def before_write(stage: Stage, at: int) -> None:
    stage.store.kill_before = stage.store.writes + at


def after_write(stage: Stage, at: int) -> None:
    stage.store.kill_after = stage.store.writes + at


def before_call(stage: Stage, at: int) -> None:
    stage.cloud.kill_before_call = stage.cloud.calls + at


def after_call(stage: Stage, at: int) -> None:
    stage.cloud.kill_after_call = stage.cloud.calls + at


POINTS = range(1, 25)
"""More than a roll has writes or calls; a point that is never reached is a roll that simply ends well."""


def disarm(stage: Stage) -> None:
    stage.store.kill_before = stage.store.kill_after = None
    stage.cloud.kill_before_call = stage.cloud.kill_after_call = None


def taken_over(stage: Stage, *, abort: bool) -> int:
    """The exit code of a new process that takes the run over."""
    try:
        stage.take_over(abort=abort)
    except PhoenixError as error:
        return error.exit_code
    return 0


def killed_roll(tmp_path: Path, arm: Arm, at: int, *, sick: bool) -> Stage:
    stage = Stage(logs=tmp_path, spec=service(keep=60))
    stage.roll("1")
    if sick:
        stage.cloud.sick.add("web-tier-local-v002")
    arm(stage, at)
    with suppress(Killed, PhoenixError):
        stage.roll("2")
    disarm(stage)
    return stage


@pytest.mark.parametrize("abort", [True, False], ids=["abort", "resume"])
@pytest.mark.parametrize("sick", [False, True], ids=["good", "sick"])
@pytest.mark.parametrize("arm", [before_write, after_write, before_call, after_call])
def test_every_kill_ends_done_or_undone(tmp_path: Path, arm: Arm, sick: bool, abort: bool) -> None:
    interrupted = 0
    for at in POINTS:
        stage = killed_roll(tmp_path / str(at), arm, at, sick=sick)
        interrupted += bool(History(stage.store).live())
        for _ in range(2):  # twice: the second time there is nothing left to do
            assert taken_over(stage, abort=abort) in (0, 6), f"{arm.__name__} {at}"
        where = f"{arm.__name__} {at}, sick={sick}: {stage.groups} {stage.shares}"
        assert History(stage.store).live() == (), where
        committed = "web-tier-local-v002" in stage.shares
        assert stage.shares == {f"web-tier-local-v00{2 if committed else 1}": 100}, where
        former = stage.cloud.standing["web-tier-local-v001"]
        if committed:
            assert not sick, where
            assert former.keep_until is not None, where
        else:
            assert stage.groups == ["web-tier-local-v001"], where
            assert former.keep_until is None, where
        assert all(all(n > 0 for n in route.values()) for route in stage.cloud.history), where
    assert interrupted >= 4, "the kills really hit a roll under way"


@pytest.mark.parametrize("arm", [before_write, after_write, before_call, after_call])
def test_a_second_kill_on_the_way_back_changes_nothing(tmp_path: Path, arm: Arm) -> None:
    for first in range(2, 8):
        for second in range(1, 8):
            stage = killed_roll(tmp_path / f"{first}-{second}", arm, first, sick=True)
            arm(stage, second)
            with suppress(Killed, PhoenixError):
                stage.take_over(abort=True)
            disarm(stage)
            assert taken_over(stage, abort=True) in (0, 6)
            assert stage.groups == ["web-tier-local-v001"], f"{arm.__name__} {first} {second}"
            assert stage.shares == {"web-tier-local-v001": 100}
            assert History(stage.store).live() == ()
