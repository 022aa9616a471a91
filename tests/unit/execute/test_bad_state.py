"""A run's owner when the state is out of reach, loses answers, or belonged to somebody else in the meantime."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from phoenix.errors import CloudError, LostRunError, RefusedError
from phoenix.execute import claims, ownership
from phoenix.execute.ownership import LEASE, PATIENCE, RENEW, OwnedRun, StandstillError, TakenError
from phoenix.record import journal
from phoenix.record.history import History
from phoenix.record.journal import RunState, What
from phoenix.record.store import DamagedError, StoreError, Value
from tests.support.fakes.doubles import FakeClock, MemoryStore
from tests.support.rolls.bad_store import KEY, SUBJECT, BadStore, begin, bury, silent


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> BadStore:
    return BadStore(clock)


@pytest.fixture
def owned(store: BadStore, clock: FakeClock) -> OwnedRun:
    return begin(store, clock)


def note(owned: OwnedRun, text: str) -> None:
    owned.write(owned.event(What.NOTE, data={"text": text}))


def notes(store: MemoryStore) -> list[str]:
    run = History(store).live_run(SUBJECT)
    assert run is not None
    return [event.data["text"] for event in run.events]


# out of reach


@pytest.mark.parametrize("seconds", [0.5, 5, PATIENCE - 1])
def test_a_state_that_comes_back_is_written_to(
    store: BadStore, clock: FakeClock, owned: OwnedRun, seconds: float
) -> None:
    store.back_at = clock.seconds + seconds
    note(owned, "x")
    assert notes(store) == ["x"]
    assert clock.seconds <= seconds + 1


def test_a_state_that_stays_away_stops_the_run_where_it_was_while_its_lease_lasts(
    store: BadStore, clock: FakeClock, owned: OwnedRun
) -> None:
    before = store.values[KEY]
    store.back_at = 1e9
    with pytest.raises(StandstillError, match="the state could not be reached for 20 s") as caught:
        note(owned, "x")
    assert clock.seconds < LEASE - RENEW
    assert "stands where it was" in caught.value.details
    assert "no answer" in caught.value.details
    assert "phoenix resume" in caught.value.resolution
    assert caught.value.exit_code == 5
    assert store.values[KEY] == before


def test_the_time_counts_from_the_last_write(store: BadStore, clock: FakeClock, owned: OwnedRun) -> None:
    note(owned, "x")
    clock.sleep(15)
    store.back_at = 1e9
    with pytest.raises(StandstillError, match="for 20 s"):
        note(owned, "y")
    assert clock.seconds == pytest.approx(20, abs=1)


def test_after_a_long_call_the_write_is_still_tried_twice(store: BadStore, clock: FakeClock, owned: OwnedRun) -> None:
    """The conditional write decides whose the run is: trying it is no risk, however late it is."""
    clock.sleep(LEASE * 3)
    store.back_at = clock.seconds + 0.5
    note(owned, "x")
    assert notes(store) == ["x"]


def test_a_renewal_is_tried_again_too(store: BadStore, clock: FakeClock, owned: OwnedRun) -> None:
    clock.sleep(RENEW)
    store.back_at = clock.seconds + 5
    owned.renew()
    run = History(store).live_run(SUBJECT)
    assert run is not None
    assert run.lease == 1


def test_the_lease_counts_from_the_start_of_the_write_that_renewed_it(store: BadStore, clock: FakeClock) -> None:
    """What an observer saw of a slow write, it may have seen at its beginning."""
    owned = begin(store, clock)
    clock.sleep(RENEW)

    class SlowStore(BadStore):
        def put_if(self, key: str, data: bytes, tag: str | None) -> str:
            tag = super().put_if(key, data, tag)
            clock.sleep(RENEW + 1)
            return tag

    slow = SlowStore(clock)
    slow.values = store.values
    owned._store = slow
    owned.renew()
    before = slow.tries
    owned.renew()
    assert slow.tries == before + 1


# lost answers


def test_a_write_whose_answer_was_lost_stands_once(store: BadStore, owned: OwnedRun) -> None:
    store.lose = {store.answers + 1}
    note(owned, "x")
    note(owned, "y")
    assert notes(store) == ["x", "y"]


def test_a_request_that_comes_with_the_lost_answer_is_kept(store: BadStore, clock: FakeClock, owned: OwnedRun) -> None:
    run = owned.run
    store.lose = {store.answers + 1}
    store.on_lost = lambda: ownership.request_abort(store, clock, run, "no")
    note(owned, "x")
    assert owned.abort_request is not None
    standing = History(store).live_run(SUBJECT)
    assert standing is not None
    assert [request.why for request in standing.requests] == ["no"]


def test_a_request_is_kept_where_two_answers_are_lost(store: BadStore, clock: FakeClock, owned: OwnedRun) -> None:
    """The second is lost after the request was read and before it was written on."""
    ownership.request_abort(store, clock, owned.run, "no")
    store.lose = {store.answers + 1}
    note(owned, "x")
    store.lose = {store.answers + 1}
    note(owned, "y")
    assert owned.abort_request is not None
    standing = History(store).live_run(SUBJECT)
    assert standing is not None
    assert [request.why for request in standing.requests] == ["no"]
    assert notes(store) == ["x", "y"]


def test_a_request_that_was_read_before_the_state_went_away_is_kept(
    store: BadStore, clock: FakeClock, owned: OwnedRun
) -> None:
    """A conflict, the read that explains it, and then silence: the next try must not forget what was read."""
    ownership.request_abort(store, clock, owned.run, "no")
    store.refuse = {store.tries + 2}
    note(owned, "x")
    standing = History(store).live_run(SUBJECT)
    assert standing is not None
    assert [request.why for request in standing.requests] == ["no"]
    assert notes(store) == ["x"]


def test_an_end_whose_answer_was_lost_and_that_another_moved_is_an_end(
    store: BadStore, clock: FakeClock, owned: OwnedRun
) -> None:
    store.lose = {store.answers + 1}
    store.on_lost = lambda: begin(store, clock)  # the next run of the subject moves the ended one to the history
    owned.end(RunState.DONE)
    ended = History(store).run(owned.run.id)
    assert ended is not None
    assert (ended.state, owned.run.state) == (RunState.DONE, RunState.DONE)
    following = History(store).live_run(SUBJECT)
    assert following is not None
    assert following.id != owned.run.id


@pytest.mark.parametrize("lost", [1, 2, 3])  # the end itself, its copy in the history, the deletion
def test_an_end_stands_even_where_its_move_fails(store: BadStore, clock: FakeClock, owned: OwnedRun, lost: int) -> None:
    store.lose = {store.answers + lost}
    owned.end(RunState.DONE)
    assert owned.run.state is RunState.DONE
    begin(store, clock)
    ended = History(store).run(owned.run.id)
    assert ended is not None
    assert ended.state is RunState.DONE


# stopped for longer than the lease


@pytest.mark.parametrize("ended", [False, True])
def test_who_slept_longer_than_the_lease_and_was_taken_over_writes_nothing(
    store: BadStore, clock: FakeClock, owned: OwnedRun, ended: bool
) -> None:
    clock.sleep(LEASE + 5)
    bury(store, boot="another machine")
    other = claims.claim_watched(store, clock, SUBJECT, silent)
    assert other is not None
    if ended:
        other.end(RunState.UNDONE)
    before = dict(store.values)
    acts: tuple[Callable[[], None], ...] = (
        lambda: note(owned, "intent"),
        owned.renew,
        lambda: owned.end(RunState.DONE),
    )
    for act in acts:
        with pytest.raises(LostRunError) as caught:
            act()
        assert caught.value.exit_code == 10
    assert store.values == before


def test_who_slept_and_was_not_taken_over_goes_on(store: BadStore, clock: FakeClock, owned: OwnedRun) -> None:
    clock.sleep(LEASE * 10)
    note(owned, "x")
    assert notes(store) == ["x"]


def test_who_lost_its_run_while_the_state_was_away_learns_it_when_it_is_back(
    store: BadStore, clock: FakeClock, owned: OwnedRun
) -> None:
    bury(store)
    store.back_at = clock.seconds + 3

    def other_takes_over() -> None:
        if clock.seconds >= store.back_at:
            clock.on_sleep = lambda: None
            claims.claim_watched(store, clock, SUBJECT, silent)

    clock.on_sleep = other_takes_over
    with pytest.raises(LostRunError):
        note(owned, "x")
    assert [text for text in notes(store) if text == "x"] == []


# beginning


def test_a_subject_that_is_taken_can_be_told_from_other_refusals(
    store: BadStore, clock: FakeClock, owned: OwnedRun
) -> None:
    with pytest.raises(TakenError, match="web/prod is taken by another run") as caught:
        begin(store, clock)
    assert isinstance(caught.value, RefusedError)
    assert owned.run.id in caught.value.details


def test_a_begin_out_of_reach_fails_at_once(store: BadStore, clock: FakeClock) -> None:
    """Nothing is at stake yet."""
    store.back_at = 1e9
    with pytest.raises(StoreError):
        begin(store, clock)
    assert clock.seconds == 0


def test_a_run_that_cannot_be_read_is_one_clear_error(store: BadStore, clock: FakeClock, owned: OwnedRun) -> None:
    store.values[KEY] = Value(data=b"{", tag="x")
    acts: tuple[Callable[[], object], ...] = (
        lambda: begin(store, clock),
        lambda: note(owned, "x"),
        lambda: History(store).live(),
    )
    for act in acts:
        with pytest.raises(CloudError, match="cannot read") as caught:
            act()
        assert "backup" in caught.value.resolution
    assert clock.seconds == 0, "trying again does not mend it"


# reading what others have written


def test_one_run_that_cannot_be_read_hides_no_other(store: BadStore, clock: FakeClock, owned: OwnedRun) -> None:
    other = OwnedRun.begin(store, clock, kind="bake", subject="bake/local/1", plan={})
    ended = OwnedRun.begin(store, clock, kind="roll", subject="web/test", plan={})
    ended.end(RunState.DONE)
    bad = journal.history_key("roll-1")
    store.values |= {KEY: Value(data=b"{", tag="x"), bad: Value(data=b"[]", tag="y")}
    history, told = History(store), list[DamagedError]()
    assert [run.id for run in history.live(told.append)] == [other.run.id]
    assert {run.id for run in history.newest(told.append)} == {other.run.id, ended.run.id}
    assert [error.details.partition(":")[0] for error in told] == [KEY, KEY, bad]
    for run_id in (other.run.id, ended.run.id):
        assert history.run(run_id) is not None
    with pytest.raises(DamagedError, match="cannot read"):
        history.run(owned.run.id)


def test_a_value_that_cannot_be_read_is_named_and_not_shown(store: BadStore, owned: OwnedRun) -> None:
    value = store.values[KEY].data.replace(b'"running"', b'"S3CRET"').replace(b'"lease":0', b'"lease":"S3CRET"')
    assert value.count(b"S3CRET") == 2
    store.values[KEY] = Value(data=value, tag="x")
    with pytest.raises(DamagedError) as caught:
        History(store).live_run(SUBJECT)
    for named in (KEY, "state", "lease"):
        assert named in caught.value.details
    assert "S3CRET" not in str(caught.value)


def test_a_run_that_is_moved_while_it_is_looked_for_is_found(clock: FakeClock) -> None:
    class MovingStore(MemoryStore):
        """The run ends just after the first look at the history."""

        def get(self, key: str) -> Value | None:
            found = super().get(key)
            if key == journal.history_key(going.run.id) and not going.run.state.ended:
                going.end(RunState.DONE)
            return found

    store = MovingStore()
    going = begin(store, clock)
    found = History(store).run(going.run.id)
    assert found is not None
    assert found.id == going.run.id
