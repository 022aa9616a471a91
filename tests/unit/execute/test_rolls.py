"""Whole blue-green rolls in memory: the good day, the sick candidate, the commit point, the way back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.errors import InterruptedRunError, RefusedError, Terminated, UndoFailedError, UndoneError
from phoenix.execute import ownership
from phoenix.model import InstanceState
from phoenix.record import journal
from phoenix.record.history import History
from phoenix.record.journal import RunState
from phoenix.spec.services import Hook, Hooks
from phoenix.wait import Look, Verdict
from tests.support.rolls.stage import SUBJECT, Stage, service


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(logs=tmp_path)


def test_the_first_roll_starts_from_nothing(stage: Stage) -> None:
    run = stage.roll("1")
    assert run.state is RunState.DONE
    assert stage.shares == {"web-tier-local-v001": 100}
    assert History(stage.store).live() == ()


def test_a_second_release_replaces_the_first_which_is_kept(stage: Stage) -> None:
    stage.roll("1")
    stage.roll("2")
    assert stage.shares == {"web-tier-local-v002": 100}
    kept = stage.cloud.standing["web-tier-local-v001"]
    assert kept.keep_until is not None
    assert (kept.keep_until - stage.clock.now()).total_seconds() == pytest.approx(1800, abs=60)
    assert all(all(healthy > 0 for healthy in route.values()) for route in stage.cloud.history)


def test_keep_zero_burns_at_once(stage: Stage) -> None:
    stage.spec = service(keep=0)
    stage.roll("1")
    stage.roll("2")
    assert stage.groups == ["web-tier-local-v002"]


def test_the_same_release_again_is_nothing_to_do(stage: Stage) -> None:
    stage.roll("1")
    assert stage.plan("1").empty


def test_a_larger_size_is_something_to_do(stage: Stage) -> None:
    stage.roll("1")
    stage.spec = service(size=3)
    stage.roll("1")
    assert stage.cloud.standing["web-tier-local-v002"].size == 3


def test_the_candidate_is_as_large_as_the_live_group(stage: Stage) -> None:
    stage.roll("1")
    stage.cloud.resize("web-tier-local-v001", 5, between=lambda: None)
    stage.roll("2")
    assert stage.cloud.standing["web-tier-local-v002"].size == 5


def test_a_sick_candidate_is_undone_and_the_stable_group_untouched(stage: Stage) -> None:
    stage.roll("1")
    stage.cloud.sick.add("web-tier-local-v002")
    with pytest.raises(UndoneError, match="never became healthy"):
        stage.roll("2")
    assert stage.shares == {"web-tier-local-v001": 100}
    assert stage.groups == ["web-tier-local-v001"]
    assert stage.clock.seconds < 200, "the deadline of 60 s ends it"


def test_failed_boot_work_ends_it_at_once_with_the_machines_own_log(stage: Stage) -> None:
    stage.cloud.broken_boot.add("web-tier-local-v001")
    before = stage.clock.seconds
    with pytest.raises(UndoneError) as caught:
        stage.roll("1")
    assert stage.clock.seconds - before < 30
    assert "boot log of web-tier-local-v001-1" in caught.value.details
    run = History(stage.store).runs()[0]
    assert (stage.logs / run.id / "web-tier-local-v001-1.boot.log").read_text() == "boot log of web-tier-local-v001-1"


def test_a_failing_deletion_after_the_commit_point_undoes_nothing(stage: Stage) -> None:
    """Without the commit point this ended with all traffic on an empty group."""
    stage.spec = service(keep=0)
    stage.roll("1")
    stage.cloud.fail_delete.add("web-tier-local-v001")
    run = stage.roll("2")
    assert run.state is RunState.DONE
    assert stage.shares == {"web-tier-local-v002": 100}
    assert stage.cloud.standing["web-tier-local-v001"].keep_until is not None, "tend burns it"


def test_a_way_back_that_fails_calls_a_human_and_keeps_the_subject(stage: Stage) -> None:
    stage.cloud.sick.add("web-tier-local-v001")
    stage.cloud.fail_delete.add("web-tier-local-v001")
    with pytest.raises(UndoFailedError):
        stage.roll("1")
    with pytest.raises(RefusedError, match="taken by another run"):
        stage.roll("2")
    stage.cloud.fail_delete.clear()
    with pytest.raises(UndoneError):
        stage.take_over(abort=True)
    assert stage.groups == []


def test_rollback_within_keep_is_one_write(stage: Stage) -> None:
    stage.roll("1")
    stage.roll("2")
    routes = len(stage.cloud.history)
    before = stage.clock.seconds
    stage.rollback("web-tier-local-v001")
    assert stage.shares == {"web-tier-local-v001": 100}
    assert len(stage.cloud.history) == routes + 1
    assert stage.clock.seconds - before < 2, "one fresh look is the proof"
    assert stage.cloud.standing["web-tier-local-v001"].keep_until is None
    assert stage.cloud.standing["web-tier-local-v002"].keep_until is not None


def test_numbers_are_never_used_again(stage: Stage) -> None:
    stage.roll("1")
    stage.roll("2")
    stage.cloud.detach("web-tier-local-v001")
    stage.cloud.delete("web-tier-local-v001")
    stage.roll("3")
    assert stage.shares == {"web-tier-local-v003": 100}


def test_the_number_of_an_undone_group_is_not_used_again(stage: Stage) -> None:
    stage.roll("1")
    stage.cloud.sick.add("web-tier-local-v002")
    with pytest.raises(UndoneError):
        stage.roll("2")
    stage.roll("2")
    assert stage.shares == {"web-tier-local-v003": 100}


def test_rolling_back_twice_goes_back_twice(stage: Stage) -> None:
    for version in ("1", "2", "3"):
        stage.roll(version)
    for _ in range(2):
        former = stage.observed.former
        assert former is not None
        stage.rollback(former)
    assert stage.shares == {"web-tier-local-v001": 100}
    assert stage.observed.former is None


def test_what_nobody_foresaw_is_undone_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.roll("1")

    def full_disk(*_arguments: object, **_more: object) -> None:
        monkeypatch.undo()
        raise OSError("no space left on device")

    monkeypatch.setattr(stage.cloud, "attach", full_disk)
    with pytest.raises(UndoneError, match="no space left"):
        stage.roll("2")
    assert (stage.groups, stage.shares) == (["web-tier-local-v001"], {"web-tier-local-v001": 100})


def test_a_dead_machine_is_something_to_do(stage: Stage) -> None:
    stage.roll("1")
    group = stage.cloud.standing["web-tier-local-v001"]
    dead = replace(group.instances[0], state=InstanceState.DEAD)
    stage.cloud.standing["web-tier-local-v001"] = replace(group, instances=(dead, *group.instances[1:]))
    assert not stage.plan("1").empty


def test_a_serving_group_that_was_removed_by_hand_is_replaced_and_the_way_back_leaves_routes_alone(
    stage: Stage,
) -> None:
    stage.roll("1")
    del stage.cloud.standing["web-tier-local-v001"]
    stage.cloud.sick.add("web-tier-local-v002")
    with pytest.raises(UndoneError):
        stage.roll("2")
    assert stage.shares == {"web-tier-local-v001": 100}, "as before"
    stage.roll("2")
    assert [(b.group, b.share) for b in stage.observed.route.backends] == [("web-tier-local-v003", 100)]


def test_a_service_that_does_not_answer_through_the_balancer_is_undone(stage: Stage) -> None:
    stage.roll("1")
    stage.answer = Look(verdict=Verdict.UNKNOWN, seen="answers 503")
    with pytest.raises(UndoneError, match="answering through the balancer"):
        stage.roll("2")
    assert (stage.groups, stage.shares) == (["web-tier-local-v001"], {"web-tier-local-v001": 100})


def test_hooks_see_the_candidates_preview(stage: Stage) -> None:
    hook = (Hook(command="./smoke.sh", timeout=5),)
    stage.spec = service(hooks=Hooks(before_traffic=hook, after_traffic=hook))
    stage.roll("1")
    preview = "http://preview/web-tier-local-v001"
    assert stage.hooks_run == [f"before_traffic {preview}", f"after_traffic {preview}"]


def test_a_signal_undoes_and_its_number_is_the_exit_code(stage: Stage) -> None:
    stage.roll("1")
    stage.cloud.sick.add("web-tier-local-v002")

    def signal() -> None:
        stage.clock.on_sleep = lambda: None
        raise Terminated(15)

    stage.clock.on_sleep = signal
    with pytest.raises(Exception, match="SIGTERM") as caught:
        stage.roll("2")
    assert getattr(caught.value, "exit_code", None) == 143
    assert (stage.groups, stage.shares) == (["web-tier-local-v001"], {"web-tier-local-v001": 100})


def test_a_signal_on_the_way_back_does_not_break_it_off(stage: Stage) -> None:
    stage.roll("1")
    stage.cloud.sick.add("web-tier-local-v002")
    stage.cloud.sessions["web-tier-local-v002"] = 1

    def signal() -> None:
        if any("drain-candidate" in line for line in stage.said):
            stage.clock.on_sleep = lambda: None
            raise KeyboardInterrupt

    stage.clock.on_sleep = signal
    with pytest.raises(InterruptedRunError) as caught:
        stage.roll("2")
    assert caught.value.exit_code == 130
    assert (stage.groups, stage.shares) == (["web-tier-local-v001"], {"web-tier-local-v001": 100})
    assert History(stage.store).live() == ()


def test_another_process_can_ask_for_the_way_back(stage: Stage) -> None:
    stage.cloud.sick.add("web-tier-local-v001")

    def ask() -> None:
        stage.clock.on_sleep = lambda: None
        run = History(stage.store).live_run(SUBJECT)
        assert run is not None
        ownership.request_abort(stage.store, stage.clock, run, "wrong version")

    stage.clock.on_sleep = ask
    with pytest.raises(UndoneError, match="asked to abort"):
        stage.roll("1")
    assert stage.clock.seconds < 30
    assert stage.groups == []


def test_the_plan_in_the_record_is_the_plan_that_ran(stage: Stage) -> None:
    plan = stage.plan("1")
    stage.roll("1")
    run = History(stage.store).runs()[0]
    assert [e.step for e in run.events if e.what is journal.What.INTENT] == [step.id for step in plan.steps]


def test_a_log_directory_that_cannot_be_made_is_one_clear_error_before_anything(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where a directory should be")
    stage = Stage(logs=tmp_path / "runs")
    with pytest.raises(UndoneError, match="have no place"):
        stage.roll("1")
    assert stage.groups == []


def test_a_log_directory_that_vanishes_does_not_stand_in_the_way_of_the_way_back(tmp_path: Path) -> None:
    stage = Stage(logs=tmp_path / "runs")
    stage.roll("1")
    stage.cloud.sick.add("web-tier-local-v002")

    def vanish() -> None:
        stage.logs.rename(tmp_path / "gone")
        stage.logs.write_text("no directory any more")

    stage.meddle["candidate-healthy"] = vanish
    with pytest.raises(UndoneError):
        stage.roll("2")
    assert stage.groups == ["web-tier-local-v001"]
