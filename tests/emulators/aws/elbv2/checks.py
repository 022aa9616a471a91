"""Which targets are checked by real requests: all of target groups that are in use."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from tests.emulators.aws.account import Account
from tests.emulators.aws.elbv2.targets import Target
from tests.emulators.machines.prober import Answers, Prober, Question

Of = tuple[str, Target]
"""A target group's ARN, and a target of it."""


def prober(account: Account, lock: AbstractContextManager[object]) -> Prober[Of]:
    """Asks them every `settings.probe` REAL seconds, once it is started."""
    targets, emulated = account.targets, account.emulated

    def due() -> Sequence[Question[Of]]:
        account.look()
        return [
            Question(
                of=(arn, target),
                machine=target.id,
                check=targets.check(arn, target),
                told=targets.told(target.id),
            )
            for arn, target in targets.to_check()
        ]

    def heard(answers: Answers[Of]) -> None:
        for question, probed in answers:
            targets.checked(*question.of, probed)
        account.look()

    return Prober(emulated.machines, lock, due=due, heard=heard, pause=lambda: emulated.settings.probe)
