"""Another machine is a change, whatever of it is another; what is changed in place is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phoenix.model import CloudMachine, Health, LaunchTemplate, LocalMachine, Release, Repository, Size
from phoenix.plan.actions import Plan, to_json
from phoenix.plan.roll import roll
from phoenix.plan.roll_actions import CreateGroup, RollAction, roll_plan
from phoenix.plan.shapes import shape
from phoenix.spec import services
from phoenix.spec.services import ServiceSpec
from phoenix.typed import adapter
from tests.support.rolls.stage import Stage, release

MACHINE = CloudMachine(
    type="t3.small", disk=20 << 30, identity="web", firewall=("sg-1",), network="main", subnets=("subnet-a",)
)
SIZE = services.Size(minimum=2, maximum=6, cpu=60)


def on_a_cloud(spec: ServiceSpec, **changes: Any) -> ServiceSpec:
    where = replace(spec.environments["local"], **{"machine": MACHINE, "size": SIZE, **changes})
    return replace(spec, environments={"local": where})


def rolled_again(logs: Path, **changes: Any) -> Plan[RollAction]:
    """The plan for the release that serves, after those changes of its environment."""
    stage = Stage(logs=logs)
    stage.spec = on_a_cloud(stage.spec)
    stage.roll("1")
    spec = on_a_cloud(stage.spec, **changes)
    where = spec.environments["local"]
    return roll(spec, where, where.strategy, release("1"), stage.observed, {})


@pytest.mark.parametrize(
    "change",
    [
        {"type": "t3.large"},
        {"disk": 40 << 30},
        {"identity": "other"},
        {"firewall": ("sg-1", "sg-2")},
        {"public_ip": True},
        {"spot": True},
        {"network": "other"},
        {"subnets": ("subnet-a", "subnet-b")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_machine_is_a_change(tmp_path: Path, change: dict[str, Any]) -> None:
    assert not rolled_again(tmp_path, machine=replace(MACHINE, **change)).empty


@pytest.mark.parametrize("change", [{"maximum": 8}, {"cpu": 40}, {"minimum": 1}], ids=lambda change: next(iter(change)))
def test_other_bounds_of_the_autoscaler_are_a_change(tmp_path: Path, change: dict[str, Any]) -> None:
    assert not rolled_again(tmp_path, size=replace(SIZE, **change)).empty


def test_other_zones_are_a_change(tmp_path: Path) -> None:
    plan = rolled_again(tmp_path, zones=("zone-b",))
    (create,) = (step.action for step in plan.steps if isinstance(step.action, CreateGroup))
    assert create.zones == ("zone-b",)


def test_the_same_machines_are_nothing_to_do(tmp_path: Path) -> None:
    assert rolled_again(tmp_path).empty


def test_a_plan_says_of_what_its_group_is_made(tmp_path: Path) -> None:
    plan = rolled_again(tmp_path, machine=replace(MACHINE, type="t3.large"))
    (create,) = (step.action for step in plan.steps if isinstance(step.action, CreateGroup))
    assert (create.machine, create.least, create.most, create.cpu) == (replace(MACHINE, type="t3.large"), 2, 6, 60)
    assert create.sized(1) == Size(wanted=1, least=2, most=6, cpu=60), "a canary begins below the least, pinned"
    assert create.sized(9) == Size(wanted=9, least=2, most=9, cpu=60), "and a group that matches a live one larger"
    assert create.sized(1, 9) == Size(wanted=1, least=2, most=9, cpu=60), "which it will be in the end"
    assert roll_plan(to_json(plan)) == plan


def test_a_shape_that_a_former_version_wrote_down_is_still_the_same() -> None:
    fixed = Size(wanted=2, least=2, most=2)
    assert (
        shape(LocalMachine(), 8080, Health(), fixed)
        == "b4218fa6bc72"
        == shape(LocalMachine(), 8080, Health(), replace(fixed, least=4, most=4))
    )


def test_a_template_that_a_former_version_wrote_down_is_read() -> None:
    of_before = {
        "image": "image-1",
        "machine": {"cpus": 2, "memory": 1 << 30},
        "port": 8080,
        "health": {"path": "/healthz", "status": 200, "interval": 2.0, "healthy_after": 5.0, "deadline": 300.0},
        "user_data": "true",
    }
    found = adapter(LaunchTemplate).validate_python(of_before)
    assert found.machine == LocalMachine(cpus=2, memory=1 << 30)
    assert (found.size, found.zones) == (None, ())


def test_a_plan_that_a_former_version_wrote_down_is_read(tmp_path: Path) -> None:
    data = to_json(Stage(logs=tmp_path).plan("1"))
    (create,) = (step["action"] for step in data["steps"] if step["action"]["do"] == "create-group")
    for new in ("least", "most", "cpu", "zones"):
        del create[new]
    (action,) = (step.action for step in roll_plan(data).steps if isinstance(step.action, CreateGroup))
    assert action.sized(3) == Size(wanted=3, least=3, most=3)
    assert action.machine == LocalMachine()


def test_groups_that_live_keep_their_shape() -> None:
    """The digest as the version before machines had scopes wrote it on groups."""
    health = Health()
    size = Size(wanted=2, least=2, most=6, cpu=60)
    before = shape(MACHINE, 8080, health, size)
    assert before == "037fb9c70820"
    assert (
        shape(replace(MACHINE, scopes=("https://www.googleapis.com/auth/cloud-platform",)), 8080, health, size)
        != before
    )


def rolled_with_key(logs: Path, keys: tuple[str, ...], now: tuple[str, ...]) -> Plan[RollAction]:
    """The plan for the release that serves, whose group knew `keys` when the repository has the keys `now`."""

    def made(fingerprints: tuple[str, ...]) -> Release:
        known = Repository(
            name="main", url="http://10.0.2.2", distribution="bookworm", key=str(fingerprints), keys=fingerprints
        )
        return replace(release("1"), repositories=(known,))

    stage = Stage(logs=logs)
    stage.roll("1")
    stable = stage.observed.stable
    assert stable is not None
    groups = (replace(stable, release=made(keys)),)
    where = stage.spec.environments["local"]
    return roll(stage.spec, where, where.strategy, made(now), replace(stage.observed, groups=groups), {})


@pytest.mark.parametrize(
    ("keys", "now", "same"),
    [
        (("old",), ("old",), True),
        (("old",), ("old", "new"), False),
        (("old", "new"), ("new",), True),
        (("old",), ("new",), False),
    ],
)
def test_a_group_that_does_not_know_the_newest_key_is_rolled_again(
    tmp_path: Path, keys: tuple[str, ...], now: tuple[str, ...], same: bool
) -> None:
    assert rolled_with_key(tmp_path, keys, now).empty is same
