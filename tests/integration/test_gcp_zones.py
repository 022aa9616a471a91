"""Zones: a roll never leaves one empty in which the service was, and goes on where one has no resources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from phoenix.model import InstanceState
from phoenix.record.journal import RunState
from phoenix.spec.services import Rolling, Size
from tests.emulators.gcp import Emulator
from tests.support.rolls.gcp_stage import NEW, OLD, GcpStage, by_backend_service, by_url_map

THREE = Size(minimum=3, maximum=3)


def served(stage: GcpStage) -> set[str]:
    """The zones in which machines of a group with traffic run."""
    groups = [stage.account.seen(name) for name, share in stage.shares.items() if share]
    return {each.zone for group in groups for each in group.staying if each.state is InstanceState.RUNNING}


@pytest.mark.parametrize(
    ("stand", "step"),
    [
        (by_url_map, 1),
        pytest.param(by_url_map, 2, marks=pytest.mark.full),
        pytest.param(by_backend_service, 1, marks=pytest.mark.full),
        pytest.param(by_backend_service, 2, marks=pytest.mark.full),
    ],
)
def test_a_roll_never_leaves_a_zone_empty(
    gcp: Emulator, tmp_path: Path, stand: Callable[[Emulator, Path], GcpStage], step: int
) -> None:
    stage = replace(stand(gcp, tmp_path), size=THREE, strategy=Rolling(step=step, percent=False))
    assert stage.roll("1").state is RunState.DONE
    assert served(stage) == set(stage.account.world.zones)
    seen: list[tuple[str, set[str]]] = []

    def look(name: str) -> None:
        seen.append((name, served(stage)))

    for each in stage.plan("2").steps:
        stage.meddle[each.id] = partial(look, each.id)
    assert stage.roll("2").state is RunState.DONE
    assert stage.shares == {NEW: 100}
    seen.append(("the end", served(stage)))
    assert len(seen) > 8
    assert [(name, zones) for name, zones in seen if zones != set(stage.account.world.zones)] == []


def test_a_zone_without_resources_is_left_out_and_the_roll_goes_on(gcp: Emulator, tmp_path: Path) -> None:
    stage = by_url_map(gcp, tmp_path)
    stage.roll("1")
    short = stage.account.world.zones[0]
    stage.account.emulator.configure(short=[short])
    assert stage.roll("2").state is RunState.DONE
    assert stage.shares == {NEW: 100}
    assert {each.zone for each in stage.account.seen(NEW).instances} == set(stage.account.world.zones) - {short}
    assert stage.account.seen(OLD).keep_until is not None


def test_zones_of_phoenix_yaml(gcp: Emulator, tmp_path: Path) -> None:
    two = gcp.world().zones[1:]
    stage = by_url_map(gcp, tmp_path, zones=two)
    stage.roll("1")
    assert {each.zone for each in stage.account.seen(OLD).instances} == set(two)
    told = stage.account.told(OLD)["distributionPolicy"]
    assert [each["zone"].rpartition("/")[2] for each in told["zones"]] == list(two)
