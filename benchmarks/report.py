"""What was measured, as a page: docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import FailedError, Side, run
from benchmarks.record import StepCost
from phoenix import __version__


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What a figure must reach: a ratio to the other side, a time in seconds, or either of them."""

    ratio: float = 0.0
    seconds: float = 0.0

    def kept(self, figure: Figure) -> bool:
        """Whether the figure reaches it."""
        return figure.ratio <= self.ratio or figure.phoenix.median <= self.seconds

    def __str__(self) -> str:
        return " or ".join(f"{value:g} {unit}" for value, unit in ((self.ratio, "x"), (self.seconds, "s")) if value)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One row: what phoenix took, what stood beside it, and what was promised."""

    name: str
    phoenix: Side
    beside: str
    """What the other side is."""
    other: Side
    must: Promise
    aim: Promise
    note: str = ""

    @property
    def ratio(self) -> float:
        """phoenix's time over the other side's."""
        return self.phoenix.median / self.other.median

    @property
    def reached(self) -> str:
        """Which of the two promises holds."""
        return "aim" if self.aim.kept(self) else "must" if self.must.kept(self) else "**none**"

    def row(self) -> str:
        """The figure as a row of the page's table."""
        cells = (
            self.name,
            f"{self.phoenix.median:.2f} s ({self.phoenix.spread})",
            self.beside,
            f"{self.other.median:.2f} s ({self.other.spread})",
            f"{self.ratio:.2f}",
            str(self.must),
            str(self.aim),
            self.reached,
        )
        return f"| {' | '.join(cells)} |"


def page(figures: Sequence[Figure], steps: Mapping[str, StepCost], accelerator: str) -> str:
    """The whole page."""
    rounds = "; ".join(f"{figure.name}: {len(figure.phoenix.seconds)} rounds" for figure in figures)
    notes = "".join(f"- **{figure.name}.** {figure.note}\n" for figure in figures if figure.note)
    costs = "; ".join(f"{c.seconds * 1000:.1f} ms and {c.writes:.1f} writes on {place}" for place, c in steps.items())
    rows = "\n".join(figure.row() for figure in figures)
    return f"""# Benchmarks

Made by `make bench`; do not edit. Both sides of a ratio run on one machine in one session and take turns. Times are
medians (fastest - slowest). Another machine gives other seconds, and much the same ratios.

| figure | phoenix | beside it | takes | ratio | must | aim | reached |
|---|---|---|---|---|---|---|---|
{rows}

{notes}- {rounds}.
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
