"""Blue-green as data: each case is a JSON file of (size, groups, shares, release) and the steps that must come out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.model import Backend, Group, Observed, Route
from phoenix.plan.actions import DeleteGroup, SetTraffic, roll_plan, to_json
from phoenix.plan.blue_green import blue_green
from phoenix.plan.rollback import rollback
from phoenix.spec.services import BlueGreen
from tests.unit.execute.stage import environment, release, service

CASES = sorted((Path(__file__).parent / "cases").glob("blue_green_*.json"))


def observed(groups: dict[str, Any], last_number: int = 0) -> Observed:
    standing = tuple(
        Group(
            name=name,
            project="hello",
            service="web-tier",
            environment="local",
            release=release(facts["version"]),
            size=facts["size"],
            created=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for name, facts in groups.items()
    )
    backends = tuple(
        Backend(group=name, share=facts["share"], healthy=facts["size"], total=facts["size"], sessions=0)
        for name, facts in groups.items()
    )
    return Observed(groups=standing, route=Route(address="", backends=backends), last_number=last_number)


def decide(case: dict[str, Any]) -> dict[str, Any]:
    spec = service(size=case["size"], keep=case["keep"])
    where = spec.environments["local"]
    seen = observed(case["groups"], case.get("last_number", 0))
    return to_json(blue_green(spec, where, BlueGreen(keep=case["keep"]), release(case["version"]), seen, {}))


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_case(file: Path) -> None:
    case = json.loads(file.read_text())
    plan = decide(case["given"])
    short = {part: [_short(step) for step in plan[part]] for part in ("steps", "back", "cleanup")}
    assert {"why": plan["why"], **short} == case["then"]


def test_a_kept_group_takes_traffic_even_where_nothing_serves_any_more() -> None:
    spec = service(size=2, keep=1800)
    seen = observed({"web-tier-local-v001": {"version": "1", "size": 2, "share": 0}})
    plan = rollback(spec, spec.environments["local"], seen, "web-tier-local-v001")
    assert plan.steps[-1].action == SetTraffic(shares=(("web-tier-local-v001", 100),))
    assert plan.back[0].action == SetTraffic(shares=())
    assert plan.cleanup == ()


def _short(step: dict[str, Any]) -> str:
    action = step["action"]
    words = [action["do"], action.get("group", "")]
    if "shares" in action:
        words.append(",".join(f"{group}:{share}" for group, share in action["shares"]))
    if "size" in action:
        words.append(f">={action['size']['at_least']}")
    if "seconds" in action:
        words.append(f"{action['seconds']:g}s")
    return " ".join(word for word in words if word)


def test_there_are_cases() -> None:
    assert len(CASES) >= 5


GROUPS = st.dictionaries(
    st.integers(1, 40).map(lambda n: f"web-tier-local-v{n:03d}"),
    st.fixed_dictionaries({"version": st.sampled_from("123"), "size": st.integers(1, 9), "share": st.just(0)}),
    max_size=4,
)


@given(GROUPS, st.integers(0, 50), st.sampled_from("123"), st.integers(1, 5), st.data())
def test_whatever_stands_the_plan_keeps_its_promises(
    groups: dict[str, Any], last: int, version: str, size: int, data: st.DataObject
) -> None:
    stable = data.draw(st.sampled_from([None, *groups])) if groups else None
    if stable:
        groups[stable]["share"] = 100
    spec = service(size=size)
    seen = observed(groups, last)
    plan = blue_green(spec, environment(size=size), BlueGreen(keep=60), release(version), seen, {})
    assert roll_plan(json.loads(json.dumps(to_json(plan)))) == plan
    ids = [step.id for step in (*plan.steps, *plan.back, *plan.cleanup)]
    assert len(set(ids)) == len(ids)
    deleted = {s.action.group for s in (*plan.steps, *plan.back) if isinstance(s.action, DeleteGroup)}
    assert not deleted & set(groups), "nothing that stood before is deleted by the same run"
    if plan.empty:
        assert stable is not None
        return
    shifts = [s.action.shares for s in plan.steps if isinstance(s.action, SetTraffic)]
    assert len(shifts) == 1, "one write moves the traffic"
    candidate = shifts[0][0][0]
    assert candidate not in groups
    assert int(candidate[-3:]) > max([last, *(int(name[-3:]) for name in groups)])
