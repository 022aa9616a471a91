"""`phoenix status`: what serves, what goes on, what is due; it never changes anything."""

from __future__ import annotations

from dataclasses import replace
from time import process_time
from typing import Any

import pytest

from phoenix.errors import CloudError
from phoenix.orders.status import unwell
from phoenix.record.history import History
from phoenix.record.journal import RunState
from tests.support.fakes.cloud import FakeCloud
from tests.support.fakes.desk import Desk
from tests.support.fakes.manners import AWS

V1, V2 = "web-tier-local-v001", "web-tier-local-v002"


def test_a_serving_group_that_is_whole_is_no_warning() -> None:
    assert list(unwell("web-prod-v001", 2, 2)) == []


def test_a_serving_group_with_a_dead_machine_is_told() -> None:
    assert "1 of 2 machines healthy" in next(unwell("web-prod-v001", 2, 1))


def test_traffic_to_a_group_that_is_gone_is_told() -> None:
    assert "no longer stands" in next(unwell("web-prod-v001", None, 0))


def seen(desk: Desk, code: int = 0) -> dict[str, Any]:
    """The one service, as data; nothing may have been changed by looking."""
    before = (desk.cloud.calls, dict(desk.cloud.standing), desk.store.list(""))
    data: dict[str, Any] = desk.run("status", code=code)["services"][0]
    assert (desk.cloud.calls, desk.cloud.standing, desk.store.list("")) == before
    return data


def text(desk: Desk, code: int = 0) -> str:
    return desk.page("status", code=code)


def test_nothing_yet(desk: Desk) -> None:
    look = seen(desk)
    assert (look["stable"], look["groups"], look["run"], look["due"], look["error"]) == (None, [], None, [], None)
    assert "nothing serves" in text(desk)


