"""A service whose rolls take seconds, for tests that need many: an immutable image, short checks, and a steered app.

The app is the hello app with two more abilities: it answers `/slow?seconds=N` after so long, and its setting
BREAK_ON names the end of the host names on which it refuses to start. Another GREETING is another release.
"""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phoenix import names
from phoenix.clock import SystemClock
from phoenix.clouds.local.groups import LocalGroups
from phoenix.clouds.local.machines.machine_files import MachineFiles, read_record
from phoenix.clouds.local.traffic import LocalTraffic
from phoenix.model import Backend, Health, Route
from phoenix.record import journal
from phoenix.record.journal import Part, Run, What
from phoenix.spec.clouds import LocalCloud, MachineEngine
from phoenix.tools.haproxy_socket import Runtime
from phoenix.wait import Look, Verdict, wait_for
from tests.support.real.instant import get
from tests.support.real.ports import free_port
from tests.support.real.shell import Shell

CLOCK = SystemClock()
SUBJECT = "web-tier/local"
BLUE_GREEN = "{kind: blue-green, keep: 0s}"
_SERVICE = """\
services:
  web-tier:
    image: immutable/hello
    packages: [hello]
    settings: {GREETING: "%(greeting)s", BREAK_ON: "%(break_on)s"}
    port: 8080
    health: {path: /healthz, interval: 1s, healthy_after: %(healthy_after)s, deadline: 60s}
    drain: %(drain)s
    orphan: %(orphan)s
    environments:
      local:
        cloud: local
        size: %(size)d
        machine: {cpus: 1, memory: 256M}
        load_balancer: {listen: "%(listen)s"}
        strategy: %(strategy)s
"""


