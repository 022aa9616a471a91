"""The command line as a user has it: its exit code and its one JSON object.

`run` carries a command out in this process, by the function that `phoenix` itself calls: the same but for the second
that Python takes to start. A process of its own it gets where that is what counts: in the background (`start`), in
another environment, and beside other threads.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phoenix.cli import app


def in_this_process(words: list[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        ended = app.run(words)
    return ended, out.getvalue(), err.getvalue()


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Runs phoenix in one project."""

    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    program: str = "phoenix"
    """The module that a process of its own runs."""

    def words(self, *arguments: str, project: bool = True) -> list[str]:
        """The command line after the word `phoenix`."""
        return [*(["-C", str(self.directory)] if project else []), *arguments, "--json"]

    def argv(self, *arguments: str, project: bool = True) -> list[str]:
        return [sys.executable, "-m", self.program, *self.words(*arguments, project=project)]

    def run(self, *arguments: str, code: int = 0, timeout: float = 900, project: bool = True) -> dict[str, Any]:
        """The result of a command that must end with exit code `code`."""
        if self.environment or threading.current_thread() is not threading.main_thread():
            ended, out, err = self._in_a_process(self.argv(*arguments, project=project), timeout)
        else:
            ended, out, err = in_this_process(self.words(*arguments, project=project))
        assert ended == code, f"exit {ended}\n{out}\n{err[-6000:]}"
        assert "Traceback" not in err, err
        result: dict[str, Any] = json.loads(out)
        assert result["ok"] is (code == 0)
        return result

    def _in_a_process(self, argv: list[str], timeout: float) -> tuple[int, str, str]:
        done = subprocess.run(
            argv, capture_output=True, text=True, env=self._environment(), timeout=timeout, check=False
        )
        return done.returncode, done.stdout, done.stderr

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