def test_a_kept_group_with_the_time_that_is_left(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.roll("2.0.0")
    look = seen(desk)
    kept = next(group for group in look["groups"] if group["name"] == V1)
    assert 1700 < kept["keep_left"] <= 1800
    assert "left)" in text(desk)
    assert look["due"] == []
    desk.clock.seconds += 1801
    assert seen(desk)["due"] == [f"{V1} is kept no longer: `phoenix tend` burns it"]
    assert "(over)" in text(desk)


def test_what_the_check_saw_and_restarts_are_shown(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.cloud.sick.add(V1)
    desk.cloud.crashing = {V1: 20.0}
    desk.clock.seconds += 100
    look = seen(desk)
    (group,) = look["groups"]
    assert (group["healthy"], group["seen"]) == (0, "2 x answered with 401")
    assert [(each["healthy"], each["seen"]) for each in group["instances"]] == [(False, "answered with 401")] * 2
    assert [each["restarts"] >= 5 for each in group["instances"]] == [True, True]
    assert group["restarts"] == sum(each["restarts"] for each in group["instances"])
    assert any("ended and was started again" in due for due in look["due"])
    for shown in (text(desk), desk.page("group", "show", V1)):
        assert "answered with 401" in shown
        assert str(group["instances"][0]["restarts"]) in shown


def test_a_held_run(desk: Desk) -> None:
    desk.roll("1.0.0")
    run = desk.roll("2.0.0", "--no-traffic", "--why", "canary by hand", code=8)["run"]
    desk.clock.seconds += 600
    look = seen(desk)
    assert (look["run"]["state"], look["run"]["step"]) == ("held", "hold-before-traffic")
    assert look["run"]["step_seconds"] == 600
    assert V2 in look["run"]["held"]
    assert look["due"] == [], "the candidate is the run's"
    shown = text(desk)
    for said in (run, "canary by hand", "(10m00s)", f"`phoenix promote {run}`", f"`phoenix abort {run}`"):
        assert said in shown


def test_a_running_run(desk: Desk) -> None:
    owned = desk.begin()
    desk.clock.seconds += 90
    look = seen(desk)
    assert (look["run"]["id"], look["run"]["elapsed"], look["run"]["died"]) == (owned.run.id, 90, False)
    assert f"`phoenix abort {owned.run.id}`" in text(desk)


def test_a_run_whose_process_died(desk: Desk) -> None:
    desk.begin()
    run = desk.bury()
    look = seen(desk)
    assert look["run"]["died"] is True
    assert look["due"] == [f"{run.id} has no process any more: `phoenix tend` undoes or finishes it"]


def test_what_an_undone_run_left_is_due_for_tend_as_tend_sees_it(desk: Desk) -> None:
    desk.roll("1.0.0")
    owned = desk.begin()
    owned.end(RunState.UNDONE)
    desk.cloud.standing[V2] = replace(desk.cloud.standing[V1], name=V2, run=owned.run.id, keep_until=None)
    assert seen(desk)["due"] == [f"{V2} is left of {owned.run.id}, which was undone: `phoenix tend` burns it"]
    assert V2 in desk.run("tend")["did"][0]
    assert seen(desk)["due"] == []


def test_a_stuck_run(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.cloud.sick.add(V2)
    desk.cloud.fail_delete.add(V2)
    run = desk.roll("2.0.0", code=7)["run"]
    look = seen(desk)
    assert look["run"]["state"] == "stuck"
    desk.bury()
    look = seen(desk)
    assert (look["run"]["state"], look["run"]["died"]) == ("stuck", False), "it waits for a person, not for a process"
    assert f"deleting {V2} timed out" in look["run"]["error"]
    assert f"{run} is stuck" in look["due"][0]
    assert f"`phoenix unlock {run} --why TEXT`" in text(desk)


def test_dead_machines_are_named(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.cloud.kill_machine(f"{V1}-2")
    assert f"{V1} serves with 1 of 2 machines healthy" in seen(desk)["due"][0]
    assert f"{V1}-2: dead" in text(desk)


def test_a_service_that_the_file_no_longer_has(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.edit("  web-tier:", "  web-front:")
    front, tier = desk.run("status")["services"]
    assert (front["service"], front["known"], tier["service"], tier["known"]) == ("web-front", True, "web-tier", False)
    assert "phoenix.yaml no longer has this service" in tier["due"][0]
    assert [each["service"] for each in desk.run("status", "web-front")["services"]] == ["web-front"]


def test_the_state_cannot_be_read_and_what_serves_is_shown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.roll("1.0.0")

    def unreadable(_history: History, _subject: str) -> None:
        raise CloudError("the state cannot be used", details="disk I/O error", resolution="Look at the disk.")

    monkeypatch.setattr(History, "live_run", unreadable)
    look = seen(desk, code=5)
    assert (look["stable"], look["run"]) == (V1, None)
    assert "cannot be used" in look["error"]
    assert f"{V1} serves" in text(desk, code=5)
    failed = desk.run("status", code=5)
    assert failed["error"]["code"] == 5
    assert failed["unseen"] == ["web-tier/local: the state cannot be used; disk I/O error; Look at the disk."]


def test_the_cloud_gives_no_answer_and_the_run_is_shown(desk: Desk) -> None:
    run = desk.begin().run
    desk.cloud.unreachable = True
    look = seen(desk, code=5)
    assert (look["run"]["id"], look["groups"]) == (run.id, [])
    assert "does not answer" in look["error"]
    assert "unknown" in text(desk, code=5)
    assert desk.refused("status", "web-tier", code=5)["brief"] == "not everything could be asked"


@pytest.fixture
def beside(desk: Desk) -> FakeCloud:
    """A cloud of the file that no environment is on (any more)."""
    other = FakeCloud(desk.clock, AWS)
    desk.clouds = lambda _project, spec: other.door if spec.name == "far" else desk.door
    desk.edit("clouds:\n", "clouds:\n  far: {kind: aws, region: eu-west-1, subnets: [subnet-a, subnet-b]}\n")
    return other


def test_a_cloud_without_services_that_cannot_be_asked_is_told(desk: Desk, beside: FakeCloud) -> None:
    desk.roll("1.0.0")
    assert desk.run("status")["unseen"] == []
    beside.unreachable = True
    failed = desk.run("status", code=5)
    assert [each["stable"] for each in failed["services"]] == [V1]
    assert len(failed["unseen"]) == 1
    assert failed["unseen"][0].startswith("far: ")
    assert desk.run("group", "list", code=5)["unknown"] == ["far"]
    desk.run("status", "web-tier")


def test_what_a_forgotten_environment_left_on_another_cloud_is_shown(desk: Desk, beside: FakeCloud) -> None:
    desk.roll("1.0.0")
    beside.standing["web-tier-prod-v004"] = replace(
        desk.cloud.standing[V1], name="web-tier-prod-v004", environment="prod"
    )
    forgotten = desk.run("status")["services"][1]
    assert (forgotten["environment"], forgotten["cloud"], forgotten["known"]) == ("prod", "far", False)
    assert [group["name"] for group in forgotten["groups"]] == ["web-tier-prod-v004"]
    assert desk.run("group", "show", "web-tier-prod-v004")["group"]["environment"] == "prod"


def test_what_may_not_be_looked_for_outside_of_groups_is_a_warning(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_listed: object) -> tuple[()]:
        raise CloudError("AWS refused ec2 describe_tags", details="UnauthorizedOperation: no")

    desk.roll("1.0.0")
    monkeypatch.setattr(desk.cloud, "strays", denied)
    done = desk.run("status")
    assert (done["unseen"], done["strays"], done["services"][0]["error"]) == ([], [], None)
    said = " ".join(desk.said.split())
    assert "local: machines outside of groups could not be looked for: AWS refused ec2 describe_tags" in said


def test_unknown_names(desk: Desk) -> None:
    desk.refused("status", "web-front", code=2)
    desk.refused("status", "-e", "prod", code=2)


def test_a_thousand_machines_cost_two_reads_and_less_than_half_a_second(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.roll("2.0.0")
    for name in (V1, V2):
        desk.cloud.resize(name, 500, between=lambda: None)
        desk.cloud.attach(desk.cloud.standing[name])
    desk.run("status")  # what is imported once is not looking
    reads, began = desk.cloud.reads, process_time()
    look = desk.run("status")["services"][0]
    assert process_time() - began < 0.5
    assert sum(len(group["instances"]) for group in look["groups"]) == 1000
    assert desk.cloud.reads - reads == 2, "the groups once, the balancer once"


def test_a_held_canary_says_who_serves_at_which_share(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.edit("{kind: blue-green, keep: 30m}", "{kind: canary, steps: [25, 100], soak: 1s, hold: [25]}")
    desk.roll("2.0.0", code=8)
    first = desk.page("status").splitlines()[0]
    assert first.endswith(": web-tier-local-v001 75%, web-tier-local-v002 25% serve")
