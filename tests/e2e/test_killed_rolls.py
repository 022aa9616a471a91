"""Rolls that are killed -9 at any moment, and ended by whoever comes next, while requests go on.

Three projects, one per strategy, are at it side by side. Every day at one step of each kind; in full at moments that
are drawn from the seed of the day, which is printed with a failure: PHOENIX_TEST_SEED takes it up again.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import pytest

from phoenix.demo.load import running
from phoenix.record.journal import Part, Run, RunState, What
from phoenix.wait import Look, Verdict, wait_for
from tests.conftest import NewProject
from tests.support.real import quick
from tests.support.real.machines import left_of
from tests.support.real.quick import CLOCK, Quick
from tests.support.real.shared import SEED, seed_of_run
from tests.support.real.shell import Shell

STRATEGIES = {
    "blue-green": ("{kind: blue-green, keep: 0s}", 1, "abort"),
    "rolling": ("{kind: rolling, step: 1}", 2, "resume"),
    "canary": ("{kind: canary, steps: [50, 100], soak: 0s, keep: 0s}", 1, "abort"),
}
"""Strategy, machines, and what `tend` does with a run whose process died."""
RESCUERS = ("tend", "resume", "abort")
ONE_OF_EACH_KIND = {
    "blue-green": ("create-candidate", "shift", "keep-former", "burn-former"),
    "rolling": ("measure", "shrink-50", "healthy-100", "shift-100"),
    "canary": ("candidate-healthy", "grow-50", "shift-50", "drain-former"),
}
"""Steps at which rolls are killed every day: each action that a roll consists of is among them."""


@pytest.fixture(scope="module")
def quicks(
    project_with_images: Shell, new_project: NewProject, steered: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Quick]]:
    """A project per strategy, each with nothing but one group that serves."""
    assert project_with_images.directory.is_dir(), "it has baked the images that these share"
    made = {name: quick.prepare(new_project(tmp_path_factory.mktemp(name) / "hello"), steered) for name in STRATEGIES}
    yield made
    for each in made.values():
        each.shell.run("down", "--yes", "--force")


class Torment:
    """Kills rolls of one project and has each ended by another command."""

    def __init__(self, name: str, project: Quick, seed: int) -> None:
        self.quick = project
        strategy, size, orphan = STRATEGIES[name]
        project.serve(size=size, strategy=strategy, orphan=orphan, drain="1s")
        self.random = random.Random(f"{seed} {name}")
        self.length, self.steps = self._measure()
        self.told: list[str] = []

    def kill(self, rescuer: str, step: str | None) -> None:
        """One roll, killed at that step or at a moment, ended by `rescuer`; and what must be true then."""
        former, known = self._killed_roll(step)
        run = self.quick.live()
        self.told.append(f"{rescuer} after {_where(run)}")
        ended = run is None or run.state.ended
        refused = rescuer != "tend" and (ended or (rescuer == "abort" and run and run.state is RunState.COMMITTED))
        self.quick.shell.run(*self._command(rescuer), code=3 if refused else 0)
        self._check(former, known)
        before = self._world()
        again = self.quick.shell.run(*self._command(rescuer), code=0 if rescuer == "tend" else 3)
        assert rescuer != "tend" or again["did"] == [], again
        assert self._world() == before

    def _killed_roll(self, step: str | None) -> tuple[str, int]:
        """A roll was killed before it had ended by itself: what served before, and how many runs had ended.

        Where no step is given, at a moment of its time, and every other one at one of its steps: most of the time is
        spent in few of them.
        """
        choice = [each for each in self.steps if step in (None, each[1])]
        assert choice, f"{step} is none of {self.steps}"
        while True:
            former, known = self.quick.greeting, len(self.quick.ended_runs())
            self.quick.next_release()
            process = self.quick.shell.start("roll", "web-tier")
            if step or len(self.told) % 2:
                self._await_step(process, *self.random.choice(choice))
                moment = 0.0 if step else self.random.uniform(0.0, 0.1)
            else:
                moment = self.random.uniform(0.0, self.length)
            try:
                process.communicate(timeout=moment)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                return former, known
            assert process.returncode == 0, "it was faster than the one that was measured"

    def _await_step(self, process: subprocess.Popen[str], part: Part, step: str) -> None:
        """Wait until the roll has begun the step, or has ended before that was seen."""

        def look() -> Look:
            run = self.quick.live()
            begun = run is not None and any((e.part, e.step) == (part, step) for e in run.events)
            ended = process.poll() is not None
            return Look(verdict=Verdict.PASS if begun or ended else Verdict.UNKNOWN, seen=_where(run))

        wait_for(f"the step {step}", look, clock=CLOCK, deadline=60, interval=0.005)

    def _measure(self) -> tuple[float, list[tuple[Part, str]]]:
        """Seconds that a roll takes from its first to its last moment, and its steps."""
        self.quick.next_release()
        began = CLOCK.monotonic()
        self.quick.shell.run("roll", "web-tier")
        seconds = CLOCK.monotonic() - began
        events = self.quick.ended_runs()[-1].events
        return seconds, [(e.part, e.step) for e in events if e.what is What.INTENT and e.part]

    def _command(self, rescuer: str) -> tuple[str, ...]:
        return (rescuer,) if rescuer == "tend" else (rescuer, "web-tier")

    def _world(self) -> tuple[object, ...]:
        return self.quick.sizes(), self.quick.shares(), sorted(left_of(self.quick.root))

    def _check(self, former: str, known: int) -> None:
        """The run is done or undone, one whole group serves what it should, and nothing else is left."""
        run = self.quick.live()
        assert run is None or run.state.ended, run
        size = self.quick.size
        (backend,) = self.quick.route().backends
        assert (backend.share, backend.healthy, backend.total) == (100, size, size), backend
        assert self.quick.sizes() == {backend.group: size}
        assert [line for line in left_of(self.quick.root) if backend.group not in line] == []
        serves = self.quick.serving()
        begun = self.quick.ended_runs()[known:]
        assert len(begun) <= 1, begun
        wanted = self.quick.greeting if begun and begun[0].state is RunState.DONE else former
        assert serves == wanted, begun
        assert all(each.state in (RunState.DONE, RunState.UNDONE) for each in begun)
        self.quick.greeting = serves


def _where(run: Run | None) -> str:
    """Where a run was when it was killed."""
    if run is None:
        return "nothing was begun or all was done"
    begun = [event for event in run.events if event.what is What.INTENT]
    return f"{run.state} {begun[-1].part} {begun[-1].step}" if begun else f"{run.state}, no step begun"


def torment(quicks: dict[str, Quick], steps: Mapping[str, Sequence[str | None]], directory: Path, seed: int) -> None:
    """Kill a roll of each project at each of its steps, None for any moment; the three projects side by side."""
    torments: dict[str, Torment] = {}

    def work(number: int, name: str) -> None:
        rescuers = cycle(RESCUERS[number:] + RESCUERS[:number])
        torments[name] = Torment(name, quicks[name], seed)
        with running(quicks[name].address, rate=20, out=directory / f"{name}.json", clock=CLOCK) as load:
            for step in steps[name]:
                torments[name].kill(next(rescuers), step)
            summary = load.finish()
        assert summary.failed == 0, summary.failures[:5]
        assert summary.answered > 20 * len(steps[name])

    print(f"{SEED}={seed}")
    try:
        with ThreadPoolExecutor(len(quicks)) as pool:
            for done in [pool.submit(work, number, name) for number, name in enumerate(quicks)]:
                done.result()
    finally:
        for name, each in torments.items():
            print(f"{name}, {each.length:.1f} s a roll: " + "; ".join(each.told))


def test_a_kill_at_each_kind_of_step(quicks: dict[str, Quick], tmp_path: Path) -> None:
    torment(quicks, ONE_OF_EACH_KIND, tmp_path, seed=1)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_forty_kills_at_any_moment(quicks: dict[str, Quick], tmp_path: Path) -> None:
    kills = dict(zip(STRATEGIES, ([None] * 14, [None] * 13, [None] * 13), strict=True))
    torment(quicks, kills, tmp_path, seed_of_run())
