"""Plans as a person reads them: a sentence for each step, and nothing that looks as Python prints it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from phoenix.model import ImageType, Package, Proof
from phoenix.plan.actions import Plan, Step
from phoenix.plan.bake_actions import BuildImage, VerifyImage
from phoenix.plan.publish_actions import AddPackages, PackageFile
from phoenix.plan.roll_actions import roll_plan
from phoenix.plan.words import span, step_text
from tests.unit.plan.cases import files

CASES = [*files("cases"), *files("regroup_cases")]
REPR = re.compile(r"None|True|False|\w+\(\w+=|\('|\[|'|<|\{")
"""What a value looks like that was printed without a thought."""


def plans() -> list[Plan[Any]]:
    found = [json.loads(file.read_text())["then"] for file in CASES]
    return [roll_plan({"fingerprint": "", **then}) for then in found if "refused" not in then]


def test_no_step_of_any_plan_looks_as_python_prints_it() -> None:
    texts = [step_text(step) for plan in plans() for step in (*plan.steps, *plan.back, *plan.cleanup)]
    assert len(texts) > 100
    assert [text for text in texts if REPR.search(text)] == []
    assert all(re.search(r": [a-z].+ \(at most [0-9][0-9hms.]*\)$", text) for text in texts)


def test_a_roll_reads_as_sentences() -> None:
    then = json.loads((Path(CASES[0].parent) / "blue_green_new_version.json").read_text())["then"]
    plan = roll_plan({"fingerprint": "", **then})
    text = "\n".join(step_text(step) for step in plan.steps)
    assert "as many machines as serve now" in text
    assert "wait until web-tier-local-v002 is healthy" in text
    assert "give the traffic to web-tier-local-v002 100 %" in text


def test_bakes_and_publications_too() -> None:
    package = Package(name="hello", version="1.0", sha256="0" * 64, repository="main")
    build = BuildImage(
        image="image-1",
        type=ImageType.FOUNDATION,
        name="nodejs",
        key="k" * 64,
        parent="image-0",
        base="",
        builder="light",
        packages=(package, package),
        fresh=True,
    )
    file = PackageFile(path="/a.deb", name="hello", version="1.0", architecture="all", sha256="0" * 64)
    verify = VerifyImage(image="image-1", tests=("node --version", "id nodejs"), on=Proof.LIGHT)
    steps: list[Step[Any]] = [
        Step(id="build", action=build, deadline=3600),
        Step(id="verify", action=verify, deadline=300),
        Step(id="add", action=AddPackages(repository="main", files=(file,)), deadline=60),
    ]
    assert [step_text(step) for step in steps] == [
        "build: build image: image image-1; type foundation; name nodejs; parent image-0; builder light; "
        "packages hello=1.0, hello=1.0; fresh yes (at most 1h)",
        "verify: verify image: image image-1; tests node --version, id nodejs; on light (at most 5m)",
        "add: add packages: repository main; files hello=1.0 (at most 1m)",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "0.5s"), (45, "45s"), (60, "1m"), (150, "2m30s"), (3600, "1h"), (3900, "1h05m"), (90000, "25h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert span(seconds) == text
