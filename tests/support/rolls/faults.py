"""The ways in which each use of a store or a cloud goes wrong: the process dies of it, or an answer is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import ceil

from tests.support.fakes.doubles import Killed
from tests.support.rolls.plays import Play, act, again, judge
from tests.support.rolls.stage import Stage

Arm = Callable[[Stage, int], None]
Count = Callable[[Stage], int]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A way in which the N-th use of a port goes wrong (N from 1), and how often the port was used so far."""

    name: str
    arm: Arm
    used: Count

    def __str__(self) -> str:
        return self.name


def _cloud(attribute: str) -> Arm:
    counter = "reads" if attribute.endswith("read") else "calls"
    return lambda stage, at: setattr(stage.cloud, attribute, getattr(stage.cloud, counter) + at)


def _kill_before_write(stage: Stage, at: int) -> None:
    stage.store.kill_before = stage.store.writes + at - 1


def _kill_after_write(stage: Stage, at: int) -> None:
    stage.store.kill_after = stage.store.writes + at


KILLS = [
    Fault(name="before-write", arm=_kill_before_write, used=lambda stage: stage.store.writes),
    Fault(name="after-write", arm=_kill_after_write, used=lambda stage: stage.store.writes),
    Fault(name="before-call", arm=_cloud("kill_before_call"), used=lambda stage: stage.cloud.calls),
    Fault(name="after-call", arm=_cloud("kill_after_call"), used=lambda stage: stage.cloud.calls),
    Fault(name="within-call", arm=_cloud("kill_within_call"), used=lambda stage: stage.cloud.calls),
    Fault(name="before-read", arm=_cloud("kill_before_read"), used=lambda stage: stage.cloud.reads),
]
LOST = [
    Fault(name="call-lost", arm=_cloud("fail_before_call"), used=lambda stage: stage.cloud.calls),
    Fault(name="answer-lost", arm=_cloud("fail_after_call"), used=lambda stage: stage.cloud.calls),
    Fault(name="read-lost", arm=_cloud("fail_read"), used=lambda stage: stage.cloud.reads),
]


def disarm(stage: Stage) -> None:
    """Nothing goes wrong from now on."""
    store, cloud = stage.store, stage.cloud
    store.kill_before = store.kill_after = None
    judge(stage).kill_within_call = None
    cloud.kill_before_call = cloud.kill_after_call = cloud.kill_before_read = None
    cloud.fail_before_call = cloud.fail_after_call = cloud.fail_read = None


def killed(stage: Stage, doing: Callable[[], object]) -> bool:
    """Whether the process died of it."""
    try:
        doing()
    except Killed:
        return True
    finally:
        disarm(stage)
    return False


def points(start: Stage, play: Play, fault: Fault, most: int) -> Iterator[tuple[int, str]]:
    """Every point at which the play can be hit, with its name; of reads `most` at most, evenly: waits are alike."""
    there = uses(start, fault, partial(act, play=play))
    assert there > 0
    step = ceil(there / most) if fault.name.startswith(("before-read", "read")) else 1
    return ((at, f"point {at} of {there}") for at in range(1, there + 1, step))


def uses(start: Stage, fault: Fault, doing: Callable[[Stage], object]) -> int:
    """How often the fault's port is used when nothing goes wrong."""
    stage = again(start)
    used = fault.used(stage)
    doing(stage)
    return fault.used(stage) - used
