"""A wall clock that is set back: leases and the order of what served do not depend on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from phoenix.errors import RefusedError
from phoenix.execute import claims
from phoenix.execute.ownership import RENEW, OwnedRun
from phoenix.model import Release, Served
from phoenix.record.history import SERVED, History
from phoenix.record.journal import What
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


class Backwards(FakeClock):
    """A wall clock that somebody sets back by an hour."""

    def __init__(self) -> None:
        super().__init__()
        self.set_back = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 31, 12, 0, tzinfo=UTC) + timedelta(seconds=self.seconds - self.set_back)


def served(group: str, run: OwnedRun) -> Served:
    return Served(
        group=group,
        release=Release(image="i", image_ref="r", packages=()),
        run=run.run.id,
        at=run.event(What.NOTE).at,
        former=None,
    )


def test_a_clock_that_is_set_back_an_hour_changes_nothing() -> None:
    clock = Backwards()
    store = BadStore(clock)
    owned, history = begin(store, clock), History(store)
    history.remember_served("web", "prod", served("v001", owned))
    history.remember_served("web", "prod", served("v002", owned))
    clock.set_back = 3600
    history.remember_served("web", "prod", served("v003", owned))
    assert [turn.group for turn in history.served("web", "prod")] == ["v001", "v002", "v003"]
    history.remember_served("web", "prod", served("v001", owned))
    assert [turn.group for turn in history.served("web", "prod")] == ["v002", "v003", "v001"]
    clock.sleep(RENEW)
    owned.renew()
    clock.on_sleep = owned.renew
    with pytest.raises(RefusedError, match="is being worked on"):
        claims.claim_watched(store, clock, SUBJECT, silent)
    clock.on_sleep = lambda: None
    bury(store, boot="another machine")
    assert claims.claim_watched(store, clock, SUBJECT, silent) is not None


def test_turns_are_kept_up_to_a_number(store: BadStore, owned: OwnedRun) -> None:
    history = History(store)
    for number in range(SERVED + 3):
        history.remember_served("web", "prod", served(f"v{number:03}", owned))
    kept = history.served("web", "prod")
    assert (len(kept), kept[0].group, kept[-1].group) == (SERVED, "v003", f"v{SERVED + 2:03}")
