"""How tests are run on a machine of a bake where no port is open: by Systems Manager. `clouds.trials` has SSH."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phoenix.clock import Clock
from phoenix.clouds.api import Between
from phoenix.clouds.aws.calls import RefusedCallError
from phoenix.wait import DeadlineError, Look, Verdict, patient, wait_for

if TYPE_CHECKING:
    from phoenix.clouds.aws.calls import Calls

_NOT_YET = "InvocationDoesNotExist"
_RUNNING = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})


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
