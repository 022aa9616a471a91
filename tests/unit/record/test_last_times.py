"""How long steps took the last time: what counts as the last time, and where it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phoenix.plan.actions import Plan
from phoenix.plan.roll_actions import RollAction
from phoenix.record import journal
from phoenix.record.history import History
from phoenix.record.journal import Event, Owner, Part, Run, RunState, What
from phoenix.record.last_times import LOOKED_AT, last_times
from phoenix.record.store import StoreError
from tests.support.fakes.desk import Desk
from tests.support.fakes.doubles import MemoryStore

OWNER = Owner(epoch=1, who="ada", host="here", pid=1, started=1, boot="b", pid_namespace="n")
STEP = {"id": "build", "action": {"do": "build"}, "deadline": 60}


def ended(minute: int, seconds: int, *, kind: str = "bake", subject: str = "", state: RunState = RunState.DONE) -> Run:
    """A run that began in that minute and whose one step took so long."""
    at = f"2026-01-31T12:{minute:02d}:00Z"
    done = f"2026-01-31T12:{minute:02d}:{seconds:02d}Z"
    return Run(
        id=f"{kind}-20260131-12{minute:02d}00-abcdef",
        kind=kind,
        subject=subject or f"bake/local/os/debian-12/{minute:064x}",
        state=state,
        why="",
        started=at,
        ended=done,
        plan={"steps": [STEP]},
        owner=OWNER,
        events=(
            Event(at=at, what=What.INTENT, part=Part.STEPS, step="build"),
            Event(at=done, what=What.OUTCOME, part=Part.STEPS, step="build"),
        ),
    )


def told(now: Run, *before: Run) -> int | None:
    store = MemoryStore()
    for run in before:
        store.put_if(journal.history_key(run.id), journal.dump(run), None)
    return last_times(History(store), now).get((Part.STEPS, "build"))


def test_the_last_good_run_of_the_same_image_counts_whatever_its_content() -> None:
    others = [
        ended(5, 9, state=RunState.UNDONE),
        ended(6, 8, subject="bake/local/os/debian-13/00"),
        ended(7, 7, subject="bake/gcp/os/debian-12/00"),
        ended(8, 6, kind="publish"),
    ]
    assert told(ended(9, 0), ended(3, 20), ended(4, 31), *others) == 31
    assert told(ended(9, 0), *others) is None


def test_a_run_is_compared_with_those_before_it() -> None:
    runs = [ended(3, 20), ended(4, 31), ended(5, 9)]
    assert [told(run, *runs) for run in runs] == [None, 20, 31]


def test_it_does_not_read_a_whole_history() -> None:
    far = [ended(10 + number, 5, subject="bake/local/os/other/00") for number in range(LOOKED_AT)]
    assert told(ended(59, 0), ended(3, 20), *far[1:]) == 20
    assert told(ended(59, 0), ended(3, 20), *far) is None


def test_a_record_that_cannot_be_read_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()

    def away(_prefix: str) -> tuple[str, ...]:
        raise StoreError("no answer")

    monkeypatch.setattr(store, "list", away)
    assert last_times(History(store), ended(9, 0)) == {}


def test_whatever_goes_wrong_with_it_the_run_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(_history: History, _run: Run) -> dict[tuple[Part, str], int]:
        raise KeyError("what an older phoenix wrote")

    monkeypatch.setattr("phoenix.record.last_times.last_times", odd)
    desk.roll("1.0.0")
    assert desk.cloud.shares == {"web-tier-local-v001": 100}


def test_each_step_of_a_roll_is_told_beside_the_last_time(desk: Desk) -> None:
    desk.cloud.kind = replace(desk.cloud.kind, boots=25.0)
    desk.roll("1.0.0")
    first = desk.run("run", "show", "web-tier")["run"]
    assert {step["last_time"] for step in first["steps"]} == {None}
    seconds = next(step["seconds"] for step in first["steps"] if step["id"] == "candidate-healthy")
    assert seconds >= 25
    assert "; last time" not in desk.said

    desk.roll("2.0.0")
    assert f" candidate-healthy ...; last time {seconds}s\n" in desk.said
    second = desk.run("run", "show", "web-tier")["run"]
    assert {step["last_time"] for step in second["steps"] if step["id"] == "candidate-healthy"} == {seconds}


def test_a_run_that_goes_on_is_shown_beside_the_last_time(desk: Desk) -> None:
    desk.cloud.kind = replace(desk.cloud.kind, boots=25.0)
    desk.roll("1.0.0")
    first = desk.run("run", "show", "web-tier")["run"]
    step = next(each for each in first["steps"] if each["id"] == "candidate-healthy")
    plan: Plan[RollAction] = Plan(subject="web-tier/local", why="x")
    owned = desk.begin(plan=plan)
    data = {"steps": [{"id": step["id"], "action": {"do": "wait-healthy"}, "deadline": 60}]}
    owned.run = replace(owned.run, plan=data)
    owned.write(owned.event(What.INTENT, part=Part.STEPS, step=step["id"]))
    desk.clock.seconds += 12
    now = desk.run("status")["services"][0]["run"]
    assert (now["step_seconds"], now["step_last_time"]) == (12, step["seconds"])
    assert f"(12s; last time {step['seconds']}s)" in desk.page("status")
    assert f"(12s; last time {step['seconds']}s)" in desk.page("run", "show", owned.run.id)
