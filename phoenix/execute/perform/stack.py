"""What each action of a stack's plan does: Terraform applies what it has saved, its outputs are written down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from phoenix.clock import Clock, rfc3339
from phoenix.execute.engine import Context, Performer
from phoenix.execute.outcomes import Outcome
from phoenix.execute.stacks import Workshop
from phoenix.plan.stack_actions import ApplyStack, RecordOutputs, StackAction
from phoenix.record.stacks import StackRecord, StackRecords
from phoenix.tools.terraform import Hearing


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded(Outcome):
    """The outputs that were written down, by name."""

    outputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class World(Performer[StackAction]):
    """What a stack's plan acts on."""

    workshop: Workshop
    records: StackRecords
    clock: Clock

    def perform(self, action: StackAction, context: Context) -> Outcome:
        """Do the action and say what it came to."""
        match action:
            case ApplyStack(file=file):
                log = context.log_directory / "terraform.log"
                self.workshop.apply(Path(file), Hearing(say=context.say, log=log, between=context.renew))
                return Outcome()
            case RecordOutputs(stack=stack):
                outputs = self.workshop.outputs()
                self.records.put(stack, StackRecord(outputs=outputs, at=rfc3339(self.clock.now())))
                return Recorded(outputs=tuple(each.name for each in outputs))
        assert_never(action)

    def outcomes(self, action: StackAction) -> tuple[type[Outcome], ...]:
        """What the action can come to."""
        return (Recorded,) if isinstance(action, RecordOutputs) else ()
