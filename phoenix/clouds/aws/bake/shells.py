"""How tests are run on a machine of a bake: over SSH, or by Systems Manager where no port is open.

Either way a test is one small script whose last line reports how it ended, in the words of `clouds.rules`.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from phoenix.clock import Clock
from phoenix.clouds.api import Between
from phoenix.clouds.aws.calls import RefusedCallError
from phoenix.clouds.aws.patience import patient
from phoenix.clouds.rules import Trial
from phoenix.tools.process import Command, require, run
from phoenix.wait import DeadlineError, Look, Verdict, wait_for

if TYPE_CHECKING:
    from phoenix.clouds.aws.calls import Calls

SHOWN = 3000
"""Bytes of a test's output that are kept, from its end."""
_PATIENCE = 60.0
"""Seconds beside the test's own."""
_TRY = """\
cd /root
output=$(timeout {patience} sh -c {script} 2>&1)
code=$?
told=$(printf %s "$output" | tail -c {shown} | base64 -w 0)
echo "trial {index} $code $told"
"""
_OPTIONS = (
    "BatchMode=yes",
    "ConnectTimeout=5",
    "IdentitiesOnly=yes",
    "LogLevel=ERROR",
    "ServerAliveInterval=15",
    "StrictHostKeyChecking=no",  # nobody knows its key before it has made one
    "UserKnownHostsFile=/dev/null",
)
_NOT_YET = "InvocationDoesNotExist"
_RUNNING = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})


class Shell(Protocol):
    """Runs scripts as root on one machine."""

    def look(self) -> Look:
        """Whether it lets us in by now."""
        ...

    def run(self, script: str, patience: float, between: Between) -> str:
        """What the script printed; `patience` in seconds. What went wrong on the way there is said instead."""
        ...


def report(shell: Shell, index: int, trial: Trial, between: Between) -> str:
    """How the trial ended on the machine, as `rules.results` reads it; else what the way there said."""
    script = _TRY.format(patience=trial.patience, script=shlex.quote(trial.script), shown=SHOWN, index=index)
    said = shell.run(script, trial.patience + _PATIENCE, between)
    reports = [line for line in said.splitlines() if line.startswith(f"trial {index} ")]
    return reports[-1] if reports else said.strip()


@dataclass(frozen=True, kw_only=True, slots=True)
class SshShell:
    """Over SSH, as root. No configuration of whoever runs phoenix is read."""

    host: str
    port: int
    key: Path

    def look(self) -> Look:
        """Whether it lets us in by now."""
        done = run(self._command("true"), timeout=20, check=False)
        return Look(verdict=Verdict.UNKNOWN if done.code else Verdict.PASS, seen=done.tail or "it lets us in")

    def run(self, script: str, patience: float, between: Between) -> str:
        """What the script printed."""
        done = run(self._command("sh -s", script.encode()), timeout=patience, between=between, check=False)
        return done.stdout or done.stderr

    def _command(self, words: str, stdin: bytes = b"") -> Command:
        options = [word for option in _OPTIONS for word in ("-o", option)]
        where = ("-F", "none", "-T", "-i", str(self.key), "-p", str(self.port), f"root@{self.host}")
        return Command(argv=(require("ssh", "openssh-client"), *options, *where, words), stdin=stdin)


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemsManagerShell:
    """By Run Command: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html.

    The machine's agent asks for its commands, so no port is open and no key is needed.
    """

    calls: Calls
    machine: str
    clock: Clock

    def look(self) -> Look:
        """Whether its agent has called by now."""
        filters = [{"Key": "InstanceIds", "Values": [self.machine]}]
        found = self.calls.ask("ssm", "describe_instance_information", Filters=filters)["InstanceInformationList"]
        status = found[0].get("PingStatus", "") if found else "it has not called yet"
        return Look(verdict=Verdict.PASS if status == "Online" else Verdict.UNKNOWN, seen=f"its agent: {status}")

    def run(self, script: str, patience: float, between: Between) -> str:
        """What the script printed."""
        command = self.calls.ask(
            "ssm",
            "send_command",
            InstanceIds=[self.machine],
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": [script], "executionTimeout": [str(int(patience))]},
        )["Command"]["CommandId"]
        answer: dict[str, Any] = {}

        def look() -> Look:
            answer.update(self._answer(command))
            running = answer.get("Status", "") in _RUNNING
            return Look(verdict=Verdict.UNKNOWN if running else Verdict.PASS, seen=str(answer.get("Status")))

        try:
            wait_for("the test", patient(look), clock=self.clock, deadline=patience, interval=3.0, between=between)
        except DeadlineError as error:
            return str(error)
        said = answer.get("StandardOutputContent") or answer.get("StandardErrorContent")
        return said or str(answer.get("StatusDetails", ""))

    def _answer(self, command: str) -> dict[str, Any]:
        try:
            answer = self.calls.ask("ssm", "get_command_invocation", CommandId=command, InstanceId=self.machine)
        except RefusedCallError as error:
            if error.said == _NOT_YET:  # the two do not know of each other at once
                return {"Status": "Pending"}
            raise
        return dict(answer)
