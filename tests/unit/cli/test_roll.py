"""The options of `phoenix roll`, each with the exit codes it can end with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix.record.journal import RunState
from tests.support.fakes.desk import SUBJECT, Desk
from tests.support.real.ports import free_port

V1, V2 = "web-tier-local-v001", "web-tier-local-v002"


def test_a_roll_tells_what_it_did(desk: Desk) -> None:
    rolled = desk.roll("1.0.0")
    assert (rolled["changed"], rolled["state"], rolled["group"], rolled["former"]) == (True, "done", V1, None)
    assert (rolled["strategy"], rolled["packages"]) == ("blue-green", {"hello": "1.0.0"})
    assert "steps" in desk.said
    again = desk.roll("1.0.0")
    assert (again["changed"], again["strategy"]) == (False, "blue-green")


def test_the_last_line_of_a_roll_says_what_serves(desk: Desk) -> None:
    first = desk.page("roll", "web-tier", "--image", "image-1", "--package", "hello=1.0.0").splitlines()[-1]
    assert first == (
        f"web-tier/local: {V1} serves 100 % at http://127.0.0.1:8000, 2 of 2 machines healthy, no request cut; "
        "nothing to go back to"
    )
    second = desk.page("roll", "web-tier", "--image", "image-1", "--package", "hello=2.0.0").splitlines()[-1]
    assert second.startswith(
        f"web-tier/local: {V2} serves 100 % at http://127.0.0.1:8000, 2 of 2 machines healthy, no request cut; "
        f"{V1} stands by until 2026-"
    )
    assert second.endswith(": `phoenix rollback web-tier`")
    back = desk.page("rollback", "web-tier").splitlines()[-1]
    assert back.startswith(f"web-tier/local: {V1} serves 100 % at http://127.0.0.1:8000, 2 of 2 machines healthy")
    desk.edit("keep: 30m", "keep: 0s")
    desk.cloud.sessions[V1] = 3
    last = desk.page("roll", "web-tier", "--image", "image-1", "--package", "hello=3.0.0").splitlines()[-1]
    assert last.endswith(f", 3 requests cut; {V1} is gone, its release comes back by `phoenix rollback web-tier`")


def test_the_last_line_of_a_roll_says_what_was_kept_of_the_image(desk: Desk) -> None:
    kept = "phoenix-boot: kept: {0}, of the image; that of the package is {0}.dpkg-dist\n"
    desk.cloud.told_at_boot = "\n" + kept.format("/etc/svc.conf") + kept.format("/etc/other.conf")
    rolled = desk.roll("1.0.0")
    assert rolled["conffiles_kept"] == ["/etc/svc.conf", "/etc/other.conf"]
    last = desk.page("roll", "web-tier", "--image", "image-1", "--package", "hello=2.0.0").splitlines()[-1]
    assert last.endswith("; kept of the image, against its package: /etc/svc.conf, /etc/other.conf")


def test_no_traffic_holds_with_8_and_shows_the_candidate(desk: Desk) -> None:
    desk.roll("1.0.0")
    held = desk.roll("2.0.0", "--no-traffic", code=8)
    assert held["run"] in held["error"]["resolution"]
    assert (held["state"], held["group"], held["preview"]) == ("held", V2, f"http://preview/{V2}")
    assert desk.shares == {V1: 100}
    run = desk.history.live_run(SUBJECT)
    assert run is not None
    assert run.state is RunState.HELD


def test_a_held_service_is_taken(desk: Desk) -> None:
    desk.roll("1.0.0", "--no-traffic", code=8)
    assert "held" in desk.roll("2.0.0", code=3)["error"]["details"]


@pytest.mark.parametrize(
    ("strategy", "shares"), [("blue-green", [100]), ("rolling", [50, 100]), ("canary", [5, 25, 50, 100])]
)
def test_the_strategy_of_the_file_gives_way_to_the_option(desk: Desk, strategy: str, shares: list[int]) -> None:
    desk.roll("1.0.0")
    planned = desk.roll("2.0.0", "--strategy", strategy, "--plan")
    moved = [step["action"] for step in planned["plan"]["steps"] if step["action"]["do"] == "set-traffic"]
    assert [dict(action["shares"])[V2] for action in moved] == shares
    assert desk.roll("2.0.0", "--strategy", strategy)["strategy"] == strategy
    assert desk.shares == {V2: 100}


def test_an_option_of_the_files_own_kind_keeps_what_the_file_says(desk: Desk) -> None:
    desk.edit("strategy: {kind: blue-green, keep: 30m}", "strategy: {kind: canary, steps: [10, 100], soak: 1s}")
    desk.roll("1.0.0")
    planned = desk.roll("2.0.0", "--strategy", "canary", "--plan")["plan"]
    assert [step["id"] for step in planned["steps"] if step["id"].startswith("shift")] == ["shift-10", "shift-100"]
    kept = desk.roll("2.0.0", "--strategy", "blue-green", "--plan")["plan"]["cleanup"][0]
    assert kept["action"]["seconds"] == 1800


def test_a_plan_that_was_written_is_carried_out_as_it_was(desk: Desk, tmp_path: Path) -> None:
    desk.roll("1.0.0")
    file = tmp_path / "plan.json"
    written = desk.roll("2.0.0", "--strategy", "rolling", "--no-traffic", "--plan-out", str(file))
    assert written["file"] == str(file)
    assert desk.shares == {V1: 100}, "a plan changes nothing"
    saved = json.loads(file.read_text())
    assert saved["plan"] == written["plan"]
    assert file.stat().st_mode & 0o077 == 0, "settings are nobody else's"
    held = desk.run("roll", "web-tier", "--from-plan", str(file), code=8)
    assert held["strategy"] == "rolling"
    assert held["packages"] == {"hello": "2.0.0"}
    run = desk.history.run(held["run"])
    assert run is not None
    assert json.loads(json.dumps(run.plan)) == saved["plan"]


def test_a_plan_with_nothing_to_do_is_one_too(desk: Desk, tmp_path: Path) -> None:
    desk.roll("1.0.0")
    desk.roll("1.0.0", "--plan-out", str(tmp_path / "plan.json"))
    assert desk.run("roll", "web-tier", "--from-plan", str(tmp_path / "plan.json"))["changed"] is False


def planned(desk: Desk, file: Path) -> Path:
    desk.roll("1.0.0")
    desk.roll("2.0.0", "--plan-out", str(file))
    return file


def test_a_plan_is_stale_once_the_routes_have_changed(desk: Desk, tmp_path: Path) -> None:
    file = planned(desk, tmp_path / "plan.json")
    desk.roll("3.0.0")
    error = desk.refused("roll", "web-tier", "--from-plan", str(file))
    assert "stale" in error["brief"]
    assert desk.shares == {V2: 100}


def test_a_plan_is_stale_once_the_spec_has_changed(desk: Desk, tmp_path: Path) -> None:
    file = planned(desk, tmp_path / "plan.json")
    desk.edit("drain: 10s", "drain: 20s")
    assert "phoenix.yaml" in desk.refused("roll", "web-tier", "--from-plan", str(file))["details"]


def test_a_plan_is_stale_once_a_hook_has_changed(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "smoke.sh").write_text("exit 0\n")
    (tmp_path / "smoke.sh").chmod(0o755)
    desk.edit("    drain: 10s", "    drain: 10s\n    hooks: {before_traffic: [./smoke.sh]}")
    file = planned(desk, tmp_path / "plan.json")
    (tmp_path / "smoke.sh").write_text("exit 1\n")
    assert "./smoke.sh" in desk.refused("roll", "web-tier", "--from-plan", str(file))["details"]


def test_a_plan_whose_package_is_gone_is_refused_before_it_begins(desk: Desk, tmp_path: Path) -> None:
    file = planned(desk, tmp_path / "plan.json")
    desk.publish("1.0.0", "3.0.0")
    assert "3.0.0" in desk.refused("roll", "web-tier", "--from-plan", str(file))["details"]
    assert len(desk.history.runs()) == 1


def test_a_plan_whose_image_is_gone_is_refused_before_it_begins(desk: Desk, tmp_path: Path) -> None:
    file = planned(desk, tmp_path / "plan.json")
    desk.images.delete("image-1")
    error = desk.refused("roll", "web-tier", "--from-plan", str(file))
    assert "image" in error["details"]
    assert "phoenix bake foundation nodejs" in error["resolution"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("", "", "no JSON"),
        ("{", "[", "no JSON"),
        ('"format": 1', '"format": 2', "format 2"),
        ('"format": 1', '"phoenix_format": 1', "phoenix has not written it"),
        ('"hold": false', '"hold": true', "changed or cut off"),
        ("hello", "hallo", "changed or cut off"),
    ],
)
def test_a_damaged_plan_is_wrong_usage(desk: Desk, tmp_path: Path, old: str, new: str, told: str) -> None:
    file = planned(desk, tmp_path / "plan.json")
    file.write_text(file.read_text().replace(old, new) if old else "")
    assert told in desk.refused("roll", "web-tier", "--from-plan", str(file), code=2)["details"]
    assert desk.shares == {V1: 100}


def test_a_plan_of_another_service_or_command_is_wrong_usage(desk: Desk, tmp_path: Path) -> None:
    file = planned(desk, tmp_path / "plan.json")
    assert "rollback" in desk.refused("rollback", "web-tier", "--from-plan", str(file), code=2)["details"]
    desk.edit("  web-tier:", "  other:")
    assert SUBJECT in desk.refused("roll", "other", "--from-plan", str(file), code=2)["details"]


def test_a_plan_that_is_not_there_or_cannot_be_written(desk: Desk, tmp_path: Path) -> None:
    desk.refused("roll", "web-tier", "--from-plan", str(tmp_path / "none.json"), code=2)
    desk.refused("roll", "web-tier", "--from-plan", str(tmp_path), code=2)
    assert (
        "no/plan.json" in desk.roll("1.0.0", "--plan-out", str(tmp_path / "no" / "plan.json"), code=2)["error"]["brief"]
    )
    assert list(tmp_path.glob(".plan.json*")) == []


@pytest.mark.parametrize(
    "options",
    [
        ["--plan", "--plan-out", "p.json"],
        ["--plan", "--from-plan", "p.json"],
        ["--plan-out", "p.json", "--from-plan", "p.json"],
        ["--from-plan", "p.json", "--image", "image-1"],
        ["--from-plan", "p.json", "--package", "hello=1.0.0"],
        ["--from-plan", "p.json", "--strategy", "canary"],
        ["--from-plan", "p.json", "--no-traffic"],
        ["--from-plan", "p.json", "--bake"],
        ["--bake", "--image", "image-1"],
        ["--bake", "--plan-out", "p.json"],
        ["--strategy", "highlander"],
        ["--strategy", ""],
        ["--wait-lock", "soon"],
        ["--wait-lock", "-10m"],
        ["--wait-lock", ""],
        ["--package", "hello"],
        ["--package", "hallo=1.0.0"],
        ["--image", "image/1/2"],
        ["--image", "os/debian-12@xyz"],
        ["-e", "prod"],
        ["--junit", "no/such/directory/junit.xml"],
        ["--junit", "/"],
    ],
)
def test_bad_input_is_wrong_usage_and_changes_nothing(desk: Desk, options: list[str]) -> None:
    desk.refused("roll", "web-tier", *options, code=2)
    assert desk.history.runs() == ()
    assert desk.cloud.calls == 0


def test_bake_bakes_what_is_missing_and_rolls_what_it_baked(desk: Desk) -> None:
    error = desk.refused("roll", "web-tier")
    assert "phoenix bake foundation nodejs --cloud local" in error["resolution"]
    assert "--bake" in error["resolution"]
    shown = desk.run("roll", "web-tier", "--bake", "--plan")
    assert shown["plan"] is None
    assert [plan["subject"].split("/")[2] for plan in shown["bakes"]] == ["os", "foundation"]
    assert desk.history.runs() == ()
    rolled = desk.run("roll", "web-tier", "--bake")
    assert [ref.partition("@")[0] for ref in rolled["baked"]] == ["os/debian-12", "foundation/nodejs"]
    assert rolled["image"] == rolled["baked"][-1]
    again = desk.run("roll", "web-tier", "--bake")
    assert again["changed"] is False
    assert again["baked"] == [], "it is there"
    assert desk.run("roll", "web-tier", "--bake", "--plan")["plan"]["steps"] == []


def test_a_taken_service_is_told_before_the_bake(desk: Desk) -> None:
    desk.begin()
    desk.refused("roll", "web-tier", "--bake")
    assert len(desk.images.there) == 1


def test_a_plan_says_that_the_balancer_would_refuse_the_roll(desk: Desk) -> None:
    desk.cloud.full = True
    notes = desk.roll("1.0.0", "--plan")["plan"]["notes"]
    assert "the roll is refused as things are: the balancer has no room for another group; it is full" in notes
    assert desk.roll("1.0.0", code=3)["error"]["details"] == "it is full"


def test_plans_read_the_index_where_it_lies_when_nothing_serves_it(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.roll("2.0.0")
    url = next(line for line in desk.spec.splitlines() if "url: " in line).split('"')[1]
    desk.edit(url, f"http://127.0.0.1:{free_port()}")
    calls = desk.cloud.calls
    wish = ("roll", "web-tier", "--image", "image-1", "--plan")
    for more, version in (((), "3.0.0"), (("--package", "hello=2.0.1"), "")):
        told = json.dumps(desk.run(*wish, *more, code=0 if version else 3))
        assert ("'hello', 'version': '3.0.0'" in told.replace('"', "'")) is bool(version)
    assert desk.run("rollback", "web-tier", "--package", "hello=3.0.0", "--plan")["plan"]["steps"]
    assert "2.0.0" in json.dumps(desk.run("repository", "show"))
    assert desk.cloud.calls == calls
    (desk.root.public / "dists" / "bookworm" / "main" / "binary-amd64" / "Packages").write_text("damaged")
    assert "not what the release says" in desk.refused(*wish)["details"]


def test_a_stranger_at_the_balancers_address_is_told_before_anything_begins(desk: Desk) -> None:
    desk.cloud.address_taken_by = "nginx (process 80)"
    assert "nginx" in desk.roll("1.0.0", code=3)["error"]["details"]
    assert desk.history.runs() == ()
    assert desk.roll("1.0.0", "--plan")["plan"]["steps"], "a plan is made all the same"


def test_a_build_server_keeps_no_state_of_a_real_cloud_to_itself(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.on_aws()
    monkeypatch.setenv("CI", "true")
    for command in ("roll", "rollback"):
        assert "build server" in desk.refused(command, "web-tier")["brief"]
    desk.begin()
    assert "build server" in desk.refused("resume", "web-tier")["brief"]
    assert desk.run("abort", "web-tier")["run"]["state"] == "undone", "no guard refuses the way back"


def test_a_build_server_that_keeps_the_state_to_itself_promotes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.roll("1.0.0")
    held = desk.roll("2.0.0", "--no-traffic", code=8)["run"]
    desk.on_aws()
    monkeypatch.setenv("CI", "true")
    assert "build server" in desk.refused("promote", "web-tier")["brief"]
    assert desk.run("abort", held)["run"]["state"] == "undone"


@pytest.mark.parametrize("code", [0, 6, 8])
def test_the_report_is_of_this_run_however_it_ends(desk: Desk, tmp_path: Path, code: int) -> None:
    desk.roll("1.0.0")
    if code == 6:
        desk.cloud.sick.add(V2)
    told = desk.roll(
        "2.0.0", "--junit", str(tmp_path / "roll.xml"), *(["--no-traffic"] if code == 8 else []), code=code
    )
    report = (tmp_path / "roll.xml").read_text()
    assert "create-candidate" in report
    assert ("<failure" in report) is (code == 6)
    assert told["state"] == {0: "done", 6: "undone", 8: "held"}[code]


def test_a_failed_roll_tells_its_run(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.cloud.sick.add(V2)
    failed = desk.roll("2.0.0", code=6)
    run = desk.history.run(failed["run"])
    assert run is not None
    assert (failed["state"], run.state) == ("undone", RunState.UNDONE)


def test_a_saved_plan_never_uses_a_number_again(desk: Desk, tmp_path: Path) -> None:
    desk.roll("1.0.0")
    file = str(tmp_path / "plan.json")
    desk.roll("2.0.0", "--plan-out", file)
    desk.cloud.sick.add("web-tier-local-v002")
    desk.roll("3.0.0", code=6)
    desk.cloud.sick.clear()
    assert "stale" in desk.refused("roll", "web-tier", "--from-plan", file)["brief"]
    assert desk.roll("2.0.0")["group"] == "web-tier-local-v003"


def test_the_same_packages_whatever_was_published_since(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.images.put("image-2")
    kept = desk.run("roll", "web-tier", "--image", "image-2", "--same-packages")
    assert (kept["changed"], kept["packages"]) == (True, {"hello": "1.0.0"})
    assert not desk.run("roll", "web-tier", "--image", "image-2", "--same-packages")["changed"]
    assert desk.run("roll", "web-tier", "--image", "image-2")["packages"] == {"hello": "3.0.0"}


def test_there_have_to_be_packages_that_serve(desk: Desk) -> None:
    refused = desk.refused("roll", "web-tier", "--image", "image-1", "--same-packages")
    assert refused["brief"] == "there are no versions to keep"
    desk.refused("roll", "web-tier", "--package", "hello=1.0.0", "--same-packages", code=2)
