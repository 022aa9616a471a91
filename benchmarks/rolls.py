"""How long a roll takes beside one machine booted by hand, and how soon a rollback and a rescue have traffic back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import BIN, Workplace
from benchmarks.measure import FailedError, Side, run, say, take_turns
from benchmarks.report import IMPORTS, Figure, imports
from phoenix.clock import SystemClock
from phoenix.clouds.local.group_files import GroupFiles, GroupRecord
from phoenix.clouds.local.image_files import ImageFiles
from phoenix.clouds.local.machines import lifecycle as machines
from phoenix.clouds.local.machines.machine_files import MachineFiles, MachineSpec
from phoenix.execute.probe import probe
from phoenix.model import LocalMachine
from phoenix.tools.haproxy_socket import Runtime
from phoenix.wait import wait_for

ROLLS, ROLLBACKS, KILLS = 3, 7, 5
"""Rounds of each figure."""
PHOENIX = BIN / "phoenix"
FIRST = "web-tier-local-v001"
BALANCER = Path(".phoenix/local/balancer/hello/web-tier-local")


@dataclass
class Service:
    """The hello service of the bench's project, on QEMU machines, rolled again and again by another setting."""

    place: Workplace
    releases: int = field(default=0, init=False)

    def prepare(self) -> None:
        """Publish the app and roll it the first time."""
        project = self.place.project
        run("make", "-C", str(project / "hello"), "deb", "VERSION=1.0.0")
        self.place.phoenix("publish", str(project / "hello" / "hello_1.0.0_all.deb"))
        self._write("local: {kind: local}", "local: {kind: local, machines: qemu}")
        self.place.phoenix("bake", "foundation", "nodejs", "--verify", "qemu")  # a light machine proves no whole one
        self.place.phoenix("roll", "web-tier")

    def next_release(self) -> None:
        """Another release of the same image and package: another greeting."""
        self.releases += 1
        before = "Hello" if self.releases == 1 else f"Hello {self.releases - 1}"
        self._write(f"GREETING: {before}", f"GREETING: Hello {self.releases}")

    def burn_former(self) -> None:
        """End the group that is kept, so that its machines take nothing from the next round."""
        for group in self.groups():
            if not group["share"]:
                self.place.phoenix("group", "delete", group["name"], "--yes")

    def record(self, group: str) -> GroupRecord:
        """How that group's machines were started."""
        found = GroupFiles(self.place.project / ".phoenix/local").read(group)
        assert found is not None, f"{group} stands"
        return found

    def groups(self) -> list[dict[str, Any]]:
        """The groups that stand, as `phoenix group list` tells."""
        text = run(
            str(Path(sys.executable).parent / "phoenix"), "-C", str(self.place.project), "group", "list", "--json"
        )
        groups: list[dict[str, Any]] = json.loads(text)["groups"]
        return groups

    def _write(self, old: str, new: str) -> None:
        file = self.place.project / "phoenix.yaml"
        text = file.read_text()
        if old not in text:
            raise FailedError(f"{file} has no '{old}'")
        file.write_text(text.replace(old, new))


@contextmanager
def service(place: Workplace) -> Iterator[Service]:
    """The service, rolled once; stopped at the end."""
    made = Service(place=place)
    try:
        made.prepare()
        yield made
    finally:
        place.phoenix("down", "--yes", "--force")


def roll(made: Service) -> Figure:
    """A roll of two machines, whole process, its drain left to later; beside one machine booted by hand."""
    template = made.record(FIRST).template
    assert isinstance(template.machine, LocalMachine)
    spec = MachineSpec(
        image=ImageFiles(directory=made.place.project / ".phoenix/local/images" / template.image),
        machine=template.machine,
        port=template.port,
        user_data=template.user_data,
    )
    files = MachineFiles(root=made.place.scratch / "by-hand", group="by-hand-v001", name="by-hand-v001-1")
    clock, health = SystemClock(), template.health
    engine = made.record(FIRST).engine

    def by_hand() -> None:
        started = machines.start(spec, files, engine)
        address = f"http://127.0.0.1:{started.port}{health.path}"
        wait_for(
            "the machine",
            lambda: probe(address, clock=clock, status=health.status),
            clock=clock,
            deadline=health.deadline,
            interval=health.interval,
            in_a_row=3,
            steady=health.healthy_after,
        )

    def rolled() -> None:
        made.place.phoenix("roll", "web-tier")

    rolls: list[float] = []
    hands: list[float] = []
    for _round in range(ROLLS):
        made.next_release()
        rolls += take_turns(1, {"phoenix roll of 2": rolled})["phoenix roll of 2"].seconds
        made.burn_former()
        hands += take_turns(1, {"one machine by hand": by_hand})["one machine by hand"].seconds
        machines.remove(files)
    return Figure(
        name="roll of 2 machines (QEMU)",
        phoenix=Side(seconds=tuple(rolls)),
        beside="one machine booted by hand",
        other=Side(seconds=tuple(hands)),
        must=1.6,
        aim=1.3,
        note="the whole command, until the balancer shows the traffic on the new group and a request is answered; the "
        "former group still runs beside it. By hand: the same image, boot work and health rule, no balancer.",
    )


def rollback(made: Service) -> Figure:
    """From the start of `phoenix rollback` until HAProxy has the former group's shares."""
    runtime = Runtime(made.place.project / BALANCER)
    made.next_release()
    made.place.phoenix("roll", "web-tier")
    seconds: list[float] = []
    bare: list[float] = []
    for _round in range(ROLLBACKS):
        bare += take_turns(1, {"import typer, rich": imports})["import typer, rich"].seconds
        shares = runtime.shares()
        began = time.perf_counter()
        process = _started(made, "rollback", "web-tier", "--to", _other(made))
        while runtime.shares() == shares and process.poll() is None:
            time.sleep(0.002)
        seconds.append(time.perf_counter() - began)
        if process.wait() != 0:
            raise FailedError(f"phoenix rollback failed (exit {process.returncode})")

    return Figure(
        name="rollback within keep, until the write is accepted",
        phoenix=Side(seconds=tuple(seconds)),
        beside=IMPORTS,
        other=Side(seconds=tuple(bare)),
        must=6.0,
        aim=4.0,
        note="from the start of the process on, so the reading of the project is part of it.",
    )


def rescue(made: Service) -> Figure:
    """From `kill -9` of a roll until `phoenix tend` has put everything back; another process, the same machine."""
    seconds = []
    for number in range(KILLS):
        made.next_release()
        process = _started(made, "roll", "web-tier")
        time.sleep(3.0 + 2.0 * number)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        began = time.perf_counter()
        made.place.phoenix("tend")
        seconds.append(time.perf_counter() - began)
        say(f"kill {number + 1} of {KILLS}: put back in {seconds[-1]:.1f} s")
        made.burn_former()
    bare = take_turns(KILLS, {"tend": lambda: made.place.phoenix("tend")})["tend"]
    return Figure(
        name="kill -9 of a roll, until `tend` has put it back",
        phoenix=Side(seconds=tuple(seconds)),
        beside="`phoenix tend` with nothing to do",
        other=bare,
        must=10.0,
        aim=5.0,
        note="on the machine where it died. From another one 30 s are added: the lease is watched.",
    )


def _other(made: Service) -> str:
    """The group without traffic."""
    return str(next(group["name"] for group in made.groups() if not group["share"]))


def _started(made: Service, *arguments: str) -> subprocess.Popen[bytes]:
    argv = [str(PHOENIX), "-C", str(made.place.project), *arguments, "--json"]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
