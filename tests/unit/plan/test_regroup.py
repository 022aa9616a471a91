"""What a person does to single groups, as plans: each case is a JSON file, and the steps that must come out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.errors import RefusedError
from phoenix.model import BootState, Instance, InstanceState, Observed
from phoenix.plan.actions import Plan, to_json
from phoenix.plan.regroup import delete, disable, enable, resize, spread
from phoenix.plan.roll_actions import RollAction, SetTraffic, roll_plan
from tests.support.rolls.stage import service
from tests.unit.plan import cases
from tests.unit.plan.test_plans import observed, strategy_of

CASES = cases.files("regroup_cases")


def decide(case: dict[str, Any]) -> Plan[RollAction]:
    spec = service(size=case["size"], strategy=strategy_of(case.get("strategy", {"kind": "blue-green", "keep": 1800})))
    where = spec.environments["local"]
    seen = manned(observed(case["groups"], served=case.get("served")), frozenset(case.get("dead", ())))
    group = seen.group(case["group"])
    match case["verb"]:
        case "disable":
            return disable(spec, where, seen, case["group"], case.get("to"))
        case _ if group is None:
            raise AssertionError(f"{case['group']} is not among the groups of this case")
        case "enable":
            return enable(spec, where, seen, group, case.get("share", 100))
        case "resize":
            return resize(spec, where, seen, group, case["to"], force=case.get("force", False))
        case _:
            return delete(spec, where, seen, group, unroute=case.get("unroute", False))


def manned(seen: Observed, dead: frozenset[str]) -> Observed:
    """The groups with as many machines as they want, some of them dead."""
    groups = tuple(
        replace(group, instances=tuple(machine(group.name, f"{group.name}-{n + 1}", dead) for n in range(group.size)))
        for group in seen.groups
    )
    return replace(seen, groups=groups)


def machine(group: str, name: str, dead: frozenset[str]) -> Instance:
    state = InstanceState.DEAD if name in dead else InstanceState.RUNNING
    return Instance(id=name, group=group, state=state, boot=BootState.DONE, address="127.0.0.1:1", engine="light")


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_case(file: Path) -> None:
    case = json.loads(file.read_text())
    if "refused" in case["then"]:
        with pytest.raises(RefusedError, match=case["then"]["refused"]) as caught:
            decide(case["given"])
        assert caught.value.details
        assert caught.value.resolution
    else:
        plan = cases.told(decide(case["given"]))
        assert plan == case["then"], "if that is meant: python -m tests.unit.plan.cases, and read the difference"


@pytest.mark.parametrize("verb", ["enable", "disable", "resize", "delete"])
def test_every_verb_is_carried_out_in_a_case_and_refused_in_another(verb: str) -> None:
    found = [json.loads(file.read_text()) for file in CASES]
    ends = {"refused" if "refused" in case["then"] else "planned" for case in found if case["given"]["verb"] == verb}
    assert ends == {"refused", "planned"}


NAMES = st.integers(1, 9).map(lambda number: f"web-tier-local-v{number:03d}")
WEIGHTS = st.dictionaries(NAMES, st.integers(1, 100), min_size=1, max_size=5).map(lambda found: tuple(found.items()))


@given(WEIGHTS, st.integers(0, 100))
def test_shares_in_proportion_make_the_whole(weights: tuple[tuple[str, int], ...], total: int) -> None:
    parts = dict(spread(weights, total))
    whole = sum(weight for _name, weight in weights)
    assert sum(parts.values()) == total
    assert all(abs(parts.get(name, 0) - total * weight / whole) < 1 for name, weight in weights)


@given(WEIGHTS, st.integers(1, 100), st.data())
def test_whatever_serves_nothing_is_left_without_an_answer(
    weights: tuple[tuple[str, int], ...], share: int, data: st.DataObject
) -> None:
    names = [name for name, _weight in weights]
    routes = dict(spread(weights, 100))
    groups = {name: {"version": "1", "size": 2, "share": routes.get(name, 0)} for name in names}
    case = {"size": 2, "group": data.draw(st.sampled_from(names)), "groups": groups, "share": share}
    for verb in ("enable", "disable"):
        try:
            plan = decide({**case, "verb": verb})
        except RefusedError:
            assert len([name for name in groups if name != case["group"]]) != 1 or verb == "enable"
            continue
        assert roll_plan(json.loads(json.dumps(to_json(plan)))) == plan
        ids = [step.id for step in (*plan.steps, *plan.back, *plan.cleanup)]
        assert len(set(ids)) == len(ids)
        for step in (*plan.steps, *plan.back):
            if isinstance(step.action, SetTraffic):
                assert sum(dict(step.action.shares).values()) == 100
