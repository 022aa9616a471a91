"""`phoenix bake` for several clouds: each by itself, none takes another down, and the summary says what is where."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from phoenix.clouds.api import Cloud
from phoenix.errors import CloudError
from phoenix.spec.clouds import CloudSpec
from phoenix.spec.project import Project
from tests.support.fakes.cloud import FakeCloud
from tests.support.fakes.desk import Desk

LAYERS = ["os/debian-12", "foundation/nodejs"]


@dataclass(frozen=True, kw_only=True)
class Two:
    """A desk with two clouds, both of which have an environment."""

    desk: Desk
    second: FakeCloud
    broken: set[str]
    """Clouds that do not answer."""


@pytest.fixture
def two(desk: Desk) -> Two:
    desk.edit("  local: {kind: local}", "  local: {kind: local}\n  second: {kind: local}\n  third: {kind: local}")
    where = "\n      other: {cloud: second, size: 1, load_balancer: {listen: 127.0.0.1:8001}}"
    desk.edit("strategy: {kind: blue-green, keep: 30m}", "strategy: {kind: blue-green, keep: 30m}" + where)
    second, broken = FakeCloud(desk.clock), set[str]()

    def opened(_project: Project, spec: CloudSpec) -> Cloud:
        if spec.name in broken:
            raise CloudError("the region does not answer", details="timed out", resolution="Try again.")
        return replace(second.door, name="second") if spec.name == "second" else desk.door

    desk.clouds = opened
    return Two(desk=desk, second=second, broken=broken)


def places(two: Two) -> dict[str, list[str]]:
    """The images of each cloud."""
    found = {"local": two.desk.images, "second": two.second.images}
    return {
        name: sorted(f"{image.type}/{image.name}" for image in images.list() if image.id != "image-1")
        for name, images in found.items()
    }


def test_every_cloud_that_uses_the_image(two: Two) -> None:
    done = two.desk.run("bake", "foundation", "nodejs")
    assert [(layer["cloud"], layer["image"]) for layer in done["layers"]] == [
        (cloud, layer) for cloud in ("local", "second") for layer in LAYERS
    ]
    assert (done["baked"], places(two)) == (4, {"local": sorted(LAYERS), "second": sorted(LAYERS)})
    assert done["clouds"] == [{"cloud": name, "code": 0, "error": None} for name in ("local", "second")]
    assert "baking for local, second" in two.desk.said
    assert "second: " in two.desk.said, "one display, each line with its cloud"
    again = two.desk.run("bake", "foundation", "nodejs")
    assert (again["baked"], [layer["hit"] for layer in again["layers"]]) == (0, [True] * 4)


def test_those_that_are_named(two: Two) -> None:
    assert [b["cloud"] for b in two.desk.run("bake", "os", "debian-12", "--cloud", "second")["layers"]] == ["second"]
    both = two.desk.run("bake", "os", "debian-12", "--cloud", "third", "--cloud", "second")
    assert [layer["cloud"] for layer in both["layers"]] == ["third", "second"]
    two.desk.refused("bake", "os", "debian-12", "--cloud", "nowhere", "--cloud", "second", code=2)


def test_one_that_fails_takes_no_other_down(two: Two) -> None:
    two.broken.add("local")
    failed = two.desk.run("bake", "foundation", "nodejs", code=5)
    assert places(two)["second"] == sorted(LAYERS)
    assert [(layer["cloud"], layer["image"]) for layer in failed["layers"]] == [("second", layer) for layer in LAYERS]
    assert failed["clouds"] == [
        {"cloud": "local", "code": 5, "error": "the region does not answer"},
        {"cloud": "second", "code": 0, "error": None},
    ]
    error = failed["error"]
    assert error["brief"] == "the bake failed for local; for second it ended well"
    assert "local: the region does not answer\n  timed out" in error["details"]


def test_what_is_there_is_shown_before_the_error(two: Two, capsys: pytest.CaptureFixture[str]) -> None:
    from phoenix.cli import app

    two.broken.add("local")
    assert app.run(["-C", str(two.desk.directory), "bake", "foundation", "nodejs"], opener=two.desk.open) == 5
    out = capsys.readouterr().out
    assert "foundation/nodejs@" in out
    assert "second" in out


def test_the_worst_of_several_exit_codes(two: Two) -> None:
    """Here: the lower layer of one cannot be built (4), the other does not answer (5)."""
    two.broken.add("second")
    key = two.desk.run("bake", "foundation", "nodejs", "--cloud", "local", "--plan")["plans"][0]["steps"][0]
    two.desk.images.broken[key["action"]["image"]] = "no mirror"
    failed = two.desk.run("bake", "foundation", "nodejs", code=5)
    assert {each["cloud"]: each["code"] for each in failed["clouds"]} == {"local": 4, "second": 5}
    assert failed["error"]["brief"] == "the bake failed for local, second"


def test_all_means_for_each_cloud_what_it_uses(two: Two) -> None:
    """`immutable/hello` is used by nobody: it is for whoever is named."""
    named = two.desk.run("bake", "--all", "--cloud", "second")
    assert [layer["image"] for layer in named["layers"]] == [*LAYERS, "immutable/hello"]
    two.desk.edit("  immutable:\n    hello: {foundation: nodejs, packages: [hello]}\n", "")
    done = two.desk.run("bake", "--all")
    assert {layer["cloud"] for layer in done["layers"]} == {"local", "second"}
    two.desk.edit("      other: {cloud: second,", "      other: {cloud: third,")
    assert two.desk.run("bake", "--all", "--cloud", "second")["layers"] == [], "no environment of it uses any"


def test_a_builder_that_one_of_them_lacks_is_told_before_any_bakes(two: Two) -> None:
    error = two.desk.refused("bake", "foundation", "nodejs", "--builder", "magic", code=2)
    assert "there is no builder" in error["brief"]
    assert places(two) == {"local": [], "second": []}


def test_a_plan_shows_every_cloud_and_bakes_for_none(two: Two) -> None:
    plans = two.desk.run("bake", "foundation", "nodejs", "--plan")["plans"]
    assert [plan["subject"].split("/")[1] for plan in plans] == ["local", "local", "second", "second"]
    assert places(two) == {"local": [], "second": []}


def test_the_report_has_every_cloud(two: Two, tmp_path: Path) -> None:
    file = tmp_path / "bake.xml"
    two.broken.add("local")
    two.desk.run("bake", "foundation", "nodejs", "--junit", str(file), code=5)
    names = [case.get("name") for case in ET.parse(file).getroot().iter("testcase")]
    assert names == ["second: os/debian-12", "second: foundation/nodejs", "bake"]
