"""What is baked in which situation: each file of `bake_plans/` is one, with the plans that must come out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.errors import RefusedError
from phoenix.model import Image, ImageType, Package, Proof
from phoenix.plan import actions, bake_actions
from phoenix.plan.bake import Layer, LayerPlan, Wish, bake
from phoenix.plan.bake_actions import BakeAction, BuildImage, VerifyImage
from phoenix.spec.images import ImageName, Recipe

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SITUATIONS = sorted((Path(__file__).parent / "bake_plans").glob("*.json"))


def image_name(text: str) -> ImageName:
    kind, name = text.split("/")
    return ImageName(type=ImageType(kind), name=name)


def recipe(image: str, parent: str | None, max_age: float | None = None) -> Recipe:
    return Recipe(
        image=image_name(image),
        parent=image_name(parent) if parent else None,
        base={},
        playbook=None,
        variables={},
        packages=(),
        tests=("true",),
        max_age=max_age,
    )


def layers(data: list[dict[str, Any]]) -> tuple[Layer, ...]:
    below = [None, *(layer["image"] for layer in data)]
    return tuple(
        Layer(
            recipe=recipe(layer["image"], parent, layer.get("max_age")),
            key=layer["key"],
            base=layer.get("base", ""),
            packages=tuple(
                Package(name=n, version="1", sha256="0" * 64, repository="main") for n in layer.get("packages", ())
            ),
        )
        for layer, parent in zip(data, below, strict=False)
    )


def image(data: dict[str, Any]) -> Image:
    named = image_name(data["image"])
    return Image(
        id=data["id"],
        type=named.type,
        name=named.name,
        cloud="local",
        key=data["key"],
        parent=data["parent"],
        created=NOW - timedelta(seconds=data["age"]),
        verified=data["verified"],
        verified_on=Proof(data.get("verified_on", "qemu")),
        builder="chroot",
    )


def words(action: BakeAction) -> str:
    """The action, and how it verifies where that is not by a whole boot."""
    light = isinstance(action, VerifyImage) and action.on is Proof.LIGHT
    return f"{action.do} on a light machine" if light else action.do


def summary(plan: LayerPlan) -> dict[str, Any]:
    build = next((s.action for s in plan.plan.steps if isinstance(s.action, BuildImage)), None)
    shown: dict[str, Any] = {
        "image": plan.image_id,
        "why": plan.plan.why,
        "steps": [words(step.action) for step in plan.plan.steps],
        "back": [step.action.do for step in plan.plan.back],
    }
    return shown if build is None else {**shown, "parent": build.parent, "fresh": build.fresh}


@pytest.mark.parametrize("file", SITUATIONS, ids=lambda file: file.stem)
def test_situation(file: Path) -> None:
    situation = json.loads(file.read_text())
    asked = situation["wish"]
    wish = Wish(
        project="hello",
        cloud="local",
        builder="chroot",
        anew=frozenset(map(image_name, asked.get("anew", ()))),
        fresh=asked.get("fresh", False),
        proof=Proof(asked.get("verify", "qemu")),
    )
    images = tuple(image(data) for data in situation["images"])
    plans = bake(layers(situation["layers"]), images, wish, NOW)
    assert [summary(plan) for plan in plans] == situation["expected"]


def test_a_plan_survives_json_and_holds_no_times() -> None:
    lineage = layers([{"image": "os/debian-12", "key": "a" * 64, "base": "bookworm"}])
    wish = Wish(project="hello", cloud="local", builder="chroot")
    (first,) = bake(lineage, (), wish, NOW)
    (later,) = bake(lineage, (), wish, NOW + timedelta(days=3))
    assert first == later
    assert bake_actions.bake_plan(json.loads(json.dumps(actions.to_json(first.plan)))) == first.plan
    assert first.plan.subject == "bake/local/os/debian-12/" + "a" * 64


@pytest.mark.parametrize(
    ("child", "parent"),
    [
        ("os/debian-12", "os/other"),
        ("os/debian-12", "foundation/nodejs"),
        ("foundation/nodejs", "foundation/java"),
        ("foundation/nodejs", "immutable/hello"),
        ("immutable/hello", "immutable/other"),
        ("foundation/nodejs", None),
        ("immutable/hello", None),
    ],
)
def test_snowflakes_are_refused_with_the_reason(child: str, parent: str | None) -> None:
    layer = Layer(recipe=recipe(child, parent), key="k", base="")
    with pytest.raises(RefusedError) as refusal:
        bake((layer,), (), Wish(project="hello", cloud="local", builder="chroot"), NOW)
    assert "snowflake" in refusal.value.brief
    assert child in refusal.value.brief
    assert refusal.value.resolution


ages = st.integers(min_value=1, max_value=10**6)


@given(os_age=ages, child_age=ages, max_age=ages, anew=st.sets(st.sampled_from(["os/debian-12", "foundation/nodejs"])))
def test_carrying_out_the_plans_leaves_nothing_to_bake(
    os_age: int, child_age: int, max_age: int, anew: set[str]
) -> None:
    """Whatever is there: do what the plans say, ask again, and every layer is a hit."""
    data: list[dict[str, Any]] = [
        {"image": "os/debian-12", "key": "a", "max_age": max_age},
        {"image": "foundation/nodejs", "key": "b"},
    ]
    there = (
        image({"id": "x", "image": "os/debian-12", "key": "a", "parent": None, "age": os_age, "verified": True}),
        image({"id": "y", "image": "foundation/nodejs", "key": "b", "parent": "x", "age": child_age, "verified": True}),
    )
    asked = Wish(project="hello", cloud="local", builder="chroot", anew=frozenset(map(image_name, anew)))
    plans = bake(layers(data), there, asked, NOW)
    baked = tuple(
        image(
            {
                "id": step.action.image,
                "image": str(plan.image),
                "key": plan.key,
                "parent": step.action.parent,
                "age": 0,
                "verified": True,
            }
        )
        for plan in plans
        for step in plan.plan.steps
        if isinstance(step.action, BuildImage)
    )
    assert len({i.id for i in (*there, *baked)}) == len(there) + len(baked), "no id is given twice"
    again = bake(layers(data), (*there, *baked), Wish(project="hello", cloud="local", builder="chroot"), NOW)
    assert all(plan.hit for plan in again)
    assert [plan.image_id for plan in again] == [plan.image_id for plan in plans]
