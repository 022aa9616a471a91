"""What a publication does in which situation: each file of `publish_plans/` is one, with the plan that must come."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.debs import Deb, RepositoryState
from phoenix.errors import RefusedError
from phoenix.plan.actions import Plan, Step, to_json
from phoenix.plan.publish import deb_of, publish
from phoenix.plan.publish_actions import (
    AddPackages,
    DropKeys,
    DropStates,
    MakeKey,
    MatchState,
    PackageFile,
    PublishAction,
    ReadBack,
    RemovePackages,
    SetSigners,
    SwitchPublication,
    TakeSnapshot,
    publish_plan,
)
from phoenix.spec.repositories import RepositorySpec

SITUATIONS = sorted((Path(__file__).parent / "publish_plans").glob("*.json"))


def spec(sign: str = "auto") -> RepositorySpec:
    return RepositorySpec(
        name="main", distribution="bookworm", root=Path("/aptly"), url="http://127.0.0.1:9999", sign=sign, keep=5
    )


def package_file(text: str) -> PackageFile:
    name, version, architecture, sha256 = text.split()
    return PackageFile(path=f"/{name}.deb", name=name, version=version, architecture=architecture, sha256=sha256)


def state(data: dict[str, Any]) -> RepositoryState:
    return RepositoryState(
        packages=debs(data.get("packages", ())),
        snapshots=tuple(data.get("snapshots", ())),
        published=data.get("published"),
        visible=debs(data.get("visible", ())),
        signed=data.get("signed", False),
    )


def debs(lines: Any) -> tuple[Deb, ...]:
    return tuple(sorted(deb_of(package_file(line)) for line in lines))


def line(step: Step[PublishAction]) -> str:
    match step.action:
        case AddPackages() | RemovePackages() | ReadBack():
            about = ", ".join(str(file) for file in step.action.files)
        case TakeSnapshot() | SwitchPublication() | MatchState():
            about = step.action.snapshot
        case DropStates():
            about = ", ".join(step.action.snapshots)
        case MakeKey() | SetSigners() | DropKeys():
            about = "of a rotation"
    return f"{step.action.do} {about}"


@pytest.mark.parametrize("file", SITUATIONS, ids=[file.stem for file in SITUATIONS])
def test_situation(file: Path) -> None:
    situation = json.loads(file.read_text())
    files = tuple(package_file(text) for text in situation["files"])
    if "refused" in situation:
        with pytest.raises(RefusedError) as refused:
            publish(spec(situation["sign"]), files, state(situation["state"]))
        assert refused.value.brief == situation["refused"]
        assert "raise the version" in refused.value.resolution
        return
    plan = publish(spec(situation["sign"]), files, state(situation["state"]))
    shown = {"why": plan.why, "steps": [line(s) for s in plan.steps], "back": [line(s) for s in plan.back]}
    assert shown == situation["expected"]


def carried_out(plan: Plan[PublishAction], before: RepositoryState, steps: int) -> RepositoryState:
    """The state after the plan's first `steps` steps and, where they are not all, its way back."""
    packages, snapshots = set(before.packages), {name: set(before.visible) for name in before.snapshots}
    published, signed = before.published, before.signed
    done = [*plan.steps[:steps], *(plan.back if steps < len(plan.steps) else ())]
    for step in done:
        match step.action:
            case AddPackages(files=files):
                packages |= {deb_of(file) for file in files}
            case RemovePackages(files=files):
                packages -= {deb_of(file) for file in files}
            case TakeSnapshot(snapshot=name):
                snapshots[name] = set(packages)
            case SwitchPublication(snapshot=name):
                published, signed = (None if name not in snapshots else name), True
            case MatchState(snapshot=name):
                packages = set(snapshots.get(name, packages))
            case DropStates(snapshots=names):
                assert published not in names
                snapshots = {name: held for name, held in snapshots.items() if name not in names}
            case MakeKey() | SetSigners() | DropKeys():
                raise AssertionError("a publication leaves keys as they are")
            case ReadBack(files=files, snapshot=name):
                assert published == name
                assert {deb_of(file) for file in files} <= snapshots[published]
    return RepositoryState(
        packages=tuple(sorted(packages)),
        snapshots=tuple(sorted(snapshots)),
        published=published,
        visible=tuple(sorted(snapshots[published])) if published else (),
        signed=signed,
    )


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[tuple[PackageFile, ...], int]]:
    """Publications one after the other, each with the number of steps until it fails (9: it does not)."""
    versions = st.sampled_from(["hello 1 all a1", "hello 2 all a2", "other 1 amd64 b1", "third 1 all c1"])
    files = st.lists(versions, min_size=1, max_size=3, unique=True)
    return [
        (tuple(package_file(text) for text in draw(files)), draw(st.integers(0, 9)))
        for _number in range(draw(st.integers(1, 6)))
    ]


@given(story=stories())
def test_whatever_fails_machines_see_what_was_published_and_nothing_else(
    story: list[tuple[tuple[PackageFile, ...], int]],
) -> None:
    now, published = RepositoryState(), set[Deb]()
    for files, steps in story:
        plan = publish(spec(), files, now)
        assert publish_plan(to_json(plan)) == plan
        now = carried_out(plan, now, steps)
        if steps >= len(plan.steps):
            published |= {deb_of(file) for file in files}
        assert set(now.visible) == published
        assert set(now.packages) == published


def test_of_many_packages_a_sentence_names_the_first() -> None:
    files = tuple(package_file(f"p{number} 1 all a{number}") for number in range(800))
    plan = publish(spec(), files, RepositoryState())
    assert plan.why == "p0 1, p1 1, p2 1, p3 1, p4 1 and 795 more are new"


def test_a_bucket_that_is_behind_is_shown_again_what_is_there() -> None:
    file = package_file("hello 1.0 all aa")
    now = state({"packages": ["hello 1.0 all aa"], "visible": ["hello 1.0 all aa"], "snapshots": ["main-0001"]})
    now = replace(now, published="main-0001", signed=True)
    there = replace(spec(), bucket="s3://acme-apt/main")
    assert publish(there, (file,), now).empty
    plan = publish(there, (file,), replace(now, behind=True))
    assert plan.why == "s3://acme-apt/main is behind"
    assert [line(step) for step in plan.steps] == [
        "take-snapshot main-0002",
        "switch-publication main-0002",
        "read-back hello 1.0",
    ]
    assert [line(step) for step in plan.back] == ["switch-publication main-0001", "drop-states main-0002"]
