"""Terraform itself, as tests run it: on a copy of the shipped ground, before providers that are emulated."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phoenix import data

TIMEOUT = 300.0
"""Seconds for one command."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    said: str
    """Both channels: mistakes go to one or the other."""


@dataclass(frozen=True, kw_only=True)
class Terraform:
    """One program in one directory."""

    program: str
    root: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> Ran:
        """Any command, whatever it ends with."""
        command = [self.program, f"-chdir={self.root}", *arguments]
        done = subprocess.run(
            command,
            check=False,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        return Ran(code=done.returncode, out=done.stdout, said=done.stdout + done.stderr)

    def must(self, *arguments: str) -> str:
        """A command that has to succeed; what it said on stdout."""
        ran = self.run(*arguments)
        assert ran.code == 0, f"terraform {' '.join(arguments)} ended with {ran.code}: {ran.said}"
        return ran.out

    def apply(self) -> dict[str, Any]:
        """Build it all; the outputs."""
        self.must("apply", "-no-color", "-input=false", "-auto-approve")
        return {name: told["value"] for name, told in json.loads(self.must("output", "-json")).items()}

    def plan(self) -> Ran:
        """What it would change: code 0 is nothing, 2 is something."""
        return self.run("plan", "-no-color", "-input=false", "-detailed-exitcode")


def ground(folder: Path, cloud: str, variables: Mapping[str, Any]) -> Path:
    """A copy of the shipped root of a cloud, with its modules and these variables."""
    shutil.copytree(data.path("terraform"), folder, dirs_exist_ok=True)
    (folder / cloud / "terraform.tfvars.json").write_text(json.dumps(dict(variables)))
    return folder / cloud


def environment(folder: Path) -> dict[str, str]:
    """No settings of this computer's, no telling home, no colours."""
    empty = folder / "terraform.rc"
    empty.touch()
    own = {name: "" for name in os.environ if name.startswith(("TF_VAR_", "TF_CLI_ARGS", "TF_WORKSPACE", "TF_LOG"))}
    return {**own, "TF_CLI_CONFIG_FILE": str(empty), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
