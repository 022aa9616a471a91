"""What holds for every order: frozen in, frozen out, JSON-able, and nobody has to listen."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from phoenix import orders
from phoenix.errors import HeldError, RefusedError, SpecError, UndoneError
from phoenix.orders import bake, groups, roll, rollback, runs
from phoenix.orders.facts import dump
from phoenix.orders.site import Site
from phoenix.plan.bake_actions import BuildImage
from phoenix.record.journal import RunState
from phoenix.tell import Told
from tests.support.fakes.desk import Desk

PLAIN = (str, int, float, bool, NoneType, Any)


def asked_and_answered() -> Iterator[type]:
    """Every order and every result."""
    for module in pkgutil.iter_modules(orders.__path__):
        for name, value in vars(importlib.import_module(f"phoenix.orders.{module.name}")).items():
            if is_dataclass(value) and isinstance(value, type) and name.endswith(("Order", "Result")):
                yield value


EVERY = sorted(set(asked_and_answered()), key=lambda each: each.__name__)


def misfits(kind: Any, place: str) -> Iterator[str]:
    """What of a type JSON has no form for."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        for each in arguments:
            yield from misfits(each, place)
    elif origin is tuple:
        yield from (found for each in arguments if each is not Ellipsis for found in misfits(each, f"{place}[]"))
    elif origin is dict:
        yield from () if arguments[0] is str else (f"{place} has keys {arguments[0]}",)
        yield from misfits(arguments[1], f"{place}{{}}")
    elif is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        yield from (found for f in fields(kind) for found in misfits(hints[f.name], f"{place}.{f.name}"))
    elif kind not in PLAIN and not (isinstance(kind, type) and issubclass(kind, StrEnum)):
        yield f"{place} is {kind}"


def test_there_are_as_many_as_the_page_says() -> None:
    assert len(EVERY) > 20


@pytest.mark.parametrize("kind", EVERY, ids=lambda each: each.__name__)
def test_it_is_frozen_and_has_a_form_in_json(kind: Any) -> None:
    assert kind.__dataclass_params__.frozen
    assert list(misfits(kind, kind.__name__)) == []


def test_what_has_no_form_in_json_is_found() -> None:
    assert list(misfits(dict[int, str], "x"))
    assert list(misfits(tuple[Path, ...], "x"))


@pytest.fixture
def site(desk: Desk) -> Site:
    """The project, with nobody who listens."""
    return desk.open(desk.directory / "phoenix.yaml", {})


def rolled(site: Site, version: str, **more: Any) -> roll.RollResult:
    order = roll.RollOrder(service="web-tier", image="image-1", packages=(f"hello={version}",), **more)
    return roll.carry_out(site, order)


