"""A process that owns a run, as an agent's phoenix does: `python -m tests.support.real.agent STATE SUBJECT LEASE`.

STATE is a SQLite file or a bucket's address. It prints the run's id, then keeps its lease until it is asked to abort
(it ends the run as undone) or until its standard input ends (then it ends it as done). It exits as phoenix does.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.errors import PhoenixError
from phoenix.execute import ownership
from phoenix.execute.ownership import OwnedRun
from phoenix.plan.actions import Plan, to_json
from phoenix.plan.roll_actions import RollAction
from phoenix.record.journal import RunState, What
from phoenix.record.objects import ObjectStore
from phoenix.record.sqlite import SqliteStore

ROOT = Path(__file__).resolve().parents[3]


def open_store(state: str) -> SqliteStore | ObjectStore:
    """The store at an address or in a file."""
    return ObjectStore.open(state, os.environ) if "://" in state else SqliteStore(Path(state))


def main(state: str, subject: str, lease: str) -> None:
    """Own a run of `subject` until told otherwise."""
    ownership.LEASE, ownership.RENEW = float(lease), float(lease) / 10
    store = open_store(state)
    plan: Plan[RollAction] = Plan(subject=subject, why="a test")
    owned = OwnedRun.begin(store, SystemClock(), kind="roll", subject=subject, plan=to_json(plan))
    sys.stdout.write(f"{owned.run.id}\n")
    sys.stdout.flush()
    while not select.select([sys.stdin], [], [], ownership.RENEW / 2)[0]:
        owned.write(owned.event(What.NOTE, data={"text": "at work"}))
        if owned.abort_request is not None:
            owned.end(RunState.UNDONE)
            return
    owned.end(RunState.DONE)


@contextmanager
def agent(state: str, subject: str, *, lease: float, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """An agent that has begun its run; its id is in the first line that can be read from it. Ended with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.real.agent", state, subject, str(lease)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except PhoenixError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
