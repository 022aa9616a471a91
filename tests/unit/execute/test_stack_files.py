"""A stack's files: what is missing is told by `validate`, and before Terraform is asked anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.errors import SpecError
from phoenix.execute import stacks
from phoenix.execute.inspection import inspect
from phoenix.execute.stacks import Workshop
from phoenix.spec.load import load

FILE = """\
version: 1
project: hello
stacks:
  whole: {root: whole, program: /bin/false}
  empty: {root: empty, variable_files: [prod.tfvars], program: /bin/false}
  missing: {root: missing, program: /bin/false}
"""


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    for name in ("whole", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "whole" / "main.tf").touch()
    (tmp_path / "phoenix.yaml").write_text(FILE)
    project = load(tmp_path / "phoenix.yaml", {})
    assert inspect(project, lambda _text: None) == (
        f"stacks.empty.root: there are no *.tf in {tmp_path}/empty",
        f"stacks.empty.variable_files: there is no file {tmp_path}/prod.tfvars",
        f"stacks.missing.root: there is no directory {tmp_path}/missing",
    )
    assert list(stacks.lacks(project.stacks["whole"])) == []
    workshop = Workshop(spec=project.stacks["empty"], home=tmp_path / "home")
    with pytest.raises(SpecError, match="the stack empty is not whole"), workshop.planned(lambda _text: None):
        pass
    assert list((tmp_path / "home").iterdir()) == []
