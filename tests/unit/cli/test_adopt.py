"""`--adopt`: a group that phoenix did not make loses its traffic, and later itself, only where somebody says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fakes.desk import Desk
from tests.support.fakes.manners import FOREIGN

V1, V2 = "web-tier-local-v001", "web-tier-local-v002"


@pytest.fixture
def taken(desk: Desk) -> Desk:
    """A group that phoenix did not make serves."""
    desk.cloud.found_foreign(3, serves=True)
    return desk


def test_without_the_word_nothing_is_changed(taken: Desk) -> None:
    for more in ((), ("--plan",)):
        error = taken.refused("roll", "web-tier", "--image", "image-1", *more)
        assert f"did not make {FOREIGN}" in error["brief"]
        assert "--adopt" in error["resolution"]
    assert (taken.shares, taken.cloud.calls, taken.history.runs()) == ({FOREIGN: 100}, 0, ())


def test_the_plan_names_it(taken: Desk) -> None:
    note, larger = taken.roll("1.0.0", "--adopt", "--plan")["plan"]["notes"]
    assert "more machines than the 2 of phoenix.yaml" in larger
    assert f"phoenix did not make {FOREIGN}" in note
    assert f"phoenix group delete {FOREIGN} --adopt" in note
    page = taken.page("roll", "web-tier", "--image", "image-1", "--adopt", "--plan")
    assert f"note: {note}" in page.replace("\n", " ")


def test_it_loses_its_traffic_and_is_left_standing(taken: Desk) -> None:
    before = taken.cloud.standing[FOREIGN]
    done = taken.roll("1.0.0", "--adopt")
    assert (done["group"], done["former"], taken.shares) == (V1, FOREIGN, {V1: 100})
    assert taken.cloud.standing[FOREIGN] == before
    assert len(taken.cloud.standing[V1].instances) == 3, "as many as served"
    taken.run("tend")
    assert taken.cloud.standing[FOREIGN] == before


def test_also_beside_a_group_of_ours(taken: Desk) -> None:
    taken.roll("1.0.0", "--adopt")
    taken.cloud.move({V1: 60, FOREIGN: 40})
    assert f"did not make {FOREIGN}" in taken.refused("roll", "web-tier", "--image", "image-1")["brief"]
    taken.roll("2.0.0", "--adopt")
    assert taken.shares == {V2: 100}
    assert FOREIGN in taken.cloud.standing


def test_a_saved_plan_remembers_it(taken: Desk, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    taken.roll("1.0.0", "--adopt", "--plan-out", str(file))
    assert (
        "exclude each other" in taken.refused("roll", "web-tier", "--from-plan", str(file), "--adopt", code=2)["brief"]
    )
    assert taken.run("roll", "web-tier", "--from-plan", str(file))["group"] == V1


def test_it_is_deleted_by_that_word_alone(taken: Desk) -> None:
    taken.roll("1.0.0", "--adopt")
    error = taken.refused("group", "delete", FOREIGN)
    assert f"did not make {FOREIGN}" in error["brief"]
    assert "--adopt" in error["resolution"]
    plan = taken.run("group", "delete", FOREIGN, "--adopt", "--plan")["plan"]
    assert [step["action"]["do"] for step in plan["cleanup"]] == ["drain", "delete-group"]
    assert taken.run("group", "delete", FOREIGN, "--adopt")["deleted"] == FOREIGN
    assert sorted(taken.cloud.standing) == [V1]


def test_it_is_found_as_long_as_the_record_knows_that_it_served(taken: Desk) -> None:
    taken.roll("1.0.0", "--adopt")
    assert f"`phoenix group delete {FOREIGN} --adopt` burns it" in taken.run("status")["services"][0]["due"][0]
    taken.cloud.detach(FOREIGN)
    taken.roll("2.0.0")
    assert "--adopt" in taken.refused("group", "delete", FOREIGN)["resolution"]
    assert taken.run("group", "delete", FOREIGN, "--adopt")["deleted"] == FOREIGN
    assert FOREIGN not in taken.cloud.standing


def test_not_while_it_serves(taken: Desk) -> None:
    assert "serves 100 %" in taken.refused("group", "delete", FOREIGN, "--adopt")["brief"]
    assert "serves 100 %" in taken.refused("group", "delete", FOREIGN, "--adopt", "--force")["brief"]
    assert FOREIGN in taken.cloud.standing


def test_not_where_it_served_nothing_of_this_project(desk: Desk) -> None:
    """An account has other people's groups: the word alone is no reason to end one."""
    desk.roll("1.0.0")
    desk.cloud.found_foreign(2, serves=False)
    assert "there is no group" in desk.refused("group", "delete", FOREIGN, "--adopt", code=2)["brief"]
    assert FOREIGN in desk.cloud.standing


def test_a_group_of_ours_needs_no_word(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.roll("2.0.0")
    assert desk.run("group", "delete", V1, "--adopt")["deleted"] == V1


def test_a_deletion_that_fails_is_told(taken: Desk) -> None:
    taken.roll("1.0.0", "--adopt")
    taken.cloud.fail_delete.add(FOREIGN)
    assert "could not be burnt" in taken.refused("group", "delete", FOREIGN, "--adopt", code=5)["brief"]
