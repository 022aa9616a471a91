"""What a live group has and its successor would lack: named in the plan, and refused unless phoenix.yaml accepts it."""

from __future__ import annotations

import pytest

from phoenix.manner import Survey
from tests.support.fakes.desk import Desk

V1, V2 = "web-tier-local-v001", "web-tier-local-v002"
LACKS = ("step policy cpu-high", "warm pool")


@pytest.fixture
def cared_for(desk: Desk) -> Desk:
    """V1 serves, and somebody has given it more than phoenix gives."""
    desk.on_aws()
    desk.roll("1.0.0")
    desk.cloud.surveys[V1] = Survey(not_carried=LACKS, told=("i-1 is in standby",))
    return desk


def test_it_is_refused_and_named(cared_for: Desk) -> None:
    runs = cared_for.history.runs()
    for more in ((), ("--plan",)):
        error = cared_for.roll("2.0.0", *more, code=3)["error"]
        assert V1 in error["brief"]
        assert ", ".join(LACKS) in error["details"]
        assert "not_carried: accept" in error["resolution"]
    assert cared_for.history.runs() == runs


def test_whoever_accepts_it_is_told(cared_for: Desk) -> None:
    cared_for.edit("machine: {type: t3.small}", "machine: {type: t3.small}\n        not_carried: accept")
    notes = cared_for.roll("2.0.0", "--plan")["plan"]["notes"]
    assert [note for note in notes if ", ".join(LACKS) in note and V1 in note]
    assert [note for note in notes if "i-1 is in standby" in note]
    assert cared_for.roll("2.0.0")["group"] == V2
    assert f"note: not carried over from {V1}: {', '.join(LACKS)}" in cared_for.said


def test_nothing_to_do_is_no_roll(cared_for: Desk) -> None:
    assert cared_for.roll("1.0.0")["changed"] is False


def test_a_rollback_is_not_refused_for_it(cared_for: Desk) -> None:
    cared_for.cloud.surveys.clear()
    cared_for.roll("2.0.0")
    cared_for.cloud.surveys[V2] = Survey(not_carried=LACKS, busy="the instance refresh 08b9 is InProgress")
    assert cared_for.run("rollback", "web-tier")["group"] == V1


def test_nothing_is_decided_on_a_group_that_replaces_its_machines_by_itself(cared_for: Desk) -> None:
    cared_for.cloud.surveys[V1] = Survey(busy="the instance refresh 08b9 is InProgress, 40 % done")
    error = cared_for.roll("2.0.0", code=3)["error"]
    assert V1 in error["brief"]
    assert "the instance refresh 08b9 is InProgress, 40 % done" in error["details"]


def test_a_group_that_phoenix_did_not_make_is_asked_alike(desk: Desk) -> None:
    desk.on_aws()
    desk.cloud.found_foreign(2, serves=True)
    desk.cloud.surveys["legacy"] = Survey(not_carried=LACKS)
    assert "legacy" in desk.roll("1.0.0", "--adopt", code=3)["error"]["brief"]


def test_boot_work_that_no_machine_takes_is_told_before_anything(desk: Desk) -> None:
    desk.on_aws()
    desk.cloud.boot_work_limit = 20
    assert "too big" in desk.roll("1.0.0", code=3)["error"]["brief"]
    assert "too big" in desk.roll("1.0.0", "--plan", code=3)["error"]["brief"]
    assert desk.history.runs() == ()


def test_a_live_size_above_the_files_is_kept_and_said(desk: Desk) -> None:
    desk.on_aws()
    desk.edit("size: 2\n", "size: {min: 2, max: 4, cpu: 60%}\n")
    desk.cloud.found_foreign(7, serves=True)
    (note,) = [note for note in desk.roll("1.0.0", "--adopt", "--plan")["plan"]["notes"] if "4" in note]
    assert "legacy has more machines" in note
    desk.roll("1.0.0", "--adopt")
    size = desk.cloud.templates[V1].size
    assert size is not None
    assert (desk.cloud.standing[V1].size, size.wanted, size.least, size.most, size.cpu) == (7, 7, 2, 7, 60)
    assert "4" in next(line for line in desk.said.splitlines() if "7 machines" in line)
