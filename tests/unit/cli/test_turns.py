"""`--wait-lock`, `resume`, `abort`: one run at a time, and what the next one does about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from phoenix.errors import CloudError
from phoenix.execute import claims
from phoenix.execute.ownership import this_process
from phoenix.model import Place
from phoenix.record.journal import RunState
from tests.support.fakes.cloud import FakeCloud
from tests.support.fakes.desk import SUBJECT, Desk

V1, V2 = "web-tier-local-v001", "web-tier-local-v002"


def later(desk: Desk, seconds: float, happens: Callable[[], object]) -> None:
    """Let something happen once so much time has gone by."""

    def look() -> None:
        if desk.clock.seconds >= seconds:
            desk.clock.on_sleep = lambda: None
            happens()

    desk.clock.on_sleep = look


def test_without_patience_a_taken_service_is_a_refusal(desk: Desk) -> None:
    owned = desk.begin()
    assert owned.run.id in desk.roll(code=3)["error"]["details"]


def test_a_roll_waits_for_its_turn_and_plans_anew(desk: Desk) -> None:
    desk.roll("1.0.0")
    owned = desk.begin()
    start = desk.clock.seconds

    def other_ends() -> None:
        owned.end(RunState.DONE)
        desk.cloud.standing[V1] = replace(desk.cloud.standing[V1], size=5)  # what the plan has to see

    later(desk, start + 100, other_ends)
    desk.roll("2.0.0", "--wait-lock", "10m")
    assert 100 <= desk.clock.seconds - start < 200
    assert desk.said.count(f"waiting for roll {owned.run.id}") == 1, "who it is, told once"
    assert desk.cloud.standing[V2].size == 5


def test_patience_has_an_end_that_says_who_where_and_since_when(desk: Desk) -> None:
    owned = desk.begin()
    start = desk.clock.seconds
    error = desk.roll("1.0.0", "--wait-lock", "10m", code=3)["error"]
    assert desk.clock.seconds - start == pytest.approx(600, abs=2)
    assert "600 s" in error["brief"]
    for told in (owned.run.id, owned.run.owner.who, owned.run.owner.host, owned.run.started):
        assert told in error["details"]


def test_a_dead_holder_is_taken_over_like_tend_does(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.roll("2.0.0", "--no-traffic", code=8)
    run = desk.bury()
    taken = claims.claim_watched(desk.store, desk.clock, SUBJECT, lambda _text: None)
    assert taken is not None
    taken.write(state=RunState.RUNNING)
    desk.bury()
    desk.roll("3.0.0", "--wait-lock", "1m")
    assert f"undid {run.id}" in desk.said
    assert sorted(desk.cloud.standing) == [V1, "web-tier-local-v003"]


def test_a_holder_on_another_machine_that_shows_no_life_is_taken_over(desk: Desk) -> None:
    desk.begin()
    desk.owner(replace(this_process(1), boot="another", host="agent-7"))
    start = desk.clock.seconds
    desk.roll("1.0.0", "--wait-lock", "1m")
    assert desk.clock.seconds - start >= 30, "a lease"
    assert desk.shares == {V1: 100}


def test_a_held_run_is_waited_for(desk: Desk) -> None:
    desk.roll("1.0.0", "--no-traffic", code=8)
    assert "held" in desk.roll("2.0.0", "--wait-lock", "1m", code=3)["error"]["details"]


def test_a_stuck_run_is_not_waited_for(desk: Desk) -> None:
    desk.begin().end(RunState.STUCK)
    start = desk.clock.seconds
    error = desk.roll("1.0.0", "--wait-lock", "10m", code=3)["error"]
    assert "stuck" in error["brief"]
    assert desk.clock.seconds == start


def test_somebody_who_is_quicker_is_waited_for_too(desk: Desk) -> None:
    owned = desk.begin()

    def next_begins() -> None:
        owned.end(RunState.DONE)
        other = desk.begin("rollback")
        later(desk, desk.clock.seconds + 50, lambda: other.end(RunState.DONE))

    later(desk, desk.clock.seconds + 20, next_begins)
    desk.roll("1.0.0", "--wait-lock", "10m")
    assert desk.clock.seconds >= 70


def test_a_rollback_waits_for_its_turn(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.roll("2.0.0")
    owned = desk.begin("burn")
    later(desk, desk.clock.seconds + 20, lambda: owned.end(RunState.DONE))
    assert desk.run("rollback", "web-tier", "--wait-lock", "1m")["group"] == V1


def test_a_held_run_is_promoted_or_aborted_not_resumed(desk: Desk) -> None:
    held = desk.roll("1.0.0", "--no-traffic", code=8)
    error = desk.refused("resume", "web-tier")
    assert "promote or abort" in error["brief"]
    assert desk.run("abort", held["run"])["run"]["state"] == "undone"
    assert desk.cloud.standing == {}


def test_a_run_is_resumed_only_with_the_hooks_that_were_planned(desk: Desk) -> None:
    hook = desk.directory / "smoke.sh"
    hook.write_text("#!/bin/sh\nexit 0\n")
    hook.chmod(0o755)
    desk.edit("    drain: 10s", "    drain: 10s\n    hooks: {after_traffic: [./smoke.sh], on_abort: [./smoke.sh]}")
    held = desk.roll("1.0.0", "--no-traffic", code=8)
    owned = claims.claim_watched(desk.store, desk.clock, SUBJECT, lambda _text: None)
    assert owned is not None
    owned.write(state=RunState.RUNNING)
    desk.bury()
    hook.write_text("#!/bin/sh\nexit 0 # another\n")
    error = desk.refused("resume", "web-tier")
    assert "./smoke.sh" in error["details"]
    run = desk.history.live_run(SUBJECT)
    assert run is not None
    assert run.owner.pid == 2**22 + 1, "nobody has taken it over"
    assert desk.run("abort", "web-tier")["run"]["id"] == held["run"]
    assert any("failed" in event.data for event in desk.history.runs()[0].events), "on_abort was passed over, and told"


def test_who_was_overridden_is_stuck_until_somebody_decides(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.roll("2.0.0", "--no-traffic", code=8)
    owned = claims.claim_watched(desk.store, desk.clock, SUBJECT, lambda _text: None)
    assert owned is not None
    owned.end(RunState.STUCK)
    desk.cloud.move({V2: 100})
    assert "stuck" in desk.refused("resume", "web-tier")["brief"]
    assert "waits for a human" in desk.run("tend")["did"][0]
    assert desk.run("abort", "web-tier")["run"]["state"] == "undone"
    assert desk.shares == {V1: 100}


def test_tend_and_abort_know_services_that_phoenix_yaml_no_longer_has(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.roll("2.0.0")
    held = desk.roll("3.0.0", "--no-traffic", code=8)
    desk.edit("  web-tier:", "  other:")
    assert desk.run("abort", held["run"])["run"]["state"] == "undone"
    assert desk.run("tend")["did"] == []
    desk.clock.seconds += 3600
    assert any(V1 in did for did in desk.run("tend")["did"])
    assert list(desk.cloud.standing) == [V2], "what serves is left"
    assert desk.shares == {V2: 100}


def test_tend_knows_environments_that_phoenix_yaml_no_longer_has(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.roll("2.0.0")
    desk.edit("      local:\n", "      next:\n")
    desk.clock.seconds += 3600
    assert any(V1 in did for did in desk.run("tend")["did"])
    assert list(desk.cloud.standing) == [V2]


def test_tend_again_and_again_survives_bad_moments_and_reads_the_file_anew(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.roll("2.0.0")
    rounds = 0

    def happens() -> None:
        nonlocal rounds
        rounds += 1
        desk.cloud.unreachable = rounds == 1
        if rounds == 2:
            desk.edit("      local:\n", "      next:\n        x: y\n")
        if rounds == 3:
            desk.edit("        x: y\n", "")
        if rounds == 60:
            raise KeyboardInterrupt

    desk.clock.on_sleep = happens
    desk.run("tend", "--every", "60s", code=130)
    assert "the balancer does not answer" in desk.said
    assert "a mistake in phoenix.yaml" in desk.said
    assert list(desk.cloud.standing) == [V2], "what was due in the end was done"


@pytest.mark.parametrize("every", ["0s", "often", "-1s"])
def test_tend_needs_time_between_its_rounds(desk: Desk, every: str) -> None:
    desk.refused("tend", "--every", every, code=2)


def test_tend_tells_what_it_did_beside_what_went_wrong(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.roll("2.0.0")
    desk.edit(
        "services:\n",
        "services:\n  lost:\n    image: foundation/nodejs\n    port: 80\n    health: /\n"
        "    environments: {local: {cloud: local, size: 1, load_balancer: {listen: 127.0.0.1:8001}}}\n",
    )
    desk.clock.seconds += 3600
    real = desk.door.traffic

    def traffic(place: Place) -> FakeCloud:
        if place.service == "lost":
            raise CloudError("no answer", details="a test's own", resolution="wait")
        return real(place)

    desk.door.traffic = traffic  # type: ignore[method-assign]
    failed = desk.run("tend", code=5)
    assert failed["error"]["brief"] == "no answer"
    assert any(V1 in did for did in failed["did"])
