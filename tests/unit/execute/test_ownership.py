"""Who owns a run: one at a time, dead owners are seen, a lost run writes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phoenix import names
from phoenix.errors import LostRunError, RefusedError
from phoenix.execute import claims, ownership
from phoenix.execute.ownership import LEASE, OwnedRun
from phoenix.record import journal
from phoenix.record.history import History
from phoenix.record.journal import RunState, What
from tests.support.fakes.doubles import FakeClock, MemoryStore
from tests.support.rolls.stage import NO_PROCESS


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def begin(store: MemoryStore, clock: FakeClock, subject: str = "web/prod") -> OwnedRun:
    return OwnedRun.begin(store, clock, kind="roll", subject=subject, plan={})


def change(store: MemoryStore, **changes: object) -> None:
    """Rewrite the live run's owner, as another machine's process would stand there."""
    value = store.get("live/web/prod")
    assert value is not None
    run = journal.load(value.data)
    store.put_if("live/web/prod", journal.dump(replace(run, owner=replace(run.owner, **changes))), value.tag)  # type: ignore[arg-type]


def test_a_subject_has_one_run(store: MemoryStore, clock: FakeClock) -> None:
    first = begin(store, clock)
    with pytest.raises(RefusedError) as caught:
        begin(store, clock)
    assert first.run.id in caught.value.details
    assert first.run.owner.host in caught.value.details
    begin(store, clock, "web/staging")


def test_the_end_frees_the_subject_and_moves_to_the_history(store: MemoryStore, clock: FakeClock) -> None:
    first = begin(store, clock)
    first.end(RunState.DONE)
    begin(store, clock)
    ended = History(store).run(first.run.id)
    assert ended is not None
    assert (ended.state, ended.ended) == (RunState.DONE, "2026-01-31T12:00:00Z")


def test_an_end_that_was_not_moved_is_moved_by_the_next(store: MemoryStore, clock: FakeClock) -> None:
    first = begin(store, clock)
    first.write(state=RunState.DONE)
    begin(store, clock)
    assert History(store).run(first.run.id) is not None


def test_a_living_owner_is_not_taken_over(store: MemoryStore, clock: FakeClock) -> None:
    owned = begin(store, clock)
    clock.on_sleep = owned.renew
    with pytest.raises(RefusedError, match="is being worked on"):
        claims.claim_watched(store, clock, "web/prod", lambda _text: None)
    assert claims.claim_dead(store, clock, "web/prod", lambda _text: None) is None


def test_an_owner_that_only_writes_lives_too(store: MemoryStore, clock: FakeClock) -> None:
    """Writes come instead of renewals where steps are short."""
    owned = begin(store, clock)
    clock.on_sleep = lambda: owned.write(owned.event(What.NOTE))
    with pytest.raises(RefusedError, match="is being worked on"):
        claims.claim_watched(store, clock, "web/prod", lambda _text: None)


def test_a_dead_process_of_this_machine_is_taken_over_at_once(store: MemoryStore, clock: FakeClock) -> None:
    begin(store, clock)
    change(store, pid=NO_PROCESS)
    taken = claims.claim_dead(store, clock, "web/prod", lambda _text: None)
    assert taken is not None
    assert taken.run.owner.epoch == 2
    assert clock.seconds == 0


def test_a_recycled_process_number_is_another_process(store: MemoryStore, clock: FakeClock) -> None:
    begin(store, clock)
    change(store, started=1)
    assert claims.claim_dead(store, clock, "web/prod", lambda _text: None) is not None


def test_another_machines_run_is_taken_when_its_lease_stood_still(store: MemoryStore, clock: FakeClock) -> None:
    begin(store, clock)
    change(store, boot="another machine", host="agent-7")
    taken = claims.claim_dead(store, clock, "web/prod", lambda _text: None)
    assert taken is not None
    assert clock.seconds >= LEASE


def test_another_machines_living_run_is_left_alone(store: MemoryStore, clock: FakeClock) -> None:
    begin(store, clock)
    change(store, boot="another machine")

    def renew() -> None:
        value = store.get("live/web/prod")
        assert value is not None
        run = journal.load(value.data)
        store.put_if("live/web/prod", journal.dump(replace(run, lease=run.lease + 1)), value.tag)

    clock.on_sleep = renew
    assert claims.claim_dead(store, clock, "web/prod", lambda _text: None) is None


def test_who_lost_the_run_writes_nothing_and_ends_with_10(store: MemoryStore, clock: FakeClock) -> None:
    lost = begin(store, clock)
    change(store, pid=NO_PROCESS)
    claims.claim_watched(store, clock, "web/prod", lambda _text: None)
    before = store.get("live/web/prod")
    with pytest.raises(LostRunError) as caught:
        lost.write(lost.event(What.NOTE))
    assert caught.value.exit_code == 10
    assert store.get("live/web/prod") == before


def test_a_request_between_two_writes_is_kept_and_seen(store: MemoryStore, clock: FakeClock) -> None:
    owned = begin(store, clock)
    ownership.request_abort(store, clock, owned.run, "no")
    owned.write(owned.event(What.NOTE, data={"text": "x"}))
    assert owned.abort_request is not None
    assert owned.abort_request.why == "no"


def test_a_request_reaches_no_later_run_of_the_subject(store: MemoryStore, clock: FakeClock) -> None:
    first = begin(store, clock)
    first.end(RunState.DONE)
    second = begin(store, clock)
    assert ownership.request_abort(store, clock, first.run, "no") is None
    second.write()
    assert second.abort_request is None


def test_a_held_run_needs_no_lease_to_be_taken(store: MemoryStore, clock: FakeClock) -> None:
    owned = begin(store, clock)
    owned.write(state=RunState.HELD)
    assert claims.claim_watched(store, clock, "web/prod", lambda _text: None) is not None
    assert clock.seconds == 0


def test_taking_over_an_ended_run_finishes_its_move(store: MemoryStore, clock: FakeClock) -> None:
    owned = begin(store, clock)
    owned.write(state=RunState.UNDONE)
    assert claims.claim_watched(store, clock, "web/prod", lambda _text: None) is None
    assert History(store).live() == ()


def older_publication(store: MemoryStore, clock: FakeClock) -> OwnedRun:
    """A publication as phoenix 0.1.0 began it: under the subject that a service `repository` could have, too."""
    return OwnedRun.begin(store, clock, kind="publish", subject="repository/main", plan={})


def test_a_service_called_repository_and_a_repository_run_at_once(store: MemoryStore, clock: FakeClock) -> None:
    for kind, subject in (("roll", names.of_service("repository", "main")), ("publish", names.of_repository("main"))):
        OwnedRun.begin(store, clock, kind=kind, subject=str(subject), plan={})
    assert len(History(store).live()) == 2


def test_a_publication_of_an_older_phoenix_is_found_and_refuses_another(store: MemoryStore, clock: FakeClock) -> None:
    older, subject = older_publication(store, clock), str(names.of_repository("main"))
    assert History(store).live_run(subject) == older.run
    assert older.run.about == names.of_repository("main")
    with pytest.raises(RefusedError) as caught:
        OwnedRun.begin(store, clock, kind="publish", subject=subject, plan={})
    assert older.run.id in caught.value.details
    older.end(RunState.DONE)
    OwnedRun.begin(store, clock, kind="publish", subject=subject, plan={})


def test_a_roll_of_a_service_called_repository_is_no_publication(store: MemoryStore, clock: FakeClock) -> None:
    OwnedRun.begin(store, clock, kind="roll", subject="repository/main", plan={})
    subject = str(names.of_repository("main"))
    assert History(store).live_run(subject) is None
    OwnedRun.begin(store, clock, kind="publish", subject=subject, plan={})


def test_who_looks_for_the_dead_leaves_what_waits_for_a_person(store: MemoryStore, clock: FakeClock) -> None:
    """It may have become held since it was looked at."""
    begin(store, clock).write(state=RunState.HELD)
    change(store, pid=NO_PROCESS)
    assert claims.claim_dead(store, clock, "web/prod", lambda _text: None) is None


def test_only_what_waits_for_a_person_is_taken_without_watching(store: MemoryStore, clock: FakeClock) -> None:
    owned = begin(store, clock)
    assert claims.claim_unattended(store, clock, owned.run) is None, "its process works on it"
    owned.write(state=RunState.HELD)
    taken = claims.claim_unattended(store, clock, owned.run)
    assert taken is not None
    assert clock.seconds == 0
    taken.end(RunState.DONE)
    assert claims.claim_unattended(store, clock, owned.run) is None


def test_another_run_of_the_subject_is_not_the_one_that_is_meant(store: MemoryStore, clock: FakeClock) -> None:
    first = begin(store, clock).run
    change(store, pid=NO_PROCESS)
    assert claims.claim_watched(store, clock, "web/prod", lambda _text: None, run_id="another") is None
    assert claims.claim_watched(store, clock, "web/prod", lambda _text: None, run_id=first.id) is not None


def test_a_run_of_this_process_was_given_up_where_it_works_on_none(store: MemoryStore, clock: FakeClock) -> None:
    begin(store, clock)
    assert claims.claim_dead(store, clock, "web/prod", lambda _text: None) is None
    assert claims.claim_dead(store, clock, "web/prod", lambda _text: None, idle=True) is not None
