"""Where `phoenix rollback` goes: to what served before, whatever has become of it, and never to and fro."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.record.journal import RunState
from tests.support.fakes.cloud import release_of
from tests.support.fakes.desk import SUBJECT, Desk

V1, V2, V3, V4, V5 = (f"web-tier-local-v00{number}" for number in range(1, 6))


def serve(desk: Desk, *versions: str) -> None:
    for version in versions:
        desk.roll(version)


def forget(desk: Desk, *groups: str) -> None:
    """The time of kept groups is over: they are burnt."""
    for group in groups:
        desk.run("group", "delete", group, "--yes")


def version(desk: Desk) -> str:
    """What serves."""
    (group,) = desk.shares
    return release_of(desk.cloud.standing[group]).packages[0].version


def test_within_keep_the_kept_group_serves_again(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0")
    back = desk.run("rollback", "web-tier")
    assert (back["changed"], back["state"], back["group"]) == (True, "done", V1)
    assert desk.shares == {V1: 100}


def test_a_balancer_without_room_for_another_group_does_not_stand_in_the_way_back(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0")
    desk.cloud.full = True
    assert "no room" in desk.refused("roll", "web-tier", "--package", "hello=3.0.0")["brief"]
    desk.run("rollback", "web-tier")
    assert desk.shares == {V1: 100}


def test_after_keep_its_release_serves_again_in_a_new_group(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0")
    forget(desk, V1)
    assert desk.run("rollback", "web-tier")["group"] == V3
    assert version(desk) == "1.0.0"


def test_again_and_it_goes_one_release_further_back(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0", "3.0.0")
    forget(desk, V1, V2)
    desk.run("rollback", "web-tier")
    assert version(desk) == "2.0.0"
    desk.run("rollback", "web-tier")
    assert version(desk) == "1.0.0"
    error = desk.refused("rollback", "web-tier")
    assert "nothing served" in error["brief"]
    assert V3 in error["resolution"], "forth again is by name"
    desk.run("rollback", "web-tier", "--to", V3)
    assert version(desk) == "3.0.0"


def test_a_roll_after_a_rollback_goes_back_to_what_it_replaced(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0")
    desk.run("rollback", "web-tier")
    desk.roll("3.0.0")
    desk.run("rollback", "web-tier")
    assert version(desk) == "1.0.0"


def test_a_group_of_the_record_can_be_named(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0", "3.0.0")
    forget(desk, V1)
    assert desk.run("rollback", "web-tier", "--to", V1)["group"] == V4
    assert version(desk) == "1.0.0"
    assert desk.run("rollback", "web-tier", "--to", V4)["changed"] is False


def test_an_image_means_the_newest_release_that_served_from_it(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0")
    desk.images.put("image-2")
    desk.run("roll", "web-tier", "--image", "image-2", "--package", "hello=3.0.0")
    forget(desk, V1)
    steps = desk.run("rollback", "web-tier", "--to", "image-1", "--plan")["plan"]["steps"]
    assert "unlabel" in [step["id"] for step in steps]
    assert desk.run("rollback", "web-tier", "--to", "image-1")["group"] == V2, "it stands, and runs exactly that"
    forget(desk, V3)
    back = desk.run("rollback", "web-tier", "--to", desk.images.there["image-2"].ref, "--package", "hello=1.0.0")
    assert release_of(desk.cloud.standing[back["group"]]).image == "image-2"
    assert version(desk) == "1.0.0"


def test_an_image_that_never_served_brings_what_phoenix_yaml_asks_for(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0")
    desk.images.put("image-2")
    desk.run("rollback", "web-tier", "--to", "image-2")
    assert version(desk) == "3.0.0"
    desk.run("rollback", "web-tier")
    assert version(desk) == "2.0.0"


def test_another_version_of_the_former_release(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0")
    desk.run("rollback", "web-tier", "--package", "hello=3.0.0")
    assert version(desk) == "3.0.0"
    assert desk.shares == {V3: 100}


def test_a_held_roll_is_aborted_instead(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0")
    held = desk.roll("3.0.0", "--no-traffic", code=8)
    shown = desk.run("rollback", "web-tier", "--plan")["plan"]
    assert "aborted" in shown["why"]
    assert desk.history.live() != ()
    back = desk.run("rollback", "web-tier", "--why", "not today")
    assert (back["aborted"], back["state"], back["group"]) == (held["run"], "undone", V2)
    assert "aborting" in desk.said
    assert desk.shares == {V2: 100}, "and no further back"
    assert sorted(desk.cloud.standing) == [V1, V2]


def test_a_roll_whose_process_died_is_aborted_instead(desk: Desk) -> None:
    serve(desk, "1.0.0")
    desk.roll("2.0.0", "--no-traffic", code=8)
    owned = desk.bury()
    assert desk.run("rollback", "web-tier")["aborted"] == owned.id
    assert desk.shares == {V1: 100}


def test_a_named_goal_is_gone_to_after_the_abort(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0")
    desk.roll("3.0.0", "--no-traffic", code=8)
    assert desk.run("rollback", "web-tier", "--to", V1)["group"] == V1
    assert desk.shares == {V1: 100}


def test_a_roll_past_its_commit_point_is_rolled_back(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0")
    run = desk.history.runs()[0]
    owned = desk.begin()
    owned.write(*run.events, state=RunState.COMMITTED)
    desk.bury()
    back = desk.run("rollback", "web-tier")
    assert "commit point" in desk.said
    assert (back["group"], desk.shares) == (V1, {V1: 100})


def test_a_rollback_whose_process_died_is_finished_and_goes_no_further(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0", "3.0.0")
    desk.run("rollback", "web-tier")
    done = desk.history.runs()[0]
    owned = desk.begin("rollback")
    owned.write(*done.events, state=RunState.COMMITTED)
    desk.bury()
    back = desk.run("rollback", "web-tier")
    assert (back["run"], back["group"], desk.shares) == (owned.run.id, V2, {V2: 100})
    assert desk.run("rollback", "web-tier")["group"] == V1


def test_a_rollback_under_way_is_left_alone(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0")
    owned = desk.begin("rollback")
    assert owned.run.id in desk.refused("rollback", "web-tier")["details"]
    assert desk.refused("rollback", "web-tier", "--wait-lock", "5s")["brief"].endswith("after 5 s")


def test_a_saved_way_back(desk: Desk, tmp_path: Path) -> None:
    serve(desk, "1.0.0", "2.0.0")
    file = tmp_path / "back.json"
    desk.run("rollback", "web-tier", "--plan-out", str(file))
    assert desk.shares == {V2: 100}
    assert desk.run("rollback", "web-tier", "--from-plan", str(file))["group"] == V1
    assert "stale" in desk.refused("rollback", "web-tier", "--from-plan", str(file))["brief"]


def test_a_saved_way_back_to_a_release(desk: Desk, tmp_path: Path) -> None:
    serve(desk, "1.0.0", "2.0.0", "3.0.0")
    forget(desk, V2)
    file = tmp_path / "back.json"
    desk.run("rollback", "web-tier", "--plan-out", str(file))
    desk.publish("1.0.0", "3.0.0")
    desk.refused("rollback", "web-tier", "--from-plan", str(file))
    desk.publish("1.0.0", "2.0.0", "3.0.0")
    assert desk.run("rollback", "web-tier", "--from-plan", str(file))["group"] == V4
    desk.run("rollback", "web-tier")
    assert version(desk) == "1.0.0", "the saved plan knew what was before it"


def test_an_abort_is_no_plan_to_save(desk: Desk, tmp_path: Path) -> None:
    serve(desk, "1.0.0")
    desk.roll("2.0.0", "--no-traffic", code=8)
    desk.refused("rollback", "web-tier", "--plan-out", str(tmp_path / "p.json"))


def test_what_can_no_longer_be_started_is_told_before_anything_begins(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0")
    forget(desk, V1)
    runs = len(desk.history.runs())
    desk.publish("2.0.0", "3.0.0")
    assert "hello=1.0.0" in desk.refused("rollback", "web-tier")["details"]
    desk.publish("1.0.0", "2.0.0", contents="rebuilt")
    assert "other contents" in desk.refused("rollback", "web-tier")["details"]
    desk.publish("1.0.0", "2.0.0")
    desk.images.delete("image-1")
    assert "image-1" in desk.refused("rollback", "web-tier")["details"]
    assert len(desk.history.runs()) == runs
    assert desk.shares == {V2: 100}


def test_a_repository_that_moved_is_where_the_new_machines_look(desk: Desk) -> None:
    serve(desk, "1.0.0", "2.0.0")
    forget(desk, V1)
    desk.edit("127.0.0.1:", "localhost:")
    desk.edit("listen: localhost:", "listen: 127.0.0.1:")
    back = desk.run("rollback", "web-tier")["group"]
    release = release_of(desk.cloud.standing[back])
    assert release.packages[0].version == "1.0.0"
    assert release.id == desk.history.served("web-tier", "local")[0].release.id
    desk.edit("  main:", "  other:")
    desk.run("rollback", "web-tier", "--to", V2)
    forget(desk, back)
    assert "repository main" in desk.refused("rollback", "web-tier", "--to", V1)["details"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--to", "nothing"], 2),
        (["--to", ""], 2),
        (["--to", "os/debian-12@nothex"], 2),
        (["--to", "a/b/c"], 2),
        (["--to", "os/debian-12"], 3),
        (["--to", "web-tier-local-v099"], 3),
        (["--to", "other-local-v001"], 3),
        (["--package", "hello"], 2),
        (["--package", "hallo=1.0.0"], 2),
        (["--package", "hello=9.9.9"], 3),
        (["--wait-lock", "10"], 2),
        (["--plan", "--plan-out", "p.json"], 2),
        (["--from-plan", "p.json", "--to", V1], 2),
        (["--from-plan", "p.json", "--package", "hello=1.0.0"], 2),
        (["--from-plan", "none.json"], 2),
    ],
)
def test_bad_input(desk: Desk, options: list[str], code: int) -> None:
    serve(desk, "1.0.0", "2.0.0")
    desk.refused("rollback", "web-tier", *options, code=code)
    assert len(desk.history.runs()) == 2
    assert desk.shares == {V2: 100}


def test_an_immutable_release_goes_back_as_it_was(desk: Desk) -> None:
    desk.edit("image: foundation/nodejs\n    packages: [hello]", "image: immutable/hello")
    for number in ("image-2", "image-3"):
        desk.images.put(number, kind="immutable", name="hello")
        desk.run("roll", "web-tier", "--image", number)
    forget(desk, V1)
    desk.refused("rollback", "web-tier", "--package", "hello=1.0.0", code=2)
    back = desk.run("rollback", "web-tier")["group"]
    assert release_of(desk.cloud.standing[back]).image == "image-2"


def test_nothing_to_go_back_to(desk: Desk) -> None:
    desk.refused("rollback", "web-tier")
    serve(desk, "1.0.0")
    assert V1 in desk.refused("rollback", "web-tier")["brief"]
    assert desk.history.live_run(SUBJECT) is None


def test_where_two_groups_serve_a_rollback_gives_everything_to_the_stable_one(desk: Desk) -> None:
    """What an abandoned canary leaves behind: its release may well be the one before."""
    desk.roll("1.0.0")
    desk.roll("2.0.0")
    desk.cloud.move({V1: 10, V2: 90})
    assert desk.run("rollback", "web-tier")["group"] == V2
    assert desk.shares == {V2: 100}
