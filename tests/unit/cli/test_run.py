"""`phoenix run`: the page that is read at three in the morning, and the list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phoenix.cli.text.outcomes import outcome_words
from phoenix.cli.text.times import lasted
from phoenix.orders.advice import has_died, what_next
from phoenix.record.journal import RunState
from phoenix.record.sqlite import SqliteStore
from phoenix.record.store import Value
from tests.support.fakes.desk import SUBJECT, Desk

V1, V2 = "web-tier-local-v001", "web-tier-local-v002"


def page(desk: Desk, *arguments: str) -> str:
    """What `phoenix run show` prints for people."""
    return desk.page("run", "show", *arguments)


def failed(desk: Desk) -> str:
    """A roll whose candidate never became healthy."""
    desk.roll("1.0.0")
    desk.cloud.sick.add(V2)
    return str(desk.roll("2.0.0", "--why", "CVE-2026-1", code=6)["run"])


def test_a_good_run(desk: Desk) -> None:
    desk.roll("1.0.0")
    run = desk.roll("2.0.0", "--why", "monthly")["run"]
    text = page(desk, run)
    assert text.startswith(f"{run}: roll of {SUBJECT}: done\n")
    for said in ("why     monthly", "phoenix rollback web-tier -e local", f"{V2} 100 %", f"{V1}: 2 of 2 healthy"):
        assert said in text
    assert "the way back" not in text, "nobody went there"
    assert "afterwards" in text
    assert "FAIL" not in text


def test_a_failed_run_tells_where_why_and_the_way_back(desk: Desk) -> None:
    run = failed(desk)
    lines = page(desk, run).splitlines()
    assert lines[0] == f"{run}: roll of {SUBJECT}: undone"
    step = next(line for line in lines if "candidate-healthy" in line)
    assert step.split()[0] == "FAIL"
    assert "never became healthy" in step
    assert "1m00s" in step
    assert "#" * 16 in step, "the longest step has the whole bar"
    assert any("more were not begun" in line for line in lines)
    back = lines[lines.index("the way back") :]
    assert any("routes-as-before" in line and f"{V1} 100 %" in line for line in back)
    assert any("delete-candidate" in line and "deleted" in line for line in back)
    assert any(f"service log of {V2}-1" in line for line in lines), "the machine's own log"
    assert any(line.endswith(f"{V2}-1.service.log") for line in lines), "its files"


def test_the_data_of_a_failed_run(desk: Desk) -> None:
    run = desk.run("run", "show", failed(desk))["run"]
    assert {"plan", "events", "files", "steps"} <= set(run)
    steps = {(step["part"], step["id"]): step for step in run["steps"]}
    assert [step["id"] for step in run["plan"]["steps"]] == [name for part, name in steps if part == "steps"]
    created, healthy = steps["steps", "create-candidate"], steps["steps", "candidate-healthy"]
    assert (created["state"], created["outcome"]["size"]) == ("done", 2)
    assert (healthy["state"], healthy["outcome"], healthy["seconds"]) == ("failed", None, 60)
    assert "never became healthy" in healthy["error"]
    assert steps["steps", "shift"] == {
        "id": "shift",
        "part": "steps",
        "action": "set-traffic",
        "state": "open",
        "began": None,
        "ended": None,
        "seconds": None,
        "last_time": 0,
        "tries": 0,
        "outcome": None,
        "error": None,
    }
    assert steps["back", "routes-as-before"]["state"] == "done"
    assert steps["cleanup", "keep-former"]["state"] == "open"


def test_a_held_run_says_the_two_words(desk: Desk) -> None:
    desk.roll("1.0.0")
    run = desk.roll("2.0.0", "--no-traffic", code=8)["run"]
    desk.clock.seconds += 3 * 3600
    text = page(desk, "web-tier")
    assert f"`phoenix promote {run}` goes on, `phoenix abort {run}` goes back" in text
    assert "held since 2026-01-31T12:00:" in text
    assert "(3h00m)" in text
    assert next(line for line in text.splitlines() if "hold-before-traffic" in line).split()[0] == "HELD"
    desk.run("promote", run, "--why", "fine")
    assert "promoted by" in page(desk, run)
    assert ": fine" in page(desk, run)


def test_a_stuck_run_and_one_that_was_taken_over(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.cloud.sick.add(V2)
    desk.cloud.fail_delete.add(V2)
    run = desk.roll("2.0.0", code=7)["run"]
    text = page(desk, run)
    assert "a human has to look" in text
    assert f"deleting {V2} timed out" in text
    desk.cloud.fail_delete.clear()
    desk.run("abort", run)
    text = page(desk, run)
    assert "taken over from process" in text
    assert "(tried 2 times)" in text


def test_a_run_whose_process_died(desk: Desk) -> None:
    desk.begin()
    run = desk.bury()
    text = page(desk, run.id)
    assert "(dead)" in text
    assert f"`phoenix resume {run.id}`" in text


@pytest.mark.parametrize("state", [RunState.HELD, RunState.STUCK])
def test_a_run_that_waits_for_a_person_has_not_died(desk: Desk, state: RunState) -> None:
    desk.begin().write(state=state)
    run = desk.bury()
    assert not has_died(run)
    assert "(dead)" not in page(desk, run.id)


def test_a_service_means_its_current_run_or_its_latest(desk: Desk) -> None:
    first = desk.roll("1.0.0")["run"]
    assert desk.run("run", "show", "web-tier", "-e", "local")["run"]["id"] == first
    desk.clock.seconds += 60
    second = desk.roll("2.0.0", "--no-traffic", code=8)["run"]
    assert desk.run("run", "show", "web-tier")["run"]["id"] == second
    desk.run("abort", second)
    assert desk.run("run", "show", "web-tier")["run"]["id"] == second
    desk.refused("run", "show", "nothing", code=2)
    desk.refused("run", "show", "web-tier", "-e", "prod", code=2)


def test_the_list_and_its_filters(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.clock.seconds += 60
    desk.cloud.sick.add(V2)
    undone = desk.roll("2.0.0", code=6)["run"]
    assert [run["state"] for run in desk.run("run", "list")["runs"]] == ["undone", "done"]
    assert [run["id"] for run in desk.run("run", "list", "--state", "undone")["runs"]] == [undone]
    assert [run["id"] for run in desk.run("run", "list", "web-tier", "--limit", "1")["runs"]] == [undone]
    assert desk.run("run", "list", "--state", "stuck")["runs"] == []
    assert "running" in desk.refused("run", "list", "--state", "lost", code=2)["details"]
    desk.refused("run", "list", "--limit", "0", code=2)
    desk.refused("run", "list", "web-front", code=2)


def test_a_service_of_the_file_costs_no_look_at_the_record(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("1.0.0", "2.0.0"):
        desk.roll(version)
    read, get = list[str](), SqliteStore.get

    def counted(store: SqliteStore, key: str) -> Value | None:
        read.append(key)
        return get(store, key)

    monkeypatch.setattr(SqliteStore, "get", counted)
    assert len(desk.run("run", "list", "web-tier")["runs"]) == 2
    assert len(read) == 2


def test_one_that_cannot_be_read_hides_no_other(desk: Desk) -> None:
    run = desk.roll("1.0.0")["run"]
    desk.store.put_if("runs/roll-20991231-000000-bad", b"{", None)
    desk.store.put_if("live/bake/local/0123", b"{", None)
    told = desk.run("run", "list", code=5)
    assert [each["id"] for each in told["runs"]] == [run]
    assert "live/bake/local/0123" in told["error"]["details"]
    assert "runs/roll-20991231-000000-bad" in desk.said
    assert desk.run("run", "show", "web-tier")["run"]["id"] == run
    assert desk.run("run", "show", run)["run"]["id"] == run


def test_the_list_for_people(desk: Desk) -> None:
    failed(desk)
    heads, newest, *_ = desk.page("run", "list").splitlines()
    assert heads.split() == ["RUN", "SUBJECT", "STATE", "STARTED", "TOOK", "WHO", "WHY"]
    assert "1m0" in newest
    assert "undone" in newest


def test_every_state_says_what_to_do(desk: Desk) -> None:
    run = desk.begin().run
    for state in RunState:
        for died in (True, False):
            assert what_next(replace(run, state=state), died=died)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.4, "<1s"),
        (1, "1s"),
        (59, "59s"),
        (60, "1m00s"),
        (125, "2m05s"),
        (3600, "1h00m"),
        (183600, "2d03h"),
    ],
)
def test_durations(seconds: float | None, words: str) -> None:
    assert lasted(seconds) == words


@pytest.mark.parametrize(
    ("do", "came", "words"),
    [
        ("shrink", {"size": 1, "ended": ["a-2"], "left": 3}, "size 1; ended a-2, 3 requests cut"),
        ("shrink", {"size": 1, "whole": 2}, "size 1 already"),
        ("shrink", {"gone": "a"}, "gone a"),
        ("set-traffic", {"shares": {}}, "nobody gets traffic"),
        ("set-traffic", {"left": {"a": 100}}, "left as somebody set it by hand: a 100 %"),
        ("drain", {"left": 0}, "no request under way"),
        ("keep-group", {"keep_until": None}, "no longer to be burnt"),
        ("save-logs", {"files": ["a", "b"], "failed": "no room"}, "2 files; no room"),
        ("delete-group", {"existed": False}, "was gone already"),
        ("hold", {"promoted_by": "alice", "why": ""}, "promoted by alice"),
        ("build-image", {"image": "i-1", "seconds": 3, "note": ""}, "image i-1, seconds 3"),
    ],
)
def test_outcomes_in_words(do: str, came: dict[str, object], words: str) -> None:
    assert outcome_words(do, came) == words
