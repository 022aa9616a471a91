"""What an apply of a stack does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from phoenix.plan.actions import Plan, plans_of
from phoenix.stacks import Change


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyStack:
    """Let Terraform carry out exactly the plan that it has saved. What it did, nothing but another plan undoes."""

    stack: str
    file: str
    """Where the plan lies, on this computer."""
    changes: tuple[Change, ...]
    do: Literal["apply-stack"] = "apply-stack"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordOutputs:
    """Write down what the stack gives out now, for `${stack.NAME.OUTPUT}` in phoenix.yaml."""

    stack: str
    do: Literal["record-outputs"] = "record-outputs"


StackAction = ApplyStack | RecordOutputs


def stack_plan(data: object) -> Plan[StackAction]:
    """The stack's plan that `to_json` wrote."""
    plan: Plan[StackAction] = plans_of(StackAction).validate_python(data)
    return plan
