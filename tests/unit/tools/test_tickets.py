"""The queue of processes: first come, first served; the dead wait for nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.tools import tickets
from phoenix.tools.aptly_root import Root, locked
from phoenix.wait import DeadlineError

WAITER = """
import sys
from pathlib import Path
from phoenix.tools import tickets
tickets.take(Path(sys.argv[1]))
print("waiting", flush=True)
sys.stdin.read()
"""


def waiter(queue: Path) -> subprocess.Popen[str]:
    """Another process with a ticket."""
    argv = [sys.executable, "-c", WAITER, str(queue)]
    started = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "waiting\n"
    return started


def end(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)


def test_who_came_first_is_first_and_who_came_later_does_not_count(tmp_path: Path) -> None:
    queue = tmp_path / "queue"
    first, second, third = (tickets.take(queue) for _each in range(3))
    assert [tickets.before(queue, each) for each in (first, second, third)] == [0, 1, 2]
    tickets.give_back(first)
    assert [tickets.before(queue, each) for each in (second, third)] == [0, 1]
    tickets.give_back(third)
    assert tickets.before(queue, second) == 0
    tickets.give_back(second)


def test_a_killed_process_keeps_nobody_waiting(tmp_path: Path) -> None:
    queue = tmp_path / "queue"
    dead, alive = waiter(queue), waiter(queue)
    mine = tickets.take(queue)
    try:
        assert tickets.before(queue, mine) == 2
        end(dead)
        assert tickets.before(queue, mine) == 1
    finally:
        end(alive)
    assert tickets.before(queue, mine) == 0
    assert [file.name for file in queue.iterdir() if file.name.isdigit()] == [str(mine.number)]
    tickets.give_back(mine)


def test_a_deadline_that_passes_under_the_lock_is_not_taken_for_a_busy_repository(tmp_path: Path) -> None:
    with pytest.raises(DeadlineError, match="something else"):
        with locked(Root(path=tmp_path), "write", holder="me", clock=SystemClock(), deadline=1, say=print):
            raise DeadlineError("something else")
    with locked(Root(path=tmp_path), "write", holder="me", clock=SystemClock(), deadline=1, say=print):
        assert (tmp_path / "write.holder").read_text() == "me"
