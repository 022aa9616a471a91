"""What proves an image: one machine started from it, in which the tests run; then it is gone, and all that was made.

The tests wait until systemd has started everything. Nothing of the serial console is trusted for a result: whatever the
machine prints stands in it; it is kept for whoever looks for the reason.
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
from phoenix.clouds.gcp.bake import packer_run, way_in
from phoenix.clouds.gcp.bake.trial_machine import TrialMachine
from phoenix.clouds.gcp.bake.way_in import USER
from phoenix.clouds.rules import Trial
from phoenix.clouds.trials import Shell, SshShell
from phoenix.errors import ToolError
from phoenix.model import Image, TestResult
from phoenix.spec.clouds import GcpReach
from phoenix.wait import DeadlineError, HopelessError, Look, patient, wait_for

if TYPE_CHECKING:
    from phoenix.clouds.gcp.bake.image_reading import GceImage
    from phoenix.clouds.gcp.bake.way_in import WayIn
    from phoenix.clouds.gcp.calls import Calls
    from phoenix.spec.clouds import GcpCloud

DEADLINE = 600.0
"""Seconds until the machine lets phoenix in."""
CONSOLE = "console.log"
_CONSOLE_LINES = 20
NO_KEYS = Trial(
    name="no keys of the bake",
    script=f"""
    for file in /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys; do
        [ -e "$file" ] || continue
        keys=$(grep -c ' {USER}$' "$file")
        case $file in /home/{USER}/*) most=1 ;; *) most=0 ;; esac
        if [ "$keys" -gt $most ]; then echo "in the image: $keys of $file"; found=yes; fi
    done
    [ -z "$found" ]""",
)
"""The only key is the one by which this test came in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """One machine, from an image, with the labels `marks` on all that is made; `token` is a part of its name."""

    calls: Calls
    cloud: GcpCloud
    clock: Clock
    marks: Mapping[str, str]
    token: str
    image: Image
    log: Path
    say: Say
    between: Between

    def results(self, source: GceImage, tests: tuple[str, ...]) -> tuple[TestResult, ...]:
        """How each test ended. ToolError where the machine did not boot so far that tests could run.

        The machine is left to who removes all that bears its labels.
        """
        wanted = trials.wanted(tests, NO_KEYS)
        machine = TrialMachine(
            calls=self.calls,
            name=packer_run.machine_name(self.image.id, f"t{self.token}"),
            zone=self.cloud.builder_zone,
            public=self.cloud.builder.reach is GcpReach.PUBLIC,
        )
        with tempfile.TemporaryDirectory(prefix="phoenix-") as directory:
            way = way_in.make(self.cloud, Path(directory), self.log)
            self.say(f"the machine {machine.name} starts from {source.name}")
            machine.start(self.cloud, source, way, self.marks, self.between)
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
        through = way_in.tunnel(self.cloud, machine.name)
        host = machine.name if through else machine.address()
        return SshShell(host=host, port=trials.SSH, key=way.key, user=USER, through=through)

    def _wait(self, what: str, look: Callable[[], Look]) -> None:
        wait_for(what, patient(look), clock=self.clock, deadline=DEADLINE, interval=4.0, between=self.between)
