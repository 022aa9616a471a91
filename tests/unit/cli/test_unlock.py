"""`phoenix unlock`: a run is given up as it stands, for a reason, and only one that nobody works on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phoenix.execute.ownership import OwnedRun, this_process
from phoenix.record.journal import RunState
from tests.support.fakes.desk import Desk

V1, V2 = "web-tier-local-v001", "web-tier-local-v002"


def test_a_reason_is_required(desk: Desk) -> None:
    desk.roll("1.0.0", "--no-traffic", code=8)
    assert "--why" in desk.refused("unlock", "web-tier", code=2)["details"]
    assert "--why" in desk.refused("unlock", "web-tier", "--why", " ", code=2)["details"]


def test_the_service_is_free_and_all_stands_as_it_stood(desk: Desk) -> None:
    desk.roll("1.0.0")
    held = desk.roll("2.0.0", "--no-traffic", code=8)["run"]
    given_up = desk.run("unlock", "web-tier", "--why", "mended by hand")
    assert (given_up["run"]["id"], given_up["run"]["state"]) == (held, "abandoned")
    assert [group["name"] for group in given_up["services"][0]["groups"]] == [V1, V2]
    assert any(V2 in line and "phoenix group delete" in line for line in given_up["services"][0]["due"])
    assert desk.shares == {V1: 100}
    run = desk.history.run(held)
    assert run is not None
    assert "mended by hand" in run.events[-1].data["text"]
    desk.run("group", "delete", V2)
    desk.roll("2.0.0")


def test_by_the_runs_id_too(desk: Desk) -> None:
    held = desk.roll("1.0.0", "--no-traffic", code=8)["run"]
    assert desk.run("unlock", held, "--why", "x")["run"]["id"] == held


def test_a_living_process_keeps_its_run(desk: Desk) -> None:
    owned = desk.begin()
    desk.clock.on_sleep = owned.renew
    assert "is being worked on" in desk.refused("unlock", "web-tier", "--why", "impatient")["brief"]
    assert owned.run.state is RunState.RUNNING


def test_a_dead_one_is_given_up(desk: Desk) -> None:
    desk.begin()
    desk.bury()
    assert desk.run("unlock", "web-tier", "--why", "x")["run"]["state"] == "abandoned"


def test_nothing_to_unlock(desk: Desk) -> None:
    assert "no run of web-tier is going on" in desk.refused("unlock", "web-tier", "--why", "x")["brief"]
    ended = desk.roll("1.0.0")["run"]
    assert f"no run of {ended} is going on" in desk.refused("unlock", ended, "--why", "x")["brief"]


@pytest.mark.parametrize("words", [("web-teir",), ("web-teir", "-e", "local"), ("web-tier", "-e", "lokal")])
def test_what_is_mistyped_is_wrong_usage(desk: Desk, words: tuple[str, ...]) -> None:
    desk.roll("1.0.0", "--no-traffic", code=8)
    assert "web-tier" in str(desk.refused("unlock", *words, "--why", "x", code=2))
    assert desk.history.live()[0].state is RunState.HELD


def test_a_bake_is_given_up_by_its_own_name_only(desk: Desk) -> None:
    subject = "bake/local/0123"
    bake = OwnedRun.begin(desk.store, desk.clock, kind="bake", subject=subject, plan={})
    bake.write(state=RunState.STUCK)
    for other in ("bake", "local", "bake/local"):
        desk.refused("unlock", other, "--why", "x", code=2)
    assert desk.run("unlock", subject, "--why", "x")["run"]["id"] == bake.run.id


def test_a_run_beside_it_that_cannot_be_read_keeps_nothing_locked(desk: Desk) -> None:
    held = desk.roll("1.0.0", "--no-traffic", code=8)["run"]
    desk.store.put_if("live/bake/local/0123", b"{", None)
    assert "live/bake/local/0123" in desk.refused("unlock", "bake/local/0123", "--why", "x", code=5)["details"]
    assert desk.run("unlock", held, "--why", "x")["run"]["state"] == "abandoned"


def test_the_plan_gives_nothing_up(desk: Desk) -> None:
    held = desk.roll("1.0.0", "--no-traffic", code=8)["run"]
    assert desk.run("unlock", "web-tier", "--plan")["plan"]["id"] == held
    assert desk.history.live()[0].state is RunState.HELD


def test_a_service_that_the_file_no_longer_has(desk: Desk) -> None:
    desk.roll("1.0.0", "--no-traffic", code=8)
    desk.owner(replace(this_process(1), host="elsewhere"))
    desk.edit("  web-tier:", "  web-front:")
    assert desk.run("unlock", "web-tier", "--why", "renamed")["run"]["state"] == "abandoned"
