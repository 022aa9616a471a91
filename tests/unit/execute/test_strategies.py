"""Whole rolls by rolling and canary in memory: sizes, shares, holds, and the way back from each of their steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.errors import HeldError, RefusedError, UndoFailedError, UndoneError
from phoenix.record.history import History
from phoenix.record.journal import Part, RunState
from phoenix.spec.services import BlueGreen, Canary, Rolling, Strategy
from tests.support.fakes.cloud import release_of
from tests.support.rolls.stage import SUBJECT, Stage, service

OLD, NEW = "web-tier-local-v001", "web-tier-local-v002"
ROLLING = Rolling(step=1, percent=False)
CANARY = Canary(steps=(5, 50, 100), soak=30.0, hold=(), keep=600.0)
HELD = replace(CANARY, hold=(5,))


def served_by(tmp_path: Path, strategy: Strategy, size: int) -> Stage:
    """A stage on which version 1 serves."""
    stage = Stage(logs=tmp_path, spec=service(size=size, strategy=strategy))
    stage.roll("1")
    stage.cloud.history.clear()
    stage.cloud.serving.clear()
    return stage


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_rolling_never_serves_with_fewer_machines_and_needs_room_for_one_more(tmp_path: Path, size: int) -> None:
    stage = served_by(tmp_path, ROLLING, size)
    most: list[int] = []
    for step in range(100 // size, 101):
        stage.meddle[f"shrink-{step}"] = lambda: most.append(sum(g.size for g in stage.cloud.standing.values()))
    stage.roll("2")
    assert stage.shares == {NEW: 100}
    assert stage.groups == [NEW]
    assert stage.cloud.standing[NEW].size == size
    assert min(stage.cloud.serving) >= size
    assert all(each == size + 1 for each in most)
    assert len(most) == size - 1


def test_rolling_shares_follow_the_machines(tmp_path: Path) -> None:
    stage = served_by(tmp_path, ROLLING, 4)
    seen: list[dict[str, int]] = []
    for step in ("grow-50", "grow-75", "grow-100"):
        stage.meddle[step] = lambda: seen.append(stage.shares)
    stage.roll("2")
    assert seen == [{OLD: 75, NEW: 25}, {OLD: 50, NEW: 50}, {OLD: 25, NEW: 75}]


def test_machines_that_are_shrunk_away_finish_what_they_answer(tmp_path: Path) -> None:
    stage = served_by(tmp_path, ROLLING, 2)
    stage.cloud.answering[f"{OLD}-2"] = 1
    started = stage.clock.seconds

    def finish() -> None:
        if stage.cloud.answering and f"{OLD}-2" not in stage.cloud.attached[OLD] and stage.clock.seconds > started + 5:
            stage.cloud.answering.clear()

    stage.clock.on_sleep = finish
    stage.roll("2")
    assert stage.cloud.cut == []


def test_a_request_that_outlasts_the_drain_is_cut_and_told(tmp_path: Path) -> None:
    stage = served_by(tmp_path, ROLLING, 2)
    stage.cloud.answering[f"{OLD}-2"] = 1
    run = stage.roll("2")
    assert stage.cloud.cut == [f"{OLD}-2"]
    outcome = next(event for event in run.events if event.step == "shrink-50" and event.data)
    assert outcome.data["left"] == 1


@pytest.mark.parametrize("step", ["healthy-50", "healthy-75", "healthy-100"])
def test_a_candidate_that_falls_sick_in_the_middle_of_rolling_is_undone(tmp_path: Path, step: str) -> None:
    stage = served_by(tmp_path, ROLLING, 4)
    stage.meddle[step] = lambda: stage.cloud.ill.add(f"{NEW}-{int(step[8:]) // 25}")
    with pytest.raises(UndoneError, match="never became healthy"):
        stage.roll("2")
    assert stage.shares == {OLD: 100}
    assert stage.groups == [OLD]
    assert stage.cloud.standing[OLD].size == 4
    assert min(stage.cloud.serving) >= 4 - 1, "all but the sick one"


def test_a_group_that_was_not_whole_when_the_roll_began_need_not_be_whole_to_go_back(tmp_path: Path) -> None:
    stage = served_by(tmp_path, ROLLING, 4)
    stage.cloud.ill.add(f"{OLD}-1")
    stage.meddle["healthy-75"] = lambda: stage.cloud.ill.add(f"{NEW}-3")
    with pytest.raises(UndoneError):
        stage.roll("2")
    assert stage.shares == {OLD: 100}


def test_a_stable_group_that_cannot_be_made_whole_again_calls_a_human_and_moves_no_traffic(tmp_path: Path) -> None:
    stage = served_by(tmp_path, ROLLING, 2)

    def no_machine_starts_any_more() -> None:
        stage.cloud.ill.update({f"{NEW}-2", f"{OLD}-2"})

    stage.meddle["healthy-100"] = no_machine_starts_any_more
    with pytest.raises(UndoFailedError):
        stage.roll("2")
    assert stage.shares == {OLD: 50, NEW: 50}, "half the traffic is still answered by each"
    stage.cloud.ill.clear()
    with pytest.raises(UndoneError):
        stage.take_over(abort=True)
    assert stage.shares == {OLD: 100}


def test_canary_gives_growing_shares_each_soaked_and_keeps_the_former_group(tmp_path: Path) -> None:
    stage = served_by(tmp_path, CANARY, 10)
    sizes: list[int] = []
    for share in CANARY.steps:
        stage.meddle[f"soak-{share}"] = lambda: sizes.append(stage.cloud.standing[NEW].size)
    started = stage.clock.seconds
    stage.roll("2")
    assert sizes == [1, 5, 10]
    assert [sorted(route) for route in stage.cloud.history] == [[OLD, NEW], [OLD, NEW], [NEW]]
    assert stage.clock.seconds - started >= 3 * 30
    kept = stage.cloud.standing[OLD]
    assert kept.size == 10
    assert kept.keep_until is not None
    assert stage.shares == {NEW: 100}


def test_a_canary_that_falls_sick_while_it_soaks_gives_its_share_back_at_once(tmp_path: Path) -> None:
    stage = served_by(tmp_path, CANARY, 4)
    stage.meddle["soak-5"] = lambda: stage.cloud.kill_machine(f"{NEW}-1")
    started = stage.clock.seconds
    with pytest.raises(UndoneError, match="did not stay healthy"):
        stage.roll("2")
    assert stage.clock.seconds - started < 30, "a dead machine ends the soak, its length does not matter"
    assert stage.shares == {OLD: 100}
    assert stage.groups == [OLD]


def test_a_soak_begins_anew_when_the_canary_blinks(tmp_path: Path) -> None:
    stage = served_by(tmp_path, CANARY, 4)

    def blink() -> None:
        begun = stage.clock.seconds

        def see() -> None:
            passed = stage.clock.seconds - begun
            (stage.cloud.sick.add if 10 < passed < 15 else stage.cloud.sick.discard)(NEW)

        stage.clock.on_sleep = see

    stage.meddle["soak-5"] = blink
    run = stage.roll("2")
    began, ended = (e.at for e in run.events if e.step == "soak-5")
    assert run.state is RunState.DONE
    assert int(ended[14:16]) * 60 + int(ended[17:19]) - int(began[14:16]) * 60 - int(began[17:19]) >= 15 + 30


def test_a_hold_ends_the_process_and_keeps_the_service_until_somebody_promotes(tmp_path: Path) -> None:
    stage = served_by(tmp_path, HELD, 4)
    with pytest.raises(HeldError, match="5 % of the traffic"):
        stage.roll("2")
    held = History(stage.store).live_run(SUBJECT)
    assert held is not None
    assert held.state is RunState.HELD
    assert stage.shares == {OLD: 95, NEW: 5}
    with pytest.raises(RefusedError, match="taken by another run"):
        stage.roll("3")
    run = stage.promote()
    assert run.state is RunState.DONE
    assert stage.shares == {NEW: 100}
    assert run.outcome(Part.STEPS, "hold-5") == {"promoted_by": "somebody", "why": "looks good"}


def test_a_held_run_is_aborted_from_another_process(tmp_path: Path) -> None:
    stage = served_by(tmp_path, HELD, 4)
    with pytest.raises(HeldError):
        stage.roll("2")
    with pytest.raises(UndoneError):
        stage.take_over(abort=True)
    assert stage.shares == {OLD: 100}
    assert stage.groups == [OLD]


def test_resuming_a_held_run_holds_again(tmp_path: Path) -> None:
    stage = served_by(tmp_path, HELD, 4)
    with pytest.raises(HeldError):
        stage.roll("2")
    with pytest.raises(HeldError):
        stage.take_over(abort=False)
    assert stage.shares == {OLD: 95, NEW: 5}


def test_a_canary_that_fell_sick_while_it_was_held_is_not_promoted(tmp_path: Path) -> None:
    stage = served_by(tmp_path, HELD, 4)
    with pytest.raises(HeldError):
        stage.roll("2")
    stage.cloud.sick.add(NEW)
    with pytest.raises(UndoneError):
        stage.promote()
    assert stage.shares == {OLD: 100}


@pytest.mark.parametrize("strategy", [BlueGreen(keep=60.0), ROLLING, CANARY])
def test_no_traffic_holds_before_the_first_request(tmp_path: Path, strategy: Strategy) -> None:
    stage = served_by(tmp_path, strategy, 2)
    stage.no_traffic = True
    with pytest.raises(HeldError, match="no traffic"):
        stage.roll("2")
    assert stage.shares == {OLD: 100}
    assert stage.cloud.history == []
    assert stage.promote().state is RunState.DONE
    assert stage.shares == {NEW: 100}


def test_a_live_group_that_grows_while_a_canary_is_held_is_matched(tmp_path: Path) -> None:
    stage = served_by(tmp_path, HELD, 4)
    with pytest.raises(HeldError):
        stage.roll("2")
    stage.cloud.resize(OLD, 10, between=lambda: None)
    stage.promote()
    assert stage.cloud.standing[NEW].size == 10


def test_a_live_group_that_grows_while_it_is_measured_is_gone_back_to_at_its_new_size(tmp_path: Path) -> None:
    stage = served_by(tmp_path, ROLLING, 2)

    def grows() -> None:
        stage.clock.on_sleep = lambda: None
        stage.cloud.resize(OLD, 4, between=lambda: None)
        stage.cloud.attach(stage.cloud.standing[OLD])

    stage.meddle["measure"] = lambda: setattr(stage.clock, "on_sleep", grows)
    stage.meddle["grow-100"] = stage.ask_to_abort
    with pytest.raises(UndoneError, match="asked to abort"):
        stage.roll("2")
    assert (stage.shares, stage.cloud.standing[OLD].size) == ({OLD: 100}, 4)


def test_a_live_group_that_grows_while_rolling_is_matched_and_its_new_machines_go_too(tmp_path: Path) -> None:
    stage = served_by(tmp_path, ROLLING, 4)
    stage.meddle["grow-75"] = lambda: stage.cloud.resize(OLD, 2 + 4, between=lambda: None)
    stage.roll("2")
    assert stage.cloud.standing[NEW].size == 8
    assert stage.groups == [NEW]
    assert min(stage.cloud.serving) >= 4


def test_rollback_after_keep_brings_the_release_back_in_a_new_group_and_twice_goes_further_back(
    tmp_path: Path,
) -> None:
    stage = served_by(tmp_path, BlueGreen(keep=0.0), 2)
    stage.roll("2")
    stage.roll("3")
    assert stage.groups == ["web-tier-local-v003"]
    for former, version in ((NEW, "2"), (OLD, "1")):
        assert stage.observed.former == former
        stage.rollback(former)
        stable = stage.observed.stable
        assert stable is not None
        assert release_of(stable).packages[0].version == version
    assert stage.observed.former is None, "before the first release there is nothing"


def test_a_rollback_is_never_refused_for_the_number_of_machines(tmp_path: Path) -> None:
    stage = served_by(tmp_path, BlueGreen(keep=600.0), 2)
    stage.roll("2")
    stage.cloud.resize(NEW, 6, between=lambda: None)
    stage.rollback(OLD)
    assert stage.shares == {OLD: 100}
    assert stage.cloud.standing[OLD].size == 6, "it takes the whole load"


def test_a_dead_machine_of_the_kept_group_is_replaced_by_the_rollback(tmp_path: Path) -> None:
    stage = served_by(tmp_path, BlueGreen(keep=600.0), 2)
    stage.roll("2")
    stage.cloud.kill_machine(f"{OLD}-1")
    stage.rollback(OLD)
    assert stage.shares == {OLD: 100}
    assert [i.id for i in stage.cloud.standing[OLD].instances] == [f"{OLD}-2", f"{OLD}-1"]


def test_an_abort_that_another_process_asks_for_ends_a_soak(tmp_path: Path) -> None:
    stage = served_by(tmp_path, replace(CANARY, soak=3600.0), 4)
    stage.meddle["soak-5"] = stage.ask_to_abort
    started = stage.clock.seconds
    with pytest.raises(UndoneError, match="asked to abort"):
        stage.roll("2")
    assert stage.clock.seconds - started < 30
    assert stage.shares == {OLD: 100}
