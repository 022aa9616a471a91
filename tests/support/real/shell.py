"""The command line as a user has it: a process of its own, its exit code and its one JSON object."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Runs phoenix in one project."""

    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def argv(self, *arguments: str, project: bool = True) -> list[str]:
        where = ["-C", str(self.directory)] if project else []
        return [sys.executable, "-m", "phoenix", *where, *arguments, "--json"]

    def run(self, *arguments: str, code: int = 0, timeout: float = 900, project: bool = True) -> dict[str, Any]:
        """The result of a command that must end with exit code `code`."""
        done = subprocess.run(
            self.argv(*arguments, project=project),
            capture_output=True,
            text=True,
            env=self._environment(),
            timeout=timeout,
            check=False,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr[-6000:]}"
        assert "Traceback" not in done.stderr, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        assert result["ok"] is (code == 0)
        return result

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The command in the background: to be killed, or waited for."""
        return subprocess.Popen(
            self.argv(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment(),
            start_new_session=True,
        )

    def service(self, name: str = "web-tier") -> dict[str, Any]:
        """What `phoenix status` says of a service."""
        found: dict[str, Any] = self.run("status", name)["services"][0]
        return found

    def shares(self) -> dict[str, int]:
        """The groups that get traffic, with their shares."""
        return {group["name"]: group["share"] for group in self.service()["groups"] if group["share"]}

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.environment}