@dataclass
class Quick:
    """One project with one service; what is set here is written into its phoenix.yaml by `write`."""

    shell: Shell
    listen: str
    strategy: str = BLUE_GREEN
    size: int = 1
    drain: str = "10s"
    healthy_after: str = "0s"
    orphan: str = "abort"
    greeting: str = "first"
    break_on: str = ""
    _releases: int = field(default=0, init=False)

    def write(self, **changes: Any) -> None:
        """Set these fields and write the service as it is now into phoenix.yaml."""
        for name, value in changes.items():
            assert hasattr(self, name), name
            setattr(self, name, value)
        file = self.shell.directory / "phoenix.yaml"
        before, _services, _old = file.read_text().partition("services:\n")
        file.write_text(before + _SERVICE % vars(self))

    def next_release(self, **changes: Any) -> None:
        """Another release than any before, with these changes."""
        self._releases += 1
        self.write(greeting=f"release-{self._releases}", **changes)

    def serve(self, **changes: Any) -> dict[str, Any]:
        """Nothing stands but a new group of a new release; its roll."""
        self.shell.run("down", "--yes", "--force")
        self.next_release(**{"strategy": BLUE_GREEN, "break_on": "", "drain": "10s", **changes})
        return self.shell.run("roll", "web-tier")

    @contextmanager
    def rolling(self, step: str) -> Iterator[subprocess.Popen[str]]:
        """A roll of the next release that has begun `step`; the process is ended whatever happens."""
        self.next_release()
        process = self.shell.start("roll", "web-tier")
        try:
            self.until_began(step)
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def steady(self, *, size: int = 1, **changes: Any) -> str:
        """One whole group serves and nothing else stands, made anew only where it is not so; its name.

        The next release has these changes, and else what `serve` has.
        """
        if not self._is_steady(size):
            self.serve(size=size)
        self.write(**{"strategy": BLUE_GREEN, "break_on": "", "drain": "10s", "size": size, **changes})
        return next(iter(self.shares()))

    def _is_steady(self, size: int) -> bool:
        standing = [(each.share, each.healthy, each.total) for each in self.route().backends]
        if standing != [(100, size, size)] or list(self.sizes().values()) != [size]:
            return False
        run = self.live()
        return run is None or run.state.ended

    def serving(self) -> str:
        """The greeting of the release that answers."""
        return get(self.address)[1].partition(" ")[0]

    @property
    def address(self) -> str:
        """Where clients reach the service."""
        return f"http://{self.listen}"

    @property
    def root(self) -> Path:
        """The directory that holds everything of the project's machines."""
        return self.shell.directory / ".phoenix" / "local"

    def groups(self) -> LocalGroups:
        """The groups, asked without a process of phoenix's own: a test may ask often."""
        spec = LocalCloud(name="local", machines=MachineEngine.LIGHT, root=self.root, images=self.root, mirror="")
        return LocalGroups("hello", spec)

    def traffic(self) -> LocalTraffic:
        """The balancer, likewise."""
        directory = self.root / "balancer" / "hello" / "web-tier-local"
        return LocalTraffic(directory=directory, listen=self.listen, health=Health(interval=1.0))

    def begun_again(self) -> int:
        """How many requests the balancer had to send once more, since it was started: to that machine or another."""
        told = Runtime(self.root / "balancer" / "hello" / "web-tier-local").tell("show stat")
        rows = [row for row in csv.DictReader(io.StringIO(told.removeprefix("# "))) if row["svname"] == "BACKEND"]
        return sum(int(row["wretr"]) + int(row["wredis"]) for row in rows)

    def sizes(self) -> dict[str, int]:
        """How many machines each group has."""
        return {group.name: len(group.instances) for group in self.groups().list()}

    def kill_machine(self, name: str) -> None:
        """The machine is gone as by a power cut."""
        group = names.group_of_instance(name)
        assert group is not None
        started = read_record(MachineFiles(root=self.root, group=group, name=name))
        assert started is not None, f"{name} does not run"
        os.kill(started.processes["machine"].pid, signal.SIGKILL)

    def route(self) -> Route:
        """What the balancer says."""
        return self.traffic().read()

    def backend(self, group: str) -> Backend:
        """What the balancer says of the group."""
        found = self.route().backend(group)
        assert found is not None, f"{group} is not attached"
        return found

    def shares(self) -> dict[str, int]:
        """The groups that get traffic, with their shares."""
        return {backend.group: backend.share for backend in self.route().backends if backend.share}

    def live(self) -> Run | None:
        """The going run (or one whose end was not moved to the history), as the state file has it now."""
        found = self._runs("key = ?", journal.live_key(SUBJECT))
        return found[0] if found else None

    def ended_runs(self) -> list[Run]:
        """Every run of the service that has ended, oldest first."""
        runs = [*self._runs("key LIKE ?", "runs/%"), *filter(None, [self.live()])]
        return sorted((run for run in runs if run.state.ended and run.subject == SUBJECT), key=lambda run: run.ended)

    def _runs(self, where: str, key: str) -> list[Run]:
        with closing(sqlite3.connect(f"file:{self.shell.directory}/.phoenix/state.db?mode=ro", uri=True)) as db:
            rows = db.execute(f"SELECT data FROM state WHERE {where}", (key,)).fetchall()
        return [journal.load(data) for (data,) in rows]

    def last_run(self) -> dict[str, Any]:
        """The newest run of the service, whole, as `phoenix run show` tells it."""
        run = self.shell.run("run", "list", "web-tier")["runs"][0]
        shown: dict[str, Any] = self.shell.run("run", "show", run["id"])["run"]
        return shown

    def until_began(self, step: str, part: Part = Part.STEPS) -> Run:
        """The going run, once it has begun the step."""
        return self.until(
            f"the step {step}",
            lambda run: any(e.what is What.INTENT and (e.part, e.step) == (part, step) for e in run.events),
        )

    def until(self, what: str, wanted: Any, *, deadline: float = 60.0) -> Run:
        """The going run, once `wanted(run)` is true of it."""
        found: list[Run] = []

        def look() -> Look:
            run = self.live()
            seen = json.dumps([f"{e.what} {e.step}" for e in run.events][-3:]) if run else "no run"
            if run is None or not wanted(run):
                return Look(verdict=Verdict.UNKNOWN, seen=seen)
            found.append(run)
            return Look(verdict=Verdict.PASS, seen=seen)

        wait_for(what, look, clock=CLOCK, deadline=deadline, interval=0.02)
        return found[0]


def prepare(shell: Shell, deb: Path) -> Quick:
    """Make the project roll quickly: the steered app, `deb`, published and in its image, then rolled by nothing yet."""
    shell.run("publish", str(deb))
    baked = shell.run("bake", "immutable", "hello")
    assert baked["baked"] == 0, "the run has baked it once for all"
    quick = Quick(shell=shell, listen=f"127.0.0.1:{free_port()}")
    quick.write()
    return quick
