"""A process that dies between two writes to AWS, at each of them: another goes on, and the end is the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phoenix.clouds.aws.calls import Calls
from phoenix.record.journal import RunState
from phoenix.spec.clouds import AwsCloud
from phoenix.spec.services import BlueGreen, Rolling, Size, Strategy
from tests.emulators.aws import Emulator
from tests.support.fakes.doubles import Killed
from tests.support.real import aws
from tests.support.rolls.aws_stage import NEW, OLD, AwsStage

READS = ("describe_", "get_")


class Mortal(Calls):
    """Calls of a process that dies when its N-th write was carried out."""

    def __init__(self, spec: AwsCloud, dies_after: int) -> None:
        super().__init__(spec)
        self._left = dies_after

    def ask(self, service: str, action: str, **parameters: Any) -> Mapping[str, Any]:
        answer = super().ask(service, action, **parameters)
        if not action.startswith(READS):
            self._left -= 1
            if self._left == 0:
                raise Killed
        return answer


def killed(stage: AwsStage, after: int) -> bool:
    """Roll in a process that dies after so many writes; whether it came to that."""
    mortal = replace(stage.account, calls=Mortal(stage.account.spec, after))
    try:
        replace(stage, account=mortal).roll("2")
    except Killed:
        return True
    return False


@pytest.mark.full
@pytest.mark.parametrize(
    "strategy", [BlueGreen(keep=0.0), Rolling(step=1, percent=False)], ids=["blue-green", "rolling"]
)
def test_a_death_after_any_write(emulator: Emulator, tmp_path: Path, strategy: Strategy) -> None:
    after = 0
    while True:
        after += 1
        emulator.reset()
        account = aws.account(emulator, "shop")
        size = Size(minimum=1, maximum=4, cpu=60)
        stage = AwsStage(account=account, logs=tmp_path, strategy=strategy, size=size)
        stage.roll("1")
        if not killed(stage, after):
            break
        assert stage.take_over().state is RunState.DONE, after
        account.clock.sleep(30)
        assert stage.shares == {NEW: 100}, after
        told = account.told(NEW)
        assert (told["MinSize"], told["MaxSize"], told["SuspendedProcesses"]) == (1, 4, []), after
        assert account.seen(NEW).pinned_until is None, after
        assert [group.name for group in account.groups().list()] == [NEW], after
        assert [each["LaunchTemplateName"] for each in account.templates()] == [NEW], after
        targets = account.ask("elbv2", "describe_target_groups")["TargetGroups"]
        assert OLD not in [each["TargetGroupName"] for each in targets], after
    assert after > 10
