"""The demo, phase by phase. It runs phoenix's own commands as programs, so it proves what people will run."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phoenix.clock import SystemClock
from phoenix.demo.load import running
from phoenix.demo.load_summary import Summary
from phoenix.errors import PhoenixError, SpecError, ToolError
from phoenix.spec.clouds import MachineEngine
from phoenix.tell import Level, Teller, Told
from phoenix.tools.process import Command, run

SERVICE = "web-tier"
RATES = {"light": 200, "light-open": 200, "qemu-kvm": 200, "qemu-tcg": 20}
"""Requests per second that flow while the service is reborn, by machine engine."""
WAY_BACK = 180.0
"""Seconds that an interrupted phase has to undo what it began."""
PATIENCE = 3600.0
"""Seconds a phase may take: the first bake on an emulated machine with a slow mirror is within it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """A part of the demo and the seconds that it took."""

    name: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoResult:
    """What the demo proved. `latency` in seconds; `serves`: the group that serves at its end."""

    requests: dict[str, int]
    phases: tuple[Phase, ...]
    groups: tuple[str, ...]
    images: tuple[str, ...]
    engine: str
    answers: dict[str, int]
    latency: dict[str, float]
    serves: str


def refuse_unknown_engine(machines: str) -> None:
    """SpecError for what is no machine engine of the local cloud."""
    if machines not in list(MachineEngine):
        raise SpecError(
            f"--machines {machines} is no machine engine",
            details=f"accepted: {', '.join(MachineEngine)}",
            resolution="Name one of these.",
        )


@dataclass
class Rehearsal:
    """One demo in one directory. Phases are recorded as they end."""

    directory: Path
    machines: str
    """What runs the service's machines, as `clouds.local.machines` takes it."""
    tell: Teller
    phases: list[Phase] = field(default_factory=list)

    def play(self) -> DemoResult:
        """Go the whole way; what it proved. Raises ToolError where a phase failed."""
        with self._phase("a project"):
            file = self.directory / "phoenix.yaml"
            if not file.exists():
                self._phoenix("init", str(self.directory), project=False)
            engine = f"local: {{kind: local, machines: {self.machines}}}"
            file.write_text(re.sub(r"local: \{kind: local[^}]*\}", engine, file.read_text()))
            self._phoenix("validate")
        images = self._bake()
        with self._phase("publish hello 1.0.0"):
            self._publish("1.0.0")
        with self._phase("start the service with 1.0.0"):
            self._phoenix("roll", SERVICE, "--package", "hello=1.0.0", "--why", "demo: the first release")
        engine, address = self._service()
        with self._phase("publish hello 2.0.0"):
            self._publish("2.0.0")
        summary = self._rebirth(address, RATES.get(engine, 20))
        return self._report(images, engine, summary)

    def down(self) -> None:
        """Stop whatever the demo started."""
        if (self.directory / "phoenix.yaml").exists():
            self._phoenix("down", "--yes", "--force")

    def _bake(self) -> list[str]:
        images = []
        for kind, name, title in (
            ("os", "debian-12", "bake the OS image os/debian-12"),
            ("foundation", "nodejs", "bake the foundation image foundation/nodejs"),
        ):
            with self._phase(title):
                baked = self._phoenix("bake", kind, name)
                images += [layer["ref"] for layer in baked["layers"] if layer["ref"] not in images]
        return images

    def _publish(self, version: str) -> None:
        hello = self.directory / "hello"
        command = Command(argv=("make", "deb", f"VERSION={version}"), cwd=hello)
        run(command, timeout=60, on_line=self._detail)
        self._phoenix("publish", str(hello / f"hello_{version}_all.deb"))

    def _service(self) -> tuple[str, str]:
        """The engine of the machines that serve, and the address clients reach them at."""
        service = self._phoenix("status", SERVICE)["services"][0]
        serving = next(group for group in service["groups"] if group["name"] == service["stable"])
        return serving["instances"][0]["engine"], service["address"]

    def _rebirth(self, address: str, rate: int) -> Summary:
        """Roll to 2.0.0, back and forth again, while clients never stop asking; then burn the former group."""
        out = self.directory / ".phoenix" / "demo-load.json"
        with running(address, rate=rate, out=out, clock=SystemClock()) as load:
            with self._phase(f"reborn as 2.0.0 under {rate} requests/s"):
                reborn = self._phoenix("roll", SERVICE, "--package", "hello=2.0.0", "--why", "demo: the second release")
            with self._phase("rolled back to 1.0.0 while it is kept"):
                self._phoenix("rollback", SERVICE, "--why", "demo: back to the former group")
            with self._phase("and forth to 2.0.0 again"):
                self._phoenix("rollback", SERVICE, "--to", reborn["group"], "--why", "demo: forth again")
            with self._phase(f"drain and burn {reborn['former']}"):
                self._phoenix("group", "delete", reborn["former"], "--yes")
            return load.finish()

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self._say(f"=== {name}")
        began = time.monotonic()
        yield
        self.phases.append(Phase(name=name, seconds=round(time.monotonic() - began, 1)))

    def _say(self, text: str) -> None:
        self.tell(Told(level=Level.SAY, text=text))

    def _detail(self, text: str) -> None:
        self.tell(Told(level=Level.DETAIL, text=text))

    def _phoenix(self, *arguments: str, project: bool = True) -> dict[str, Any]:
        """Run a phoenix command; its JSON result. Its own words pass through as they come."""
        where = ("-C", str(self.directory)) if project else ()
        command = Command(argv=(sys.executable, "-m", "phoenix", *where, *arguments, "--json"))
        done = run(command, timeout=PATIENCE, on_line=self._pass_on, check=False, grace=WAY_BACK)
        try:
            result: dict[str, Any] = json.loads(done.stdout)
        except ValueError as error:
            raise ToolError(
                f"phoenix {arguments[0]} gave no result", details=done.tail, resolution="This is a bug in phoenix."
            ) from error
        if done.code != 0:
            failure = result["error"]
            raise _failed(arguments, failure)
        return result

    def _pass_on(self, line: str) -> None:
        if not line.startswith("{"):
            self._say(line.partition("Z ")[2] or line)

    def _report(self, images: list[str], engine: str, summary: Summary) -> DemoResult:
        if summary.sent == 0 or summary.failed:
            first = "; ".join(f"{f.reason} at {f.second:g} s" for f in summary.failures[:3]) or "no request was sent"
            raise ToolError(
                f"{summary.failed} of {summary.sent} requests failed while the service was reborn",
                details=first,
                resolution="None should. Look with `phoenix run list` and at the load's summary in .phoenix.",
            )
        service = self._phoenix("status", SERVICE)["services"][0]
        return DemoResult(
            requests={"sent": summary.sent, "failed": summary.failed},
            phases=tuple(self.phases),
            groups=tuple(group["name"] for group in service["groups"]),
            images=tuple(images),
            engine=engine,
            answers=dict(summary.answers),
            latency={"p50": summary.p50, "p99": summary.p99, "max": summary.max},
            serves=service["stable"],
        )


def _failed(arguments: tuple[str, ...], failure: dict[str, Any]) -> PhoenixError:
    return ToolError(
        f"phoenix {' '.join(arguments)} failed: {failure['brief']}",
        details=failure["details"],
        resolution=failure["resolution"],
    )
