"""`phoenix tend` in memory: what is due, what one trouble must not keep it from, and what is not its business."""

from __future__ import annotations

from dataclasses import replace

from phoenix.execute import claims
from phoenix.model import Place
from phoenix.orders.tend import tend
from phoenix.record.journal import RunState
from tests.support.fakes.desk import SUBJECT, Desk

V1, V2, V3 = (f"web-tier-local-v00{number}" for number in (1, 2, 3))


def test_a_group_of_an_undone_run_that_came_late_is_burnt(desk: Desk) -> None:
    """A process hung in its call to make the group; another undid the run; then the call got through."""
    desk.roll("1.0.0")
    owned = desk.begin()
    owned.end(RunState.UNDONE)
    late = replace(desk.cloud.standing[V1], name=V2, run=owned.run.id, keep_until=None)
    desk.cloud.standing[V2] = late
    assert any(V2 in did for did in desk.run("tend")["did"])
    assert sorted(desk.cloud.standing) == [V1]


def test_a_group_without_a_label_that_nobody_undid_is_left_alone(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.cloud.standing[V2] = replace(desk.cloud.standing[V1], name=V2, run="", keep_until=None)
    assert desk.run("tend")["did"] == []
    assert sorted(desk.cloud.standing) == [V1, V2]


def test_one_run_that_cannot_be_read_keeps_no_other_from_being_tended(desk: Desk) -> None:
    desk.store.put_if("live/bake/local/0123", b"{", None)
    desk.begin()
    run = desk.bury()
    said = desk.run("tend", code=5)
    assert said["did"] == [f"undid {run.id} ({SUBJECT}), whose process had died"]
    assert "live/bake/local/0123" in said["error"]["details"]


def test_one_group_that_cannot_be_burnt_does_not_keep_the_others(desk: Desk) -> None:
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        desk.roll(version)
    desk.clock.seconds += 3600
    desk.cloud.fail_delete.add(V1)
    desk.refused("tend", code=5)
    assert sorted(desk.cloud.standing) == [V1, V3]
    desk.cloud.fail_delete.clear()
    desk.run("tend")
    assert sorted(desk.cloud.standing) == [V3]


def test_a_tend_that_lives_on_takes_over_what_it_had_to_give_up(desk: Desk) -> None:
    desk.roll("1.0.0")
    owned = desk.begin()
    assert desk.history.live() != ()
    tended = tend(desk.open(desk.directory / "phoenix.yaml", {}))
    assert any(owned.run.id in each for each in tended.did)
    assert desk.history.live() == ()


def test_a_run_that_goes_on_to_its_hold_is_done_with(desk: Desk) -> None:
    desk.edit("    drain: 10s\n", "    drain: 10s\n    orphan: resume\n")
    desk.roll("1.0.0")
    desk.roll("2.0.0", "--no-traffic", code=8)
    taken = claims.claim_watched(desk.store, desk.clock, SUBJECT, lambda _text: None)
    assert taken is not None
    taken.write(state=RunState.RUNNING)
    desk.bury()
    assert "it is held now" in desk.run("tend")["did"][0]


def test_a_group_that_cannot_be_burnt_does_not_keep_a_new_release_away(desk: Desk) -> None:
    for version in ("1.0.0", "2.0.0"):
        desk.roll(version)
    desk.clock.seconds += 3600
    desk.cloud.fail_delete.add(V1)
    assert desk.roll("3.0.0")["changed"] is True
    assert "could not be burnt" in desk.said


def test_a_balancer_is_needed_by_who_served_once_has_a_group_or_a_run(desk: Desk) -> None:
    place = Place(service="web-tier", environment="local")
    desk.run("tend")
    assert desk.door.needed == frozenset(), "nothing has ever served"
    desk.roll("1.0.0", "--no-traffic", code=8)
    candidate = desk.cloud.standing.pop(V1)
    desk.run("tend")
    assert desk.door.needed == {place}, "a run is held"
    desk.cloud.standing[V1] = candidate
    desk.run("tend")
    desk.run("abort", "web-tier")
    desk.run("tend")
    assert desk.door.needed == frozenset(), "its group is gone, and nothing has served"
    desk.roll("1.0.0")
    (served,) = [desk.cloud.standing.pop(name) for name in list(desk.cloud.standing)]
    desk.run("tend")
    assert desk.door.needed == {place}, "it served"
    desk.cloud.standing["gone-prod-v001"] = replace(served, name="gone-prod-v001", service="gone", environment="prod")
    desk.run("tend")
    assert Place(service="gone", environment="prod") in desk.door.needed, "phoenix.yaml lost it, and its group stands"
