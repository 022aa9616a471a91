"""`phoenix promote`: the held run goes on; anything else is refused, saying what it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.execute.ownership import this_process
from phoenix.record.journal import Part, RunState
from tests.support.fakes.desk import SUBJECT, Desk

V1, V2 = "web-tier-local-v001", "web-tier-local-v002"


def held(desk: Desk, *options: str) -> str:
    desk.roll("1.0.0")
    return str(desk.roll("2.0.0", "--no-traffic", *options, code=8)["run"])


@pytest.mark.parametrize("named", ["run", "web-tier"])
def test_the_held_run_goes_on_to_its_end(desk: Desk, named: str) -> None:
    run = held(desk)
    ended = desk.run("promote", run if named == "run" else named, "--why", "looks good")
    assert (ended["run"]["id"], ended["run"]["state"]) == (run, "done")
    assert desk.shares == {V2: 100}
    found = desk.history.run(run)
    assert found is not None
    word = found.outcome(Part.STEPS, "hold-before-traffic")
    assert word == {"promoted_by": this_process(1).who, "why": "looks good"}


def test_a_run_beside_it_that_cannot_be_read_keeps_nothing_held(desk: Desk) -> None:
    run = held(desk)
    desk.store.put_if("live/bake/local/0123", b"{", None)
    assert desk.run("promote", "web-tier")["run"]["id"] == run


def test_another_machine_promotes_as_well(desk: Desk) -> None:
    run = held(desk)
    desk.owner(replace(this_process(1), host="elsewhere", boot="another", who="bob"))
    assert desk.run("promote", run)["run"]["who"] == this_process(1).who


def test_it_holds_again_with_8(desk: Desk) -> None:
    desk.edit(
        "strategy: {kind: blue-green, keep: 30m}", "strategy: {kind: canary, steps: [50, 100], soak: 1s, hold: [50]}"
    )
    run = held(desk)
    again = desk.run("promote", run, code=8)
    assert (again["run"], again["state"]) == (run, "held")
    assert "50 %" in again["error"]["brief"]
    assert desk.shares == {V1: 50, V2: 50}
    assert desk.run("promote", run)["run"]["state"] == "done"


def test_a_failure_afterwards_is_undone_with_6(desk: Desk) -> None:
    run = held(desk)
    desk.cloud.sick.add(V2)
    assert desk.run("promote", run, code=6)["state"] == "undone"
    assert desk.shares == {V1: 100}
    assert V2 not in desk.cloud.standing


def test_the_plan_is_what_is_left(desk: Desk) -> None:
    run = held(desk)
    left = desk.run("promote", run, "--plan")
    assert [step["id"] for step in left["plan"]["steps"]] == ["grow", "healthy", "shift"]
    assert left["plan"]["back"]
    assert "after hold-before-traffic" in left["plan"]["why"]
    standing = desk.history.live_run(SUBJECT)
    assert standing is not None
    assert (standing.state, standing.owner.epoch) == (RunState.HELD, 1), "nothing was changed"


def test_a_run_that_goes_on_is_not_held(desk: Desk) -> None:
    run = desk.begin().run
    error = desk.refused("promote", run.id)
    assert "it is running" in error["brief"]
    assert this_process(1).who in error["details"]


def test_a_run_whose_process_died_is_not_held_either(desk: Desk) -> None:
    desk.begin()
    desk.bury()
    assert "phoenix resume" in desk.refused("promote", "web-tier", "--plan")["resolution"]


def test_an_ended_run_is_told_as_what_it_is(desk: Desk) -> None:
    run = desk.roll("1.0.0")["run"]
    assert "it is done" in desk.refused("promote", run)["brief"]
    assert "no run of web-tier is going on" in desk.refused("promote", "web-tier")["brief"]


def test_nobody_knows_it(desk: Desk) -> None:
    desk.refused("promote", "roll-20260131-120000-ffffff", code=2)


def test_other_hooks_are_refused_and_the_run_stays_held(desk: Desk, tmp_path: Path) -> None:
    hook = tmp_path / "last.sh"
    hook.write_text("#!/bin/sh\nexit 0\n")
    hook.chmod(0o755)
    desk.edit("    drain: 10s", "    drain: 10s\n    hooks: {after_traffic: [./last.sh]}")
    run = held(desk)
    hook.write_text("#!/bin/sh\nexit 1\n")
    assert "last.sh" in desk.refused("promote", run)["details"]
    standing = desk.history.live_run(SUBJECT)
    assert standing is not None
    assert standing.state is RunState.HELD
    hook.write_text("#!/bin/sh\nexit 0\n")
    desk.run("promote", run)
