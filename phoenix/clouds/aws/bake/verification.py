"""What proves an AMI: one machine started from it, in which the tests run; then it is gone, and all that was made.

The tests wait until systemd has started everything. Nothing of AWS's console is trusted for a result: it is slow,
short, and whatever the machine prints stands in it; it is kept for whoever looks for the reason.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix.clock import Clock
from phoenix.clouds import rules, trials
from phoenix.clouds.api import Between, Say
from phoenix.clouds.aws.bake import way_in
from phoenix.clouds.aws.bake.shells import SystemsManagerShell
from phoenix.clouds.aws.bake.trial_machine import TrialMachine
from phoenix.clouds.rules import Trial
from phoenix.clouds.trials import Shell, SshShell
from phoenix.errors import ToolError
from phoenix.model import Image, TestResult
from phoenix.spec.clouds import AwsReach
from phoenix.wait import DeadlineError, HopelessError, Look, patient, wait_for

if TYPE_CHECKING:
    from phoenix.clouds.aws.bake.image_reading import Ami
    from phoenix.clouds.aws.bake.way_in import WayIn
    from phoenix.clouds.aws.calls import Calls
    from phoenix.spec.clouds import AwsCloud

DEADLINE = 600.0
"""Seconds until the machine lets phoenix in."""
CONSOLE = "console.log"
_CONSOLE_LINES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """One machine, from the AMI of an image, with `tags` on all that is made."""

    calls: Calls
    cloud: AwsCloud
    clock: Clock
    tags: Mapping[str, str]
    image: Image
    log: Path
    say: Say
    between: Between

    def results(self, ami: Ami, tests: tuple[str, ...]) -> tuple[TestResult, ...]:
        """How each test ended. ToolError where the machine did not boot so far that tests could run.

        The machine is left to who removes all that bears its tags.
        """
        wanted = trials.wanted(tests)
        with tempfile.TemporaryDirectory(prefix="phoenix-") as directory:
            way = way_in.make(self.calls, self.cloud, self.tags, Path(directory), self.log)
            machine = TrialMachine.start(self.calls, self.cloud, ami, way, self.tags)
            self.say(f"the machine {machine.id} starts from {ami.id}")
            try:
                shell = self._shell(machine, way)
                reports = tuple(self._report(shell, index, wanted) for index in range(len(wanted)))
            finally:
                self.log.with_name(CONSOLE).write_text(machine.console(), encoding="utf-8")
        return rules.results(wanted, reports)

    def _report(self, shell: Shell, index: int, wanted: tuple[Trial, ...]) -> str:
        report = trials.report(shell, index, wanted[index], self.between)
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{wanted[index].name}: {report}\n")
        self.say(rules.shown(report, wanted))
        return report

    def _shell(self, machine: TrialMachine, way: WayIn) -> Shell:
        """What lets us in, as soon as it does."""
        try:
            self._wait("a running machine", machine.look)
            shell = self._reached(machine, way)
            self._wait("a way into the machine", lambda: machine.or_ended(shell.look()))
        except (DeadlineError, HopelessError) as error:
            console = machine.console().splitlines()[-_CONSOLE_LINES:]
            raise ToolError(
                f"{self.image.ref} did not boot so far that its tests could run",
                details="\n".join([error.brief, error.details, "the end of its console:", *console]),
                resolution=f"Read the machine's console in {self.log.parent}.",
            ) from error
        return shell

    def _reached(self, machine: TrialMachine, way: WayIn) -> Shell:
        if self.cloud.builder.reach is AwsReach.SSM:
            return SystemsManagerShell(calls=self.calls, machine=machine.id, clock=self.clock)
        return SshShell(host=machine.address(), port=trials.SSH, key=way.key)

    def _wait(self, what: str, look: Callable[[], Look]) -> None:
        wait_for(what, patient(look), clock=self.clock, deadline=DEADLINE, interval=4.0, between=self.between)
