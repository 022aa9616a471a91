"""What was measured, as a page: docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import FailedError, Side, run
from benchmarks.record import StepCost
from phoenix import __version__

IMPORTS = '`python -c "import typer, rich"`'
"""What the start of a command is measured by: the least that a program with such a command line takes."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One row: what phoenix took, what stood beside it, and the ratios that were promised. Seconds are only shown."""

    name: str
    phoenix: Side
    beside: str
    """What the other side is."""
    other: Side
    must: float
    aim: float
    note: str = ""
    unit: str = "s"
    """Of both sides: seconds, unless calls are counted."""

    @property
    def ratio(self) -> float:
        """phoenix's time over the other side's."""
        return self.phoenix.median / self.other.median

    @property
    def reached(self) -> str:
        """Which of the two promises holds."""
        return "aim" if self.ratio <= self.aim else "must" if self.ratio <= self.must else "**missed**"

    @property
    def missed(self) -> str:
        """What is to be told of a promise that does not hold: the ratio, and on which machine; else empty."""
        if self.ratio <= self.must:
            return ""
        return f"{self.name}: ratio {self.ratio:.2f} instead of at most {self.must:g}, on {machine()}"

    def row(self) -> str:
        """The figure as a row of the page's table."""
        cells = (
            self.name,
            f"{self.phoenix.median:.2f} {self.unit} ({self.phoenix.spread})",
            self.beside,
            f"{self.other.median:.2f} {self.unit} ({self.other.spread})",
            f"**{self.ratio:.2f}**",
            f"{self.must:g}",
            f"{self.aim:g}",
            self.reached,
        )
        return f"| {' | '.join(cells)} |"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One row of what has no other side: it was promised as such, and is counted, or far enough from its limit."""

    name: str
    seen: tuple[float, ...]
    """Every round."""
    unit: str
    must: float
    aim: float
    note: str = ""

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seen)

    @property
    def reached(self) -> str:
        """Which of the two promises holds."""
        return "aim" if self.median <= self.aim else "must" if self.median <= self.must else "**missed**"

    @property
    def missed(self) -> str:
        """What is to be told of a promise that does not hold; else empty."""
        if self.median <= self.must:
            return ""
        return f"{self.name}: {self.median:.2f} {self.unit} instead of at most {self.must:g}, on {machine()}"

    def row(self) -> str:
        """The limit as a row of the page's second table."""
        spread = f"{min(self.seen):.2f} - {max(self.seen):.2f}"
        cells = (
            self.name,
            f"**{self.median:.2f}** {self.unit} ({spread})",
            f"{self.must:g}",
            f"{self.aim:g}",
            self.reached,
        )
        return f"| {' | '.join(cells)} |"


def imports() -> None:
    """Start Python with what every command line of this kind imports."""
    run(sys.executable, "-c", "import typer, rich")


def machine() -> str:
    """This machine in a few words: its processors, and how busy they were in the last minute."""
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return f"{os.cpu_count()} x {_field('/proc/cpuinfo', 'model name')} with {load:.1f} programs at work on each"


def page(figures: Sequence[Figure], limits: Sequence[Limit], steps: Mapping[str, StepCost], accelerator: str) -> str:
    """The whole page."""
    rounds = "; ".join(f"{figure.name}: {len(figure.phoenix.seconds)} rounds" for figure in figures)
    every: tuple[Figure | Limit, ...] = (*figures, *limits)
    notes = "".join(f"- **{each.name}.** {each.note}\n" for each in every if each.note)
    missed = "".join(f"- **Missed:** {each.missed}.\n" for each in every if each.missed)
    costs = "; ".join(f"{c.seconds * 1000:.1f} ms and {c.writes:.1f} writes on {place}" for place, c in steps.items())
    rows = "\n".join(figure.row() for figure in figures)
    more = "\n".join(limit.row() for limit in limits)
    return f"""# Benchmarks

Made by `make bench`; do not edit. **Judged are ratios alone**: both sides run on one machine in one session and take
turns. Times are medians (fastest - slowest) and are only shown: another machine gives other seconds, and much the same
ratios. A ratio that is missed is named with its machine; it fails no run.

| figure | phoenix | beside it | takes | ratio | must | aim | reached |
|---|---|---|---|---|---|---|---|
{rows}

What has no other side is judged by itself: calls and memory are much the same on every machine; seconds are not, and
have to hold on a slow one.

| figure | phoenix | must | aim | reached |
|---|---|---|---|---|
{more}

{missed}{notes}- {rounds}.
- **A step of a plan** costs, whatever it does, in the record: {costs}.

## The machine

{_machine(accelerator)}
"""


def _machine(accelerator: str) -> str:
    cpu = _field("/proc/cpuinfo", "model name")
    memory = int(_field("/proc/meminfo", "MemTotal").split()[0]) / 1024**2
    virtual = "KVM" if accelerator == "kvm" else "emulated (TCG): KVM is not there or does not work"
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    facts = (
        f"measured {datetime.now(UTC):%Y-%m-%d}, phoenix {__version__}, Python {platform.python_version()}",
        f"{os.cpu_count()} processors ({cpu}), {memory:.0f} GiB of memory, {system}, Linux {platform.release()}",
        f"QEMU machines: {virtual}",
        ", ".join(_version(*argv) for argv in (("qemu-system-x86_64", "--version"), ("packer", "--version"))),
    )
    return "\n".join(f"- {fact}" for fact in facts)


def _field(file: str, name: str) -> str:
    lines = Path(file).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "unknown")


def _version(program: str, option: str) -> str:
    try:
        first = run(program, option).splitlines()[0]
    except (OSError, FailedError):
        return f"no {program}"
    return first if program.split("-", maxsplit=1)[0] in first.lower() else f"{program} {first}"
