"""`phoenix bake` on a cloud in memory: what was planned is what is baked, whoever edits meanwhile."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from phoenix.clouds.api import BakeRequest
from phoenix.model import Image, TestResult
from tests.support.fakes.desk import PLAYBOOK, Desk
from tests.support.fakes.doubles import Killed


def before_build(desk: Desk, monkeypatch: pytest.MonkeyPatch, layer: str, happens: Callable[[], None]) -> None:
    """Let something happen when the layer's build begins: its recipe is laid out by then."""
    build = desk.images.build

    def building(request: BakeRequest, **options: object) -> Image:
        if request.type == layer:
            happens()
        return build(request, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.images, "build", building)


def edit(desk: Desk) -> None:
    (desk.directory / "playbooks" / "stack.yml").write_text(PLAYBOOK.replace("all", "all  # edited"))


def died_while_baking(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bake whose process was killed in the build of its upper layer; the run's id."""

    def die() -> None:
        raise Killed

    with monkeypatch.context() as patch:
        before_build(desk, patch, "foundation", die)
        with pytest.raises(Killed):
            desk.run("bake", "foundation", "nodejs")
    (run,) = desk.history.live()
    desk.bury(run.subject)
    return run.id


def test_every_layer_once(desk: Desk) -> None:
    first = desk.run("bake", "foundation", "nodejs")
    assert [(layer["image"], layer["hit"]) for layer in first["layers"]] == [
        ("os/debian-12", False),
        ("foundation/nodejs", False),
    ]
    assert desk.run("bake", "foundation", "nodejs")["baked"] == 0


def test_the_report_has_every_test_of_an_image_that_failed_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = (
        TestResult(name="boot finished", ok=True, output=""),
        TestResult(name="node --version", ok=False, output="node: not found"),
    )
    passed = desk.images.verify
    monkeypatch.setattr(
        desk.images,
        "verify",
        lambda image, tests, **options: seen if image.name == "nodejs" else passed(image, tests, **options),
    )
    file = tmp_path / "bake.xml"
    error = desk.refused("bake", "foundation", "nodejs", "--junit", str(file), code=4)
    assert "failed 1 of 2 tests" in error["brief"]
    failures = {
        str(case.get("name")): None if (failure := case.find("failure")) is None else failure.text
        for case in ET.parse(file).iter("testcase")
    }
    assert failures["local: os/debian-12"] is None
    assert failures["foundation/nodejs: boot finished"] is None
    assert "node: not found" in str(failures["foundation/nodejs: node --version"])
    assert "failed 1 of 2 tests" in str(failures["bake"])


def test_a_recipe_that_is_edited_while_its_parent_bakes_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before_build(desk, monkeypatch, "os", lambda: edit(desk))
    error = desk.refused("bake", "foundation", "nodejs")
    assert error["brief"] == "the recipe of foundation/nodejs has changed since its bake was planned"
    assert error["details"].startswith("other now: playbooks;")
    assert [image.type for image in desk.images.list() if image.id != "image-1"] == ["os"]
    assert desk.run("bake", "foundation", "nodejs")["baked"] == 1


def test_a_bake_that_is_resumed_after_an_edit_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run = died_while_baking(desk, monkeypatch)
    edit(desk)
    assert "has changed since" in desk.refused("resume", run)["brief"]
    ended = desk.history.run(run)
    assert ended is not None
    assert ended.state == "undone"


def test_a_bake_that_is_resumed_as_it_was_ends_well(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run = died_while_baking(desk, monkeypatch)
    assert desk.run("resume", run)["run"]["state"] == "done"


def test_variables_count_as_well(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run = died_while_baking(desk, monkeypatch)
    desk.edit("playbook: stack.yml}", "playbook: stack.yml, variables: {a: 1}}")
    assert "other now: variables;" in desk.refused("resume", run)["details"]
