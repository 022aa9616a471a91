"""What doctor says of the Terraform of each stack."""

from __future__ import annotations

from pathlib import Path

from phoenix.execute import checkup
from phoenix.manner import State
from phoenix.spec.load import load

FILE = """\
version: 1
project: hello
stacks:
  mine: {{root: a, program: {there}}}
  missing: {{root: b, program: tofu-of-mine}}
  other: {{root: c, program: {other}}}
"""


def test_each_stack_has_its_program_or_a_remedy(tmp_path: Path) -> None:
    there, other = tmp_path / "terraform", tmp_path / "other"
    there.write_text('#!/bin/sh\necho \'{"terraform_version": "1.15.5"}\'\n')
    other.write_text("#!/bin/sh\necho hello\n")
    for program in (there, other):
        program.chmod(0o755)
    (tmp_path / "phoenix.yaml").write_text(FILE.format(there=there, other=other))
    found = {each.subject: each for each in checkup.stacks(load(tmp_path / "phoenix.yaml", {}))}
    assert (found["stack mine"].state, found["stack mine"].found) == (State.FINE, "terraform 1.15.5")
    assert (found["stack missing"].state, found["stack missing"].found) == (
        State.LACK,
        "the program 'tofu-of-mine' is missing",
    )
    assert found["stack other"].state is State.LACK
    assert all(each.remedy for each in found.values() if each.state is State.LACK)
