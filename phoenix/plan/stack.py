"""What is to be done to a stack: Terraform's own plan, carried out as it was seen, then its outputs written down.

There is no way back in it: what Terraform made, only another plan of Terraform's takes away.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from phoenix import names
from phoenix.plan.actions import Plan, Step, fingerprint
from phoenix.plan.stack_actions import ApplyStack, RecordOutputs, StackAction
from phoenix.spec.stacks import StackSpec
from phoenix.stacks import StackChanges


def stack(spec: StackSpec, changes: StackChanges, file: str, *, destroy: bool) -> Plan[StackAction]:
    """The plan that carries out what Terraform has saved in `file`; empty where that changes nothing."""
    subject = str(names.of_stack(spec.name))
    what = f"destroy {spec.name}" if destroy else f"apply {spec.name}"
    mark = fingerprint((subject, what, json.dumps(asdict(changes), sort_keys=True)))
    if changes.empty:
        return Plan(subject=subject, why=f"{spec.name}: nothing to do", fingerprint=mark)
    apply: StackAction = ApplyStack(stack=spec.name, file=file, changes=changes.resources)
    record: StackAction = RecordOutputs(stack=spec.name)
    return Plan(
        subject=subject,
        why=f"{what}: {changes}",
        steps=(
            Step(id="apply", action=apply, deadline=spec.deadline),
            Step(id="outputs", action=record, deadline=spec.deadline),
        ),
        fingerprint=mark,
    )
