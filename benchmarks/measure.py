"""Taking the time: sides that take turns, medians of what they took."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class FailedError(Exception):
    """A program that is measured failed, so there is nothing to measure."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """How long one side took, in seconds: every round, in the order they were run."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one: a hiccup of the machine does not move it."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> str:
        """The fastest and the slowest round, for whoever wonders how steady it was."""
        return f"{min(self.seconds):.2f} - {max(self.seconds):.2f}"


def take_turns(rounds: int, sides: Mapping[str, Callable[[], object]]) -> dict[str, Side]:
    """Run every side once per round, one after the other."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        for name, action in sides.items():
            began = time.perf_counter()
            action()
            taken[name].append(time.perf_counter() - began)
            if taken[name][-1] > 1:
                say(f"round {number + 1} of {rounds}: {name} took {taken[name][-1]:.1f} s")
    return {name: Side(seconds=tuple(seconds)) for name, seconds in taken.items()}


def run(*argv: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run a program to its end; what it printed on stdout. Raises FailedError with its last words."""
    done = subprocess.run(
        argv, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        words = f"{done.stdout}\n{done.stderr}".strip().splitlines()[-20:]
        raise FailedError(f"{' '.join(argv)} failed (exit {done.returncode})\n" + "\n".join(words))
    return done.stdout


@contextmanager
def variables(wanted: Mapping[str, str]) -> Iterator[None]:
    """The environment of this process and its children with these."""
    before = dict(os.environ)
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def say(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()
