"""`phoenix unlock`: a human ends a run as it stands; a living one is left alone."""

from __future__ import annotations

import pytest

from phoenix.errors import RefusedError
from phoenix.execute.claims import abandon
from phoenix.execute.ownership import LEASE, OwnedRun
from phoenix.record.history import History
from phoenix.record.journal import RunState, What
from tests.support.fakes.doubles import FakeClock
from tests.support.rolls.bad_store import SUBJECT, BadStore, begin, bury, silent


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> BadStore:
    return BadStore(clock)


@pytest.fixture
def owned(store: BadStore, clock: FakeClock) -> OwnedRun:
    return begin(store, clock)


@pytest.mark.parametrize("state", [RunState.HELD, RunState.STUCK])
def test_a_run_that_nobody_works_on_can_be_abandoned(
    store: BadStore, clock: FakeClock, owned: OwnedRun, state: RunState
) -> None:
    owned.write(state=state)
    run = abandon(store, clock, SUBJECT, "mended by hand", silent)
    assert clock.seconds == 0
    assert run.state is RunState.ABANDONED
    assert run.state.ended
    assert "mended by hand" in run.events[-1].data["text"]
    assert run.events[-1].data["who"] in run.events[-1].data["text"]
    recorded = History(store).run(run.id)
    assert recorded == run
    assert History(store).live() == ()
    begin(store, clock)


def test_a_dead_run_can_be_abandoned_at_once(store: BadStore, clock: FakeClock, owned: OwnedRun) -> None:
    bury(store)
    assert abandon(store, clock, SUBJECT, "no", silent).state is RunState.ABANDONED
    assert clock.seconds == 0


def test_another_machines_run_can_be_abandoned_when_its_lease_stood_still(
    store: BadStore, clock: FakeClock, owned: OwnedRun
) -> None:
    bury(store, boot="another machine")
    assert abandon(store, clock, SUBJECT, "no", silent).state is RunState.ABANDONED
    assert clock.seconds >= LEASE


def test_a_living_run_is_not_abandoned(store: BadStore, clock: FakeClock, owned: OwnedRun) -> None:
    clock.on_sleep = owned.renew
    with pytest.raises(RefusedError) as caught:
        abandon(store, clock, SUBJECT, "no", silent)
    assert owned.run.owner.host in caught.value.details
    assert "phoenix abort" in caught.value.resolution
    owned.write(owned.event(What.NOTE))


@pytest.mark.parametrize("ended", [False, True])
def test_where_no_run_stands_there_is_nothing_to_unlock(store: BadStore, clock: FakeClock, ended: bool) -> None:
    if ended:
        begin(store, clock).write(state=RunState.DONE)
    with pytest.raises(RefusedError, match="nothing to unlock"):
        abandon(store, clock, SUBJECT, "no", silent)
