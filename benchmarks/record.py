"""What the record costs per step of a plan: the engine walks steps that do nothing, on a file and on a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import take_turns, variables
from phoenix.clock import SystemClock
from phoenix.execute.engine import Context, Engine, Performer
from phoenix.execute.outcomes import Outcome
from phoenix.execute.ownership import OwnedRun
from phoenix.plan.actions import Plan, Step, to_json
from phoenix.plan.roll_actions import SaveLogs
from phoenix.record.objects import ObjectStore
from phoenix.record.sqlite import SqliteStore
from phoenix.record.store import Store, Value
from phoenix.tell import nobody
from tests.support.fakes.buckets import bucket

STEPS = 20
"""Steps of the plan that is walked: those of a long roll."""
ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """What one step costs."""

    seconds: float
    writes: float


class Counted:
    """A store that counts what is written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.writes = 0

    def get(self, key: str) -> Value | None:
        """As the store's own."""
        return self._store.get(key)

    def put_if(self, key: str, data: bytes, tag: str | None) -> str:
        """As the store's own, counted."""
        self.writes += 1
        return self._store.put_if(key, data, tag)

    def delete_if(self, key: str, tag: str) -> None:
        """As the store's own, counted."""
        self.writes += 1
        self._store.delete_if(key, tag)

    def list(self, prefix: str) -> tuple[str, ...]:
        """As the store's own."""
        return self._store.list(prefix)


def on_file(scratch: Path) -> StepCost:
    """On SQLite, synced to the disk."""
    store = SqliteStore(scratch / "state.db")
    cost = _cost(store, scratch)
    store.close()
    return cost


def on_bucket(scratch: Path) -> StepCost:
    """On S3 as moto has it, over HTTP on loopback: what a real bucket takes longer is the network's and its own."""
    with bucket("s3") as server, variables(server.environment):
        return _cost(ObjectStore.open(server.url, server.environment), scratch)


def _cost(store: Store, scratch: Path) -> StepCost:
    """The difference between a plan with many steps and one with none, so that beginning and end do not count."""
    counted = Counted(store)
    taken = take_turns(
        ROUNDS, {"many": lambda: _walk(counted, scratch, STEPS), "none": lambda: _walk(counted, scratch, 0)}
    )
    writes = []
    for number in (0, STEPS):
        before = counted.writes
        _walk(counted, scratch, number)
        writes.append(counted.writes - before)
    seconds = (taken["many"].median - taken["none"].median) / STEPS
    return StepCost(seconds=seconds, writes=(writes[1] - writes[0]) / STEPS)


class Idle(Performer[SaveLogs]):
    """Does nothing, so that only the engine and its record take time."""

    def perform(self, action: SaveLogs, context: Context) -> Outcome:  # noqa: ARG002
        """Nothing."""
        return Outcome()


def _walk(store: Store, scratch: Path, number: int) -> None:
    steps = tuple(Step(id=f"step-{each}", action=SaveLogs(group="none"), deadline=60.0) for each in range(number))
    plan: Plan[SaveLogs] = Plan(subject="bench", why="to take the time", steps=steps)
    clock = SystemClock()
    engine: Engine[SaveLogs] = Engine(
        performer=Idle(),
        changes_traffic=False,
        clock=clock,
        logs=scratch / "runs",
        tell=nobody,
    )
    engine.execute(OwnedRun.begin(store, clock, kind="bench", subject=plan.subject, plan=to_json(plan)), plan)
