"""`phoenix group`: what a person does to single groups, as whole commands."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.clouds.api import Cloud
from phoenix.errors import CloudError
from phoenix.execute.ownership import OwnedRun
from phoenix.spec.clouds import CloudSpec
from phoenix.spec.project import Project
from tests.support.fakes.desk import SUBJECT, Desk
from tests.support.fakes.doubles import Killed

V1, V2 = "web-tier-local-v001", "web-tier-local-v002"


@pytest.fixture
def two(desk: Desk) -> Desk:
    """V2 serves, V1 is kept."""
    desk.roll("1.0.0")
    desk.roll("2.0.0")
    return desk


def sizes(desk: Desk) -> dict[str, int]:
    return {name: group.size for name, group in desk.cloud.standing.items()}


def test_enable_gives_a_group_everything(two: Desk) -> None:
    done = two.run("group", "enable", V1, "--why", "the new one leaks")
    assert (done["changed"], done["state"], done["shares"]) == (True, "done", {V1: 100})
    run = two.history.run(done["run"])
    assert run is not None
    assert (run.kind, run.why) == ("enable", "the new one leaks")
    again = two.run("group", "enable", V1)
    assert (again["changed"], again["group"], again["run"]) == (False, V1, None)


def test_enable_gives_a_share(two: Desk) -> None:
    assert two.run("group", "enable", V1, "--share", "25")["shares"] == {V1: 25, V2: 75}
    two.refused("group", "enable", V1, "--share", "0", code=2)


def test_disable_gives_it_to_the_other(two: Desk) -> None:
    assert two.run("group", "disable", V2)["shares"] == {V1: 100}
    assert "time limit" in two.run("status")["services"][0]["due"][0]


def test_disable_never_leaves_nobody(desk: Desk) -> None:
    desk.roll("1.0.0")
    assert "nobody else" in desk.refused("group", "disable", V1)["brief"]
    desk.refused("group", "disable", V1, "--to", V1, code=2)
    desk.refused("group", "disable", V1, "--to", V2, code=2)
    assert desk.shares == {V1: 100}


def test_resize_both_ways(two: Desk) -> None:
    assert two.run("group", "resize", V2, "4")["size"] == 4
    assert two.run("group", "resize", V2, "2")["size"] == 2
    assert "--force" in two.refused("group", "resize", V2, "1")["resolution"]
    assert two.run("group", "resize", V2, "1", "--force")["size"] == 1
    two.refused("group", "resize", V2, "0", "--force", code=2)
    assert sizes(two) == {V1: 2, V2: 1}
    assert two.shares == {V2: 100}


@pytest.mark.parametrize("size", ["1001", "99999", "4294967296"])
def test_no_way_makes_a_group_larger_than_phoenix_yaml_could_say(two: Desk, size: str) -> None:
    calls = two.cloud.calls
    for more in ((), ("--force",), ("--yes",), ("--plan",)):
        refused = two.refused("group", "resize", V2, size, *more)
        assert refused["brief"] == f"{V2} is not made larger than phoenix.yaml allows"
        assert "1000 at most" in refused["details"]
    assert two.cloud.calls == calls
    two.edit("size: 2", f"size: {size}")
    two.refused("validate", code=2)


def test_the_bounds_of_an_autoscaler_hold_for_a_resize(two: Desk) -> None:
    two.on_aws()
    two.edit("size: 2", "size: {min: 2, max: 4, cpu: 60%}")
    assert "4 at most" in two.refused("group", "resize", V2, "5", "--force", "--yes")["details"]
    assert two.run("group", "resize", V2, "4", "--yes", "--plan")["plan"]["steps"]


def test_more_than_twice_as_many_need_a_yes_where_nobody_can_be_asked(two: Desk) -> None:
    calls = two.cloud.calls
    assert two.refused("group", "resize", V2, "5")["brief"] == "not confirmed"
    assert two.cloud.calls == calls
    assert two.run("group", "resize", V2, "5", "--yes")["size"] == 5
    assert two.run("group", "resize", V2, "10")["size"] == 10


def test_resize_to_its_own_size_replaces_what_is_dead(two: Desk) -> None:
    two.cloud.kill_machine(f"{V2}-1")
    assert two.run("group", "resize", V2, "2")["changed"] is True
    assert two.run("group", "resize", V2, "2")["changed"] is False


def test_a_plan_changes_nothing(two: Desk) -> None:
    calls, runs = two.cloud.calls, len(two.history.runs())
    for words in (("enable", V1), ("disable", V2), ("resize", V2, "5"), ("delete", V1)):
        plan = two.run("group", *words, "--plan")["plan"]
        assert plan["steps"] or plan["cleanup"]
    assert (two.cloud.calls, len(two.history.runs())) == (calls, runs)


def test_a_taken_service_is_refused(two: Desk) -> None:
    two.begin()
    for words in (("enable", V1), ("disable", V2), ("resize", V2, "4"), ("delete", V1)):
        assert "taken" in two.refused("group", *words)["brief"]


def test_a_verb_whose_process_died_is_undone_by_tend(two: Desk) -> None:
    two.cloud.kill_after_call = two.cloud.calls + 1
    with pytest.raises(Killed):
        two.run("group", "resize", V2, "3")
    assert sizes(two) == {V1: 2, V2: 3}, "it died with its third machine begun"
    run = two.bury()
    assert run.kind == "resize"
    assert two.run("tend")["did"] == [f"undid {run.id} ({SUBJECT}), whose process had died"]
    assert two.history.live() == ()
    assert sizes(two) == {V1: 2, V2: 2}


@pytest.mark.parametrize("words", [("enable", V1), ("disable", V2), ("resize", V2, "3"), ("delete", V1)])
def test_a_silent_balancer_after_the_end_does_not_make_it_a_failure(
    two: Desk, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    end = OwnedRun.end

    def silenced(owned: OwnedRun, *how: Any) -> None:
        end(owned, *how)
        two.cloud.unreachable = True

    monkeypatch.setattr(OwnedRun, "end", silenced)
    done = two.run("group", *words)
    assert (done["changed"], done["state"], done["group"]) == (True, "done", words[1])
    assert (done["size"], done["shares"]) == (None, None)
    assert f"{done['run']} has ended" in two.said
    assert "does not answer" in two.said


def test_delete_burns_what_has_no_traffic(two: Desk) -> None:
    assert two.run("group", "delete", V1)["deleted"] == V1
    assert sizes(two) == {V2: 2}
    assert "serves 100 %" in two.refused("group", "delete", V2, "--force")["brief"]
    two.refused("group", "delete", V1, code=2)


def test_a_deletion_that_fails_is_told(two: Desk) -> None:
    two.cloud.fail_delete.add(V1)
    assert "could not be burnt" in two.refused("group", "delete", V1, code=5)["brief"]


def test_a_service_that_the_file_no_longer_has(two: Desk) -> None:
    two.edit("  web-tier:", "  web-front:")
    listed = two.run("group", "list")["groups"]
    assert [(group["name"], group["service"]) for group in listed] == [(V1, "web-tier"), (V2, "web-tier")]
    assert two.run("group", "delete", V1)["deleted"] == V1
    assert "serves 100 %" in two.refused("group", "delete", V2)["brief"]
    assert two.run("group", "delete", V2, "--force")["shares"] == {}
    assert sizes(two) == {}
    assert two.run("group", "list")["groups"] == []


def test_a_list_shows_what_the_balancer_says(two: Desk) -> None:
    assert "BALANCER" not in two.page("group", "list")
    two.cloud.sick.add(V2)
    assert two.run("group", "list")["groups"][1]["seen"] == "2 x answered with 401"
    page = two.page("group", "list")
    assert "BALANCER" in page
    assert "2 x answered with 401" in page


@pytest.fixture
def half(two: Desk) -> Desk:
    """A second environment on a cloud that gives no answer, beside one that does."""
    two.edit("  local: {kind: local}", "  local: {kind: local}\n  broken: {kind: local}")
    where = "\n      ill: {cloud: broken, size: 1, load_balancer: {listen: 127.0.0.1:8001}}"
    two.edit("strategy: {kind: blue-green, keep: 30m}", "strategy: {kind: blue-green, keep: 30m}" + where)

    def opened(_project: Project, spec: CloudSpec) -> Cloud:
        if spec.name == "broken":
            raise CloudError("the cloud does not answer", details="timed out", resolution="Try again.")
        return two.door

    two.clouds = opened
    return two


def test_one_that_fails_hides_no_other(half: Desk) -> None:
    listed = half.run("group", "list", code=5)
    assert [group["name"] for group in listed["groups"]] == [V1, V2]
    assert listed["unknown"] == ["web-tier/ill"]
    assert half.run("group", "show", V2)["group"]["share"] == 100
    assert half.refused("group", "show", "web-tier-ill-v001", code=5)["brief"] == "the cloud does not answer"
    assert half.run("group", "delete", V1)["deleted"] == V1
    seen: dict[str, Any] = {each["environment"]: each for each in half.run("status", code=5)["services"]}
    assert seen["local"]["stable"] == V2
    assert "does not answer" in seen["ill"]["error"]
