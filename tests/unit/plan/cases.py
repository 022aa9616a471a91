"""The cases of planners: JSON files with what is given and the whole plan that must come out, a line for each step.

Only its fingerprint is left out, which is another with every new key of phoenix.yaml; it has tests of its own.

After a change that is meant, `python -m tests.unit.plan.cases` writes the plans anew; the difference is to be read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from phoenix.plan.actions import Plan, to_json
from phoenix.plan.roll_actions import RollAction

Decide = Callable[[dict[str, Any]], Plan[RollAction]]


def files(directory: str) -> list[Path]:
    """The case files of a directory beside this file."""
    return sorted((Path(__file__).parent / directory).glob("*.json"))


def told(plan: Plan[RollAction]) -> dict[str, Any]:
    """The plan as a case has it."""
    return {name: value for name, value in to_json(plan).items() if name != "fingerprint"}


def text_of(given: dict[str, Any], then: dict[str, Any]) -> str:
    """A case as its file has it."""
    parts = [f'    "{name}": {_lines(value)}' for name, value in then.items()]
    what = json.dumps(given, indent=2).replace("\n", "\n  ")
    return '{\n  "given": ' + what + ',\n  "then": {\n' + ",\n".join(parts) + "\n  }\n}\n"


def _lines(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return json.dumps(value)
    return "[\n" + ",\n".join(f"      {json.dumps(each)}" for each in value) + "\n    ]"


def write(directory: str, decide: Decide) -> None:
    """Write what `decide` decides now into every case that is no refusal."""
    for file in files(directory):
        case = json.loads(file.read_text())
        if "refused" not in case["then"]:
            file.write_text(text_of(case["given"], told(decide(case["given"]))))


if __name__ == "__main__":
    from tests.unit.plan import test_plans, test_regroup

    write("cases", test_plans.decide)
    write("regroup_cases", test_regroup.decide)
