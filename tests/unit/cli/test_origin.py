"""Who looks at a run sees the build and the commit that it was made for."""

from __future__ import annotations

import pytest

from tests.support.fakes.desk import Desk
from tests.unit.record.test_origin import JENKINS


@pytest.fixture
def jenkins(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk in a job of Jenkins."""
    for name, value in JENKINS.items():
        monkeypatch.setenv(name, value)
    return desk


def test_a_run_tells_its_build(jenkins: Desk) -> None:
    run = jenkins.roll()["run"]
    wanted = {name.lower(): value for name, value in JENKINS.items()}
    assert jenkins.run("run", "list")["runs"][0]["origin"] == wanted
    assert jenkins.run("run", "show", run)["run"]["origin"] == wanted
    heads, newest = jenkins.page("run", "list").splitlines()
    assert heads.split()[-1] == "FOR"
    assert newest.endswith("jenkins-shop-12 3f2a91c04d5b on origin/main by alice")
    page = jenkins.page("run", "show", run)
    assert f"  build   {JENKINS['BUILD_URL']} jenkins-shop-12\n" in page
    assert f"  commit  {JENKINS['GIT_COMMIT']} on origin/main by alice\n" in page


def test_without_a_build_server_nothing_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in JENKINS:
        monkeypatch.delenv(name, raising=False)
    run = desk.roll()["run"]
    assert set(desk.run("run", "show", run)["run"]["origin"].values()) == {""}
    page = desk.page("run", "show", run)
    assert "  build " not in page
    assert "  commit " not in page


def test_the_second_is_told_who_has_it_since_when_where_and_for_which_build(
    jenkins: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = jenkins.roll("1.0.0", "--no-traffic", code=8)["run"]
    monkeypatch.setenv("BUILD_URL", "https://ci.acme.example/job/shop/13/")
    run = jenkins.run("run", "show", first)["run"]
    refused = jenkins.refused("roll", "web-tier", "--image", "image-1")
    for said in (first, run["who"], run["host"], run["started"], JENKINS["BUILD_URL"]):
        assert said in refused["details"]


def test_where_a_run_logs_to_is_told(desk: Desk) -> None:
    run = desk.roll()["run"]
    assert f"{run} logs to {desk.directory}/.phoenix/runs/{run}\n" in desk.said