def test_a_roll_without_a_listener(site: Site, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    done = rolled(site, "1.0.0", why="a test")
    assert (done.changed, done.group, done.state) == (True, "web-tier-local-v001", "done")
    assert json.loads(json.dumps(dump(done)))["packages"] == {"hello": "1.0.0"}
    assert rolled(site, "1.0.0").changed is False
    assert tuple(capsys.readouterr()) == ("", ""), "nothing is printed by an order"


def test_a_listener_that_fails_changes_nothing(desk: Desk) -> None:
    heard: list[Told] = []

    def fail(told: Told) -> None:
        heard.append(told)
        raise OSError(28, "No space left on device")

    site = desk.open(desk.directory / "phoenix.yaml", {}, fail)
    rolled(site, "1.0.0")
    desk.cloud.sick.add("web-tier-local-v002")
    with pytest.raises(UndoneError):
        rolled(site, "2.0.0")
    assert desk.history.runs()[0].state is RunState.UNDONE
    assert {told.run for told in heard if told.step == "delete-candidate"} == {desk.history.runs()[0].id}


def test_an_error_knows_its_run(site: Site, desk: Desk) -> None:
    rolled(site, "1.0.0")
    with pytest.raises(HeldError) as held:
        rolled(site, "2.0.0", no_traffic=True)
    run = desk.history.live()[0]
    assert (held.value.facts["run"], held.value.facts["state"]) == (run.id, "held")
    assert held.value.facts["preview"] == "http://preview/web-tier-local-v002"
    json.dumps(held.value.facts)
    assert runs.promote(site, runs.RunOrder(run="web-tier")).run.state == "done"


@pytest.mark.parametrize("environment", [None, "local"])
@pytest.mark.parametrize("named", ["RUN", "web-tier", "web-tier/local", "web-front"])
def test_the_one_way_to_find_a_run(desk: Desk, named: str, environment: str | None) -> None:
    """By its id, its subject, its service: also by one that phoenix.yaml no longer has."""
    run = desk.begin().run
    if named == "web-front":
        desk.edit("  web-tier:", "  web-front:")
        named = "web-tier"
    elif environment and "/" in named:
        named, _slash, environment = named.partition("/")
    site = desk.open(desk.directory / "phoenix.yaml", {})
    assert runs.going(site, run.id if named == "RUN" else named, environment) == run


def test_a_run_that_is_not_there(site: Site, desk: Desk) -> None:
    with pytest.raises(SpecError, match="there is no service and no run 'web-front'"):
        runs.going(site, "web-front")
    with pytest.raises(RefusedError, match="no run of web-tier is going on"):
        runs.going(site, "web-tier")
    ended = desk.begin()
    ended.end(RunState.DONE)
    with pytest.raises(RefusedError, match=f"no run of {ended.run.id} is going on"):
        runs.going(site, ended.run.id)
    assert runs.going_or_ended(site, ended.run.id).state is RunState.DONE


def test_a_plan_that_was_looked_at_is_carried_out_or_refused(site: Site, desk: Desk) -> None:
    rolled(site, "1.0.0")
    order = roll.RollOrder(service="web-tier", image="image-1", packages=("hello=2.0.0",))
    first, second = roll.plan(site, order), roll.plan(site, order)
    assert desk.shares == {"web-tier-local-v001": 100}, "looking changes nothing"
    assert roll.carry_out(site, first).group == "web-tier-local-v002"
    with pytest.raises(RefusedError, match="is stale"):
        roll.carry_out(site, second)
    back = rollback.plan(site, rollback.RollbackOrder(service="web-tier"))
    assert rollback.carry_out(site, back).group == "web-tier-local-v001"


def test_a_plan_of_bakes_only_is_no_plan_of_a_roll(site: Site) -> None:
    planned = roll.plan(site, roll.RollOrder(service="web-tier", bake=True))
    assert [plan.subject.split("/")[2] for plan in planned.bakes] == ["os", "foundation"]
    with pytest.raises(SpecError, match="what has to be baked first"):
        roll.carry_out(site, planned)


def test_bakes_that_were_looked_at_are_refused_after_an_edit(site: Site, desk: Desk) -> None:
    order = bake.BakeOrder(type="foundation", name="nodejs")
    planned = bake.plan(site, order)
    (desk.directory / "playbooks" / "stack.yml").write_text("- hosts: all\n  tasks: []\n  gather_facts: false\n")
    with pytest.raises(RefusedError, match="is stale"):
        bake.carry_out(site, planned)
    assert bake.carry_out(site, bake.plan(site, order)).baked == 2


def test_the_builder_is_the_one_that_is_named_or_what_the_cloud_says(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def builders(named: str) -> set[str]:
        planned = bake.plan(site, bake.BakeOrder(type="foundation", name="nodejs", builder=named))
        actions = (step.action for plan in planned.bakes for step in plan.steps)
        return {action.builder for action in actions if isinstance(action, BuildImage)}

    assert builders("packer") == {"packer"}
    assert builders("auto") == {"chroot"}
    monkeypatch.setattr(type(site.cloud("local")), "builder", lambda _cloud, _say: "packer")
    assert builders("auto") == {"packer"}
    with pytest.raises(SpecError, match="there is no builder 'docker'"):
        builders("docker")


def test_a_group_verb_is_planned_and_carried_out(site: Site) -> None:
    first, second = (rolled(site, version).group or "" for version in ("1.0.0", "2.0.0"))
    planned = groups.plan(site, groups.EnableOrder(group=first))
    assert groups.carry_out(site, planned).shares == {first: 100}
    assert groups.carry_out(site, groups.DeleteOrder(group=second)).deleted == second


def test_an_order_that_contradicts_itself(site: Site) -> None:
    with pytest.raises(SpecError, match="cannot bake its image and be given one"):
        roll.carry_out(site, roll.RollOrder(service="web-tier", bake=True, image="image-1"))


def test_every_mistake_of_the_file_is_a_fact(desk: Desk) -> None:
    desk.edit("drain: 10s", "drain: soon")
    with pytest.raises(SpecError) as wrong:
        desk.open(desk.directory / "phoenix.yaml", {})
    (mistake,) = wrong.value.facts["mistakes"]
    assert mistake["path"] == "services.web-tier.drain"
