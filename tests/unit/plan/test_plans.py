"""Plans as data: each case is a JSON file of what is wanted and what stands, and the steps that must come out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.errors import RefusedError
from phoenix.model import Backend, Group, Observed, Route, Served
from phoenix.plan.actions import Plan, to_json
from phoenix.plan.roll import roll
from phoenix.plan.roll_actions import CreateGroup, DeleteGroup, RollAction, SetTraffic, Shrink, roll_plan
from phoenix.plan.rollback import burn, rollback
from phoenix.spec.services import BlueGreen, Canary, Hook, Hooks, Rolling, Strategy
from tests.support.fakes.manners import KINDS
from tests.support.rolls.stage import release, service
from tests.unit.plan import cases

CASES = cases.files("cases")


def strategy_of(facts: dict[str, Any]) -> Strategy:
    match facts["kind"]:
        case "blue-green":
            return BlueGreen(keep=facts["keep"], alarms=tuple(facts.get("alarms", ())))
        case "rolling":
            return Rolling(step=facts["step"], percent=facts["percent"], alarms=tuple(facts.get("alarms", ())))
        case _:
            hold = tuple(facts.get("hold", ()))
            return Canary(
                steps=tuple(facts["steps"]),
                soak=facts["soak"],
                hold=hold,
                keep=facts["keep"],
                alarms=tuple(facts.get("alarms", ())),
            )


def observed(
    groups: dict[str, Any], last_number: int = 0, served: dict[str, Any] | None = None, cloud: str = "local"
) -> Observed:
    (kind,) = (each for each in KINDS if each.name == cloud)
    standing = tuple(
        Group(
            name=name,
            project="hello",
            service="web-tier",
            environment="local",
            release=release(facts["version"]) if facts.get("made", True) else None,
            made=facts.get("made", True),
            size=facts["size"],
            created=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for name, facts in groups.items()
        if facts["size"]
    )
    backends = tuple(
        Backend(group=name, share=facts["share"], healthy=facts["size"], total=facts["size"], requests=0)
        for name, facts in groups.items()
    )
    turns = tuple(
        Served(group=name, release=release(facts["version"]), run="", at="", former=facts["former"])
        for name, facts in (served or {}).items()
    )
    return Observed(
        groups=standing,
        route=Route(address="", backends=backends),
        abilities=kind.abilities,
        manner=kind.manner,
        last_number=last_number,
        served=turns,
    )


def decide(case: dict[str, Any]) -> Plan[RollAction]:
    hooks = {point: (Hook(command=command, timeout=5.0),) for point, command in case.get("hooks", {}).items()}
    spec = service(size=case["size"], strategy=strategy_of(case["strategy"]), hooks=Hooks(**hooks))
    where = spec.environments["local"]
    seen = observed(case["groups"], case.get("last_number", 0), case.get("served"), case.get("cloud", "local"))
    if "to" in case:
        return rollback(spec, where, seen, case["to"])
    wanted, hold, adopt = release(case["version"]), case.get("hold", False), case.get("adopt", False)
    return roll(spec, where, where.strategy, wanted, seen, {}, hold=hold, adopt=adopt)


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_case(file: Path) -> None:
    case = json.loads(file.read_text())
    plan = cases.told(decide(case["given"]))
    assert plan == case["then"], "if that is meant: python -m tests.unit.plan.cases, and read the difference"


def test_every_strategy_has_a_case_and_every_action() -> None:
    plans = [decide(json.loads(file.read_text())["given"]) for file in CASES]
    kinds = {json.loads(file.read_text())["given"]["strategy"]["kind"] for file in CASES}
    assert kinds == {"blue-green", "rolling", "canary"}
    found = {type(step.action) for plan in plans for step in (*plan.steps, *plan.back, *plan.cleanup)}
    assert found == set(get_args(RollAction))


STANDING = {"web-tier-local-v001": {"version": "1", "size": 2, "share": 100}}


def mark(groups: dict[str, Any], *, size: int = 2, version: str = "2", **more: Any) -> str:
    """The fingerprint of a roll to that version, from those groups."""
    return decide(
        {"size": size, "strategy": {"kind": "blue-green", "keep": 60}, "version": version, "groups": groups} | more
    ).fingerprint


def test_the_fingerprint_is_of_spec_identities_and_routes_and_not_of_sizes() -> None:
    (name, facts), first = next(iter(STANDING.items())), mark(STANDING)
    assert first == mark({name: {**facts, "size": 7}}), "a fleet moves while a plan runs"
    others = [
        mark(STANDING, size=3),
        mark(STANDING, strategy={"kind": "blue-green", "keep": 61}),
        mark(STANDING, version="3"),
        mark({name: {**facts, "version": "3"}}),
        mark({name: {**facts, "share": 0}}),
        mark({**STANDING, "web-tier-local-v002": {"version": "1", "size": 2, "share": 0}}),
    ]
    assert len({first, *others}) == 7


STABLE = {"web-tier-local-v001": {"version": "1", "size": 3, "share": 100}}
LEGACY = {"legacy": {"version": "1", "size": 3, "share": 100, "made": False}}


@pytest.mark.parametrize(
    ("cloud", "groups", "strategy", "why"),
    [
        (
            "gcp-like",
            STABLE,
            {"kind": "canary", "steps": [100], "soak": 0.0, "keep": 60.0},
            "cannot be rolled as a canary",
        ),
        ("aws-like", LEGACY, {"kind": "rolling", "step": 1, "percent": False}, "did not make legacy"),
    ],
    ids=["no-exact-shares", "not-ours"],
)
def test_what_is_refused(cloud: str, groups: dict[str, Any], strategy: dict[str, Any], why: str) -> None:
    given = {"cloud": cloud, "groups": groups, "strategy": strategy, "size": 3, "version": "2"}
    with pytest.raises(RefusedError, match=why):
        decide(given)


def test_a_group_that_phoenix_did_not_make_is_not_burnt() -> None:
    spec, seen = service(), observed(LEGACY, cloud="aws-like")
    with pytest.raises(RefusedError, match="did not make legacy"):
        burn(spec, spec.environments["local"], seen, seen.groups)


GROUPS = st.dictionaries(
    st.integers(1, 40).map(lambda n: f"web-tier-local-v{n:03d}"),
    st.fixed_dictionaries({"version": st.sampled_from("123"), "size": st.integers(1, 30), "share": st.just(0)}),
    max_size=4,
)
SHARES = st.lists(st.integers(1, 99), unique=True, max_size=5).map(lambda shares: (*sorted(shares), 100))
STRATEGIES = st.one_of(
    st.builds(BlueGreen, keep=st.sampled_from([0.0, 60.0])),
    st.builds(Rolling, step=st.integers(1, 100), percent=st.booleans()),
    SHARES.flatmap(
        lambda steps: st.builds(
            Canary,
            steps=st.just(steps),
            soak=st.sampled_from([0.0, 5.0]),
            hold=st.sets(st.sampled_from(steps)).map(lambda hold: tuple(sorted(hold))),
            keep=st.sampled_from([0.0, 60.0]),
        )
    ),
)


@given(GROUPS, st.integers(0, 50), st.sampled_from("123"), st.integers(1, 30), STRATEGIES, st.booleans(), st.data())
def test_whatever_stands_the_plan_keeps_its_promises(
    groups: dict[str, Any],
    last: int,
    version: str,
    size: int,
    strategy: Strategy,
    hold: bool,
    data: st.DataObject,
) -> None:
    stable = data.draw(st.sampled_from([None, *groups])) if groups else None
    if stable:
        groups[stable]["share"] = 100
    spec = service(size=size, strategy=strategy)
    seen = observed(groups, last)
    plan = roll(spec, spec.environments["local"], strategy, release(version), seen, {}, hold=hold)
    assert roll_plan(json.loads(json.dumps(to_json(plan)))) == plan
    ids = [step.id for step in (*plan.steps, *plan.back, *plan.cleanup)]
    assert len(set(ids)) == len(ids)
    deleted = {s.action.group for s in (*plan.steps, *plan.back) if isinstance(s.action, DeleteGroup)}
    assert not deleted & set(groups), "nothing that stood before is deleted by the same run"
    if plan.empty:
        assert stable is not None
        return
    candidate = next(s.action.group for s in plan.steps if isinstance(s.action, CreateGroup))
    assert candidate not in groups
    assert int(candidate[-3:]) > max([last, *(int(name[-3:]) for name in groups)])
    shares = [dict(s.action.shares)[candidate] for s in plan.steps if isinstance(s.action, SetTraffic)]
    assert shares == sorted(set(shares)), "the candidate's share only grows"
    assert shares[-1] == 100
    assert all(sum(dict(s.action.shares).values()) == 100 for s in plan.steps if isinstance(s.action, SetTraffic))
    if not isinstance(strategy, Rolling):
        assert not any(isinstance(s.action, Shrink) for s in plan.steps), "the way back needs no machine started"


@given(st.integers(1, 100), st.integers(1, 100), st.booleans())
def test_a_rolling_step_is_whole_machines(size: int, step: int, percent: bool) -> None:
    groups = {"web-tier-local-v001": {"version": "1", "size": size, "share": 100}}
    spec = service(size=1, strategy=Rolling(step=step, percent=percent))
    plan = roll(
        spec, spec.environments["local"], Rolling(step=step, percent=percent), release("2"), observed(groups), {}
    )
    shares = [dict(s.action.shares)["web-tier-local-v002"] for s in plan.steps if isinstance(s.action, SetTraffic)]
    machines = [-(-size * share // 100) for share in shares]
    wanted = max(1, -(-size * step // 100)) if percent else step
    steps = [after - before for before, after in zip([0, *machines], machines, strict=False)]
    assert all(each == wanted for each in steps[:-1])
    assert 0 < steps[-1] <= wanted
    assert machines[-1] == size
