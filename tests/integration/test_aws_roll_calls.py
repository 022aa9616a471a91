"""How often AWS is asked by one roll, and until the write of a rollback, step by step: no more than this.

Who adds a call adds it here, with what it is for. Each wait looks as often as it takes the emulator's machines.
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
from tests.emulators.aws import Emulator
from tests.support.real import aws
from tests.support.rolls.asked import by_step
from tests.support.rolls.aws_stage import OLD, SUBJECT, AwsStage

ROLL = {
    "measure": 7,
    "pin-stable": 3,
    "create-candidate": 26,
    "candidate-healthy": 13,
    "grow": 6,
    "healthy": 3,
    "shift": 12,  # is there what the candidate would start more machines from; another look at the rule after the tag
    "keep-former": 3,
    "drain-former": 0,
    "burn-former": 35,
    "unpin-candidate": 3,
}
"""Calls of each step of a blue-green roll of two machines whose former group is burnt at once."""
BEFORE_THE_WRITE = 24
"""Calls from the beginning of a rollback's run to the write that moves its traffic, that among them."""


@pytest.fixture
def stage(emulator: Emulator, tmp_path: Path) -> AwsStage:
    return AwsStage(account=aws.account(emulator, "shop"), logs=tmp_path, strategy=BlueGreen(keep=0.0))


def test_a_roll_asks_in_each_step_no_more_than_this(stage: AwsStage) -> None:
    stage.roll("1")
    asked = by_step(
        ROLL, stage.meddle, lambda: [call.action for call in stage.account.emulator.calls()], lambda: stage.roll("2")
    )
    over = {step: dict(Counter(calls)) for step, calls in asked.items() if len(calls) > ROLL[step]}
    assert list(asked) == list(ROLL)
    assert over == {}, str({step: len(calls) for step, calls in asked.items()})


def test_a_rollback_within_keep_writes_early(stage: AwsStage) -> None:
    stage = replace(stage, strategy=BlueGreen(keep=600.0))
    stage.roll("1")
    stage.roll("2")
    spec, observed = stage.spec, stage.observed
    plan = to_json(rollback(spec, spec.environments["prod"], observed, OLD))
    owned = OwnedRun.begin(stage.store, stage.account.clock, kind="rollback", subject=SUBJECT, plan=plan)
    stage.account.emulator.forget_calls()
    stage.engine().execute(owned, roll_plan(plan))
    called = [call.action for call in stage.account.emulator.calls()]
    before = called[: called.index("ModifyListener") + 1]
    assert len(before) <= BEFORE_THE_WRITE, before
