"""Outcomes of steps: written into the journal as JSON data, and read back as what they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

import pytest

from phoenix.execute import states
from phoenix.execute.outcomes import LeftAlone, Outcome, Promoted, Refused, read, to_data
from phoenix.execute.perform import bake, publish
from phoenix.execute.perform.outcomes import (
    OF_ACTIONS,
    Count,
    Created,
    Deleted,
    Drained,
    Gone,
    HooksRun,
    Kept,
    Measured,
    Memory,
    NotThere,
    Pinned,
    Saved,
    Seen,
    Shifted,
    Shrunk,
    Sized,
    SmallAlready,
)
from phoenix.plan.publish_actions import PublishAction
from phoenix.plan.roll_actions import RollAction

MEASURED = Measured(group="v1", size=4, healthy=3, serving=("v1",), floor=3, whole=4, live=4)
EVERY: list[Outcome] = [
    MEASURED,
    Created(size=2, whole=4, live=4),
    Created(size=2),
    Sized(size=4, started=1, short="one is missing", whole=5, live=5),
    Sized(size=4, started=0),
    Shrunk(size=2, ended=("v1-3", "v1-4"), left=1, whole=4, live=2),
    Shrunk(size=2, ended=("v1-3",), left=0),
    SmallAlready(size=2),
    Gone(gone="v1"),
    Seen(seen="all well"),
    HooksRun(),
    HooksRun(failed="smoke.sh"),
    Shifted(shares={"v2": 100}, at="2026-01-31T12:00:00Z"),
    Shifted(shares={}, at="2026-01-31T12:00:00Z"),
    LeftAlone(note="left"),
    Drained(left=0),
    Kept(keep_until=None),
    Kept(keep_until="2026-01-31T12:00:00Z"),
    NotThere(group="gone"),
    NotThere(group="phoenix did not make it"),
    Pinned(pinned_until=None),
    Pinned(pinned_until="2026-01-31T12:00:00Z"),
    Saved(files=()),
    Saved(files=("a.log",), failed="no room"),
    Deleted(existed=False),
    Refused(refused="somebody else"),
    Promoted(promoted_by="alice", why=""),
    bake.Built(image="i-1", bytes=7),
    bake.Verified(image="i-1", tests=3),
    publish.Added(added=("hello 1.0",)),
    publish.Removed(removed=0),
    publish.Frozen(snapshot="main-0001", packages=2),
    publish.Switched(published=None),
    publish.Switched(published="main-0001", key="ABCD"),
    publish.Matched(matched="main-0001"),
    publish.Visible(packages={"hello": "1.0"}),
    states.Dropped(dropped=("main-0001", "main-0002")),
    Outcome(),
]
BAKES: dict[str, tuple[type[Outcome], ...]] = {"build-image": (bake.Built,), "verify-image": (bake.Verified,)}
TABLES: tuple[Mapping[Any, tuple[type[Outcome], ...]], ...] = (OF_ACTIONS, publish.OF_ACTIONS, BAKES)


@pytest.mark.parametrize("outcome", EVERY, ids=lambda each: f"{type(each).__name__}")
def test_what_is_written_is_read_by_every_action_that_can_come_to_it(outcome: Outcome) -> None:
    data = json.loads(json.dumps(to_data(outcome)))
    rows = [kinds for table in TABLES for kinds in table.values() if type(outcome) in kinds]
    assert rows or isinstance(outcome, Refused | Promoted)
    for kinds in rows or [()]:
        assert read(data, kinds) == outcome


def test_every_kind_of_outcome_is_among_these() -> None:
    named = {kind for table in TABLES for kinds in table.values() for kind in kinds}
    assert named <= {type(outcome) for outcome in EVERY}


def test_every_action_says_what_it_can_come_to() -> None:
    assert set(OF_ACTIONS) == set(get_args(RollAction))
    assert set(publish.OF_ACTIONS) == set(get_args(PublishAction))


def test_nothing_known_is_nothing_told() -> None:
    assert read({}, (Measured,)) == Outcome()
    assert to_data(Outcome()) == {}


def test_the_memory_of_a_run() -> None:
    """A rolling run whose live group grows by one while it makes it smaller itself."""
    shrunk = Shrunk(size=2, ended=("v1-3",), left=0, whole=5, live=3)
    memory = Memory(outcomes=(MEASURED, Created(size=1, whole=4, live=4), Sized(size=2, started=1), shrunk))
    assert (memory.floor, memory.measured, memory.started) == (3, MEASURED, 1)
    assert memory.counts[-1] == Count(whole=5, live=3)
    assert memory.grown == 1


def test_the_memory_of_a_first_roll_is_empty() -> None:
    memory = Memory(outcomes=())
    assert (memory.floor, memory.measured, memory.started, memory.counts, memory.grown) == (0, None, 0, (), 0)


def test_a_size_that_was_no_rule_was_no_count() -> None:
    assert Memory(outcomes=(Created(size=3),)).counts == ()
