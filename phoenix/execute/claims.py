"""Taking a run over from whoever worked on it: three claims, each for one situation.

Whoever takes a run raises its epoch in the one value that it is: the process that had it cannot write on.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from phoenix.clock import Clock
from phoenix.errors import RefusedError
from phoenix.execute.ownership import (
    LEASE,
    OwnedRun,
    describe,
    is_this_process,
    pid_namespace,
    provably_dead,
    user,
)
from phoenix.record import journal
from phoenix.record.journal import Run, RunState, What
from phoenix.record.store import Store, Value
from phoenix.tools.process import boot_id
from phoenix.wait import DeadlineError, Look, Verdict, wait_for

Say = Callable[[str], None]
FORCED_TRIES = 10
"""So often a run is taken from a process that goes on writing; a lease is renewed every few seconds."""
UNATTENDED = (RunState.HELD, RunState.STUCK)
"""Where no process works on a run, so that it has no lease."""


def claim_unattended(store: Store, clock: Clock, run: Run) -> OwnedRun | None:
    """Take a held or stuck run, on which no process works; None where it is that no longer.

    RefusedError where somebody else takes it at the same moment.
    """
    now, value = _standing(store, clock, run.subject)
    if now is None or value is None or now.id != run.id or now.state not in UNATTENDED:
        return None
    return OwnedRun.put_name(store, clock, now, value.tag) or _lost(now)


def claim_dead(store: Store, clock: Clock, subject: str, say: Say, *, idle: bool = False) -> OwnedRun | None:
    """Take the run of `subject` if its process has died: provably, or its lease stood still for LEASE seconds.

    None where there is none, where it lives, or where it waits for a person. `idle`: this process works on no run, so
    that one of its own was given up by it (`tend --every` lives on).
    """
    run, value = _standing(store, clock, subject)
    if run is None or value is None or run.state in UNATTENDED:
        return None
    if provably_dead(run.owner) or (idle and is_this_process(run.owner)):
        return OwnedRun.put_name(store, clock, run, value.tag)
    if (run.owner.boot, run.owner.pid_namespace) == (boot_id(), pid_namespace()):
        return None  # it is seen to live
    stood = _stood_still(store, clock, run, say, None)
    return OwnedRun.put_name(store, clock, run, stood.tag) if stood else None


def claim_watched(
    store: Store, clock: Clock, subject: str, say: Say, *, run_id: str | None = None, still: Run | None = None
) -> OwnedRun | None:
    """Take the run of `subject` by a person's word: one that waits for a person, or whose process shows no life.

    None where there is none, or another than `run_id` by now. RefusedError where a process works on it: its lease is
    watched for LEASE seconds, which need not be done again for a run that the caller has seen stand `still`.
    """
    run, value = _standing(store, clock, subject)
    if run is None or value is None or run_id not in (None, run.id):
        return None
    if run.state not in UNATTENDED and not provably_dead(run.owner):
        stood = _stood_still(store, clock, run, say, still)
        if stood is None:
            raise RefusedError(
                f"{subject} is being worked on",
                details=describe(run),
                resolution="Wait until it ends; `phoenix abort` asks it to go back.",
            )
        value = stood
    return OwnedRun.put_name(store, clock, run, value.tag) or _lost(run)


def abandon(store: Store, clock: Clock, subject: str, why: str, say: Callable[[str], None]) -> Run:
    """End the going run of `subject` as it stands, whatever it has done: for a human who has mended it by hand.

    RefusedError where there is none, and where a process works on it (watched for LEASE seconds where it is on
    another machine).
    """
    owned = claim_watched(store, clock, subject, say)
    if owned is None:
        raise RefusedError(
            f"nothing to unlock: no run stands under {subject}",
            details="a subject is locked by a run that goes on, is held or is stuck",
            resolution="See `phoenix status` and `phoenix run list`.",
        )
    text = f"abandoned by {user()} on {socket.gethostname()}: {why}"
    owned.end(RunState.ABANDONED, owned.event(What.NOTE, data={"text": text, "who": user(), "why": why}))
    return owned.run


def abandon_by_force(store: Store, clock: Clock, subject: str, why: str, say: Say) -> Run | None:
    """The same whoever works on it; None where there is none.

    A process of this computer that works on it is waited for: it ends at its next write, which it has lost by then.
    RefusedError where it does not.
    """
    for _try in range(FORCED_TRIES):
        run, value = _standing(store, clock, subject)
        if run is None or value is None:
            return None
        owned = OwnedRun.put_name(store, clock, run, value.tag)
        if owned is not None:  # else its owner has just written: once more
            text = f"abandoned by {user()} on {socket.gethostname()}: {why}"
            owned.end(RunState.ABANDONED, owned.event(What.NOTE, data={"text": text, "who": user(), "why": why}))
            if run.state not in UNATTENDED and not is_this_process(run.owner):
                _wait_for_its_end(run, clock, say)
            return owned.run
    raise RefusedError(
        f"{subject} could not be taken",
        details=f"its state was written by others {FORCED_TRIES} times meanwhile",
        resolution="Say it again.",
    )


def _wait_for_its_end(run: Run, clock: Clock, say: Say) -> None:
    """Wait until the process that worked on the run has ended, where that can be seen."""
    if (run.owner.boot, run.owner.pid_namespace) != (boot_id(), pid_namespace()):
        return

    def look() -> Look:
        gone = provably_dead(run.owner)
        return Look(verdict=Verdict.PASS if gone else Verdict.UNKNOWN, seen=f"process {run.owner.pid} is there")

    try:
        wait_for("the end of the run's process", look, clock=clock, deadline=LEASE, on_change=say)
    except DeadlineError as error:
        raise RefusedError(
            f"the process of {run.id} does not end",
            details=f"process {run.owner.pid} has lost the run, and may still start machines",
            resolution=f"End it (`kill {run.owner.pid}`), then say it again.",
        ) from error


def _standing(store: Store, clock: Clock, subject: str) -> tuple[Run | None, Value | None]:
    """The going run of `subject` and its value; one whose end is written is moved to the history, and none."""
    began, value = clock.monotonic(), store.get(journal.live_key(subject))
    run = journal.load(value.data, journal.live_key(subject)) if value else None
    if run is not None and value is not None and run.state.ended:
        OwnedRun(store, clock, run, value.tag, began).move_to_history()
        return None, None
    return run, value


def _lost(run: Run) -> OwnedRun:
    raise RefusedError(
        f"{run.subject} was taken over by somebody else just now",
        details=describe(run),
        resolution="Look with `phoenix status`, then decide again.",
    )


def _stood_still(store: Store, clock: Clock, run: Run, say: Say, still: Run | None) -> Value | None:
    """The run's value once its lease stood still, watched now or by the caller; None where somebody works on it."""
    if (still is None or not _same(run, still)) and not _lease_expired(store, clock, run, say):
        return None
    value = store.get(journal.live_key(run.subject))
    return value if value and _same(journal.load(value.data, journal.live_key(run.subject)), run) else None


def _lease_expired(store: Store, clock: Clock, run: Run, say: Say) -> bool:
    """Watch the lease's counter for LEASE seconds on this process's own monotonic clock."""
    say(f"watching the lease of {run.id} for {LEASE:g} s")
    until = clock.monotonic() + LEASE
    while clock.monotonic() < until:
        clock.sleep(1.0)
        value = store.get(journal.live_key(run.subject))
        standing = journal.load(value.data, journal.live_key(run.subject)) if value else None
        if standing is None or (standing.owner, standing.lease) != (run.owner, run.lease):
            return False
    return True


def _same(run: Run, watched: Run) -> bool:
    return (run.id, run.owner, run.lease, run.state) == (watched.id, watched.owner, watched.lease, watched.state)
