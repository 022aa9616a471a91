"""How often Google Cloud is asked by one roll, and until the write of a rollback, step by step: no more than this.

Who adds a call adds it here, with what it is for. Each wait looks as often as it takes the emulator's machines. How
often an operation is asked for until it is done is Google's to say, and not counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.execute.ownership import OwnedRun
from phoenix.plan.actions import to_json
from phoenix.plan.roll_actions import roll_plan
from phoenix.plan.rollback import rollback
from phoenix.spec.services import BlueGreen
from tests.emulators.gcp import Emulator
from tests.support.rolls.asked import by_step
from tests.support.rolls.gcp_stage import OLD, SUBJECT, GcpStage, by_url_map

pytestmark = pytest.mark.timeout(240)

ROLL = {
    "measure": 11,
    "pin-stable": 2,
    "create-candidate": 33,
    "candidate-healthy": 16,
    "grow": 5,
    "healthy": 3,
    "shift": 7,
    "keep-former": 3,
    "drain-former": 0,
    "burn-former": 42,
    "unpin-candidate": 2,
}
"""Calls of each step of a blue-green roll of two machines whose former group is burnt at once."""
BEFORE_THE_WRITE = 27
"""Calls from the beginning of a rollback's run to the write that moves its traffic, that among them."""
WRITE = "compute.urlMaps.update"


@pytest.fixture
def stage(gcp: Emulator, tmp_path: Path) -> GcpStage:
    return replace(by_url_map(gcp, tmp_path), strategy=BlueGreen(keep=0.0))


def asked_of(emulator: Emulator) -> list[str]:
    """What was asked, without what was only waited for."""
    return [call.method for call in emulator.calls() if not call.method.endswith("Operations.wait")]


def test_a_roll_asks_in_each_step_no_more_than_this(stage: GcpStage) -> None:
    stage.roll("1")
    asked = by_step(ROLL, stage.meddle, lambda: asked_of(stage.account.emulator), lambda: stage.roll("2"))
    over = {step: dict(Counter(calls)) for step, calls in asked.items() if len(calls) > ROLL[step]}
    assert list(asked) == list(ROLL)
    assert over == {}, str({step: len(calls) for step, calls in asked.items()})


def test_a_rollback_within_keep_writes_early(stage: GcpStage) -> None:
    stage = replace(stage, strategy=BlueGreen(keep=600.0))
    stage.roll("1")
    stage.roll("2")
    spec, observed = stage.spec, stage.observed
    plan = to_json(rollback(spec, spec.environments["prod"], observed, OLD))
    owned = OwnedRun.begin(stage.store, stage.account.clock, kind="rollback", subject=SUBJECT, plan=plan)
    stage.account.emulator.forget_calls()
    stage.engine().execute(owned, roll_plan(plan))
    called = asked_of(stage.account.emulator)
    before = called[: called.index(WRITE) + 1]
    assert len(before) <= BEFORE_THE_WRITE, before
