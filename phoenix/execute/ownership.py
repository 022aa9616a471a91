"""Who works on a run: beginning it, keeping its lease, and noticing that one has lost it. Taking over: `claims`.

The owner's epoch stands in the run's one value, so the conditional write of the next intent is itself the
last ownership check: a process that lost its run cannot write on and ends with exit code 10.

A state that cannot be reached for a moment stops nobody: the owner of a run tries its write again, for less time
than its lease has. A write that may have been carried out is never repeated blindly: what stands is compared first.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from phoenix import names
from phoenix.clock import Clock, rfc3339
from phoenix.errors import LostRunError, RefusedError
from phoenix.record import journal
from phoenix.record.journal import Event, Owner, Part, Request, Run, RunState, What
from phoenix.record.origin import UNTOLD, Origin
from phoenix.record.store import ConflictError, Store, StoreError
from phoenix.tools.process import ProcessId, boot_id
from phoenix.units import as_text
from phoenix.wait import DeadlineError, Look, Verdict, retry_while_unknown, wait_for

LEASE = 30.0
"""Seconds for which a lease's counter must stand still, on the observer's own clock, to have expired."""
RENEW = 3.0
"""Seconds between two renewals, which see what others ask of the run: that is to take 5 seconds at most."""
PATIENCE = 20.0
"""Seconds after an owner's last write for which it tries to reach the state: with one last request, below LEASE."""
_PAUSE = 1.0
"""Seconds between two such tries; at least two are made."""


class StandstillError(StoreError):
    """The state could not be reached for too long. The run stands where it was; nothing was undone or done since."""


class TakenError(RefusedError):
    """Another run has the subject: it lives, waits for a person, or is stuck."""


def this_process(epoch: int) -> Owner:
    """This process as an owner."""
    identity = ProcessId.of(os.getpid())
    assert identity is not None, "this process runs"
    return Owner(
        epoch=epoch,
        who=user(),
        host=socket.gethostname(),
        pid=identity.pid,
        started=identity.started,
        boot=identity.boot,
        pid_namespace=pid_namespace(),
    )


def provably_dead(owner: Owner) -> bool:
    """Whether the owner certainly runs no more: only this boot's and this namespace's processes can be seen."""
    if (owner.boot, owner.pid_namespace) != (boot_id(), pid_namespace()):
        return False
    return not ProcessId(pid=owner.pid, started=owner.started, boot=owner.boot).alive


def describe(run: Run) -> str:
    """Who works on the run, where and since when, in one line."""
    owner = run.owner
    build = f" for {run.origin.build}" if run.origin.build else ""
    return (
        f"{run.kind} {run.id} ({run.state}), by {owner.who} on {owner.host} (process {owner.pid}) "
        f"since {run.started}{build}"
    )


def taken(other: Run) -> TakenError:
    """The refusal that says which run has the subject, whose, where and since when."""
    match other.state:
        case RunState.HELD:
            advice = (
                f"It waits for a person: `phoenix promote {other.id}` goes on, `phoenix abort {other.id}` goes back."
            )
        case RunState.STUCK:
            advice = f"See `phoenix run show {other.id}`, then `phoenix abort` or `phoenix unlock` it."
        case _:
            advice = "Wait with --wait-lock, or `phoenix abort` it; `phoenix tend` takes over runs whose process died."
    return TakenError(f"{other.subject} is taken by another run", details=describe(other), resolution=advice)


class OwnedRun:
    """A run that this process owns: every write is conditional on that."""

    def __init__(self, store: Store, clock: Clock, run: Run, tag: str, renewed: float) -> None:
        """`renewed`: when the write that gave `tag` was begun, on this process's monotonic clock."""
        self._store = store
        self._clock = clock
        self._tag = tag
        self._renewed = renewed
        self.run = run

    @classmethod
    def begin(
        cls,
        store: Store,
        clock: Clock,
        *,
        kind: str,
        subject: str,
        plan: Mapping[str, Any],
        why: str = "",
        origin: Origin = UNTOLD,
    ) -> OwnedRun:
        """Create the run under its subject. TakenError saying who, where and since when, if it is taken."""
        _refuse_older(store, kind, subject)
        now = clock.now()
        run = Run(
            id=names.run(kind, now),
            kind=kind,
            subject=subject,
            state=RunState.RUNNING,
            why=why,
            started=rfc3339(now),
            plan=plan,
            owner=this_process(1),
            origin=origin,
        )
        while True:
            began = clock.monotonic()
            try:
                return cls(store, clock, run, store.put_if(journal.live_key(subject), journal.dump(run), None), began)
            except ConflictError:
                standing = store.get(journal.live_key(subject))
            if standing is None:
                continue
            other = journal.load(standing.data, journal.live_key(subject))
            if not other.state.ended:
                raise taken(other)
            cls(store, clock, other, standing.tag, began).move_to_history()

    @classmethod
    def put_name(cls, store: Store, clock: Clock, run: Run, tag: str) -> OwnedRun | None:
        """Make this process the run's owner, its epoch raised; None where its value is no longer the one of `tag`."""
        note = {"text": f"taken over from process {run.owner.pid} on {run.owner.host}"}
        event = Event(at=rfc3339(clock.now()), what=What.NOTE, data=note)
        owner, began = this_process(run.owner.epoch + 1), clock.monotonic()
        mine = replace(run, owner=owner, lease=run.lease + 1, events=(*run.events, event))
        try:
            tag = store.put_if(journal.live_key(run.subject), journal.dump(mine), tag)
        except ConflictError:
            return None
        return cls(store, clock, mine, tag, began)

    def event(
        self, what: What, *, part: Part | None = None, step: str = "", data: Mapping[str, Any] | None = None
    ) -> Event:
        """An event of now."""
        return Event(at=rfc3339(self._clock.now()), what=what, part=part, step=step, data=data or {})

    def write(self, *events: Event, state: RunState | None = None) -> None:
        """Append `events` and set `state`, in one write.

        Raises LostRunError where another process owns the run now, StandstillError where the state cannot be reached.
        """
        ended = rfc3339(self._clock.now()) if state and state.ended else self.run.ended
        events = (*self.run.events, *events)
        lease = self.run.lease + 1  # a write shows that its owner lives as a renewal does
        self._put(replace(self.run, lease=lease, events=events, state=state or self.run.state, ended=ended))

    def renew(self) -> None:
        """Let the lease's counter rise if it is time; whoever waits calls this. Sees requests of others, too."""
        if self._clock.monotonic() - self._renewed >= RENEW:
            self._put(replace(self.run, lease=self.run.lease + 1))

    @property
    def abort_request(self) -> Request | None:
        """What another process asked, as of the last write or renewal."""
        return next((request for request in self.run.requests if request.what == "abort"), None)

    def end(self, state: RunState, *events: Event) -> None:
        """Write the end and move the run to the history, which frees its subject. STUCK stays where it is."""
        try:
            self.write(*events, state=state)
        except LostRunError:
            if not self._moved_already(state):
                raise
            return
        if state.ended:
            with suppress(StoreError):  # whoever comes next finishes the move
                self.move_to_history()

    def _put(self, run: Run) -> None:
        """The conditional write, tried again while the state cannot be reached and the lease lasts."""

        def attempt() -> Look:
            try:
                self._put_once(replace(run, requests=self.run.requests))
            except StoreError as error:
                return retry_while_unknown(error)
            return Look(verdict=Verdict.PASS, seen="")

        left = self._renewed + PATIENCE - self._clock.monotonic()
        try:
            wait_for("a write to the state", attempt, clock=self._clock, deadline=max(left, _PAUSE), interval=_PAUSE)
        except DeadlineError as error:
            silence = self._clock.monotonic() - self._renewed
            raise StandstillError(
                f"the state could not be reached for {silence:.0f} s",
                details=f"the run {run.id} stands where it was; {error.details}",
                resolution="When the state is back, `phoenix resume` goes on, and `phoenix tend` or `phoenix abort` "
                "goes back.",
            ) from error

    def _put_once(self, run: Run) -> None:
        """The write itself. One that was carried out before, unknown to us, is a conflict and is written over."""
        while True:
            began = self._clock.monotonic()
            try:
                self._tag = self._store.put_if(journal.live_key(run.subject), journal.dump(run), self._tag)
            except ConflictError:
                run = self._merge(run)
                continue
            self.run, self._renewed = run, began
            return

    def _merge(self, run: Run) -> Run:
        """After a conflict: a request that came in between is kept, another owner is obeyed."""
        value = self._store.get(journal.live_key(run.subject))
        standing = journal.load(value.data, journal.live_key(run.subject)) if value else None
        if value is None or standing is None or standing.id != run.id or standing.owner != run.owner:
            raise LostRunError(
                f"the run {run.id} is no longer this process's",
                details=f"now: {describe(standing)}" if standing else "it has ended",
                resolution="Nothing was written since. See `phoenix status`.",
            )
        self._tag, self.run = value.tag, replace(self.run, requests=standing.requests)
        return replace(run, requests=standing.requests)

    def _moved_already(self, state: RunState) -> bool:
        """Whether our end was written, its answer lost, and the run moved to the history by whoever came next."""
        value = self._store.get(journal.history_key(self.run.id))
        ended = journal.load(value.data, journal.history_key(self.run.id)) if value else None
        if ended is None or (ended.state, ended.owner) != (state, self.run.owner):
            return False
        self.run = ended
        return True

    def move_to_history(self) -> None:
        """Free the subject of the run, whose end is written."""
        key, data = journal.history_key(self.run.id), journal.dump(self.run)
        with suppress(ConflictError):  # an earlier process got this far and died
            self._store.put_if(key, data, None)
        with suppress(ConflictError):  # somebody else finished the move
            self._store.delete_if(journal.live_key(self.run.subject), self._tag)


def is_this_process(owner: Owner) -> bool:
    """Whether the owner is this very process."""
    return replace(this_process(owner.epoch), who=owner.who, host=owner.host) == owner


def _refuse_older(store: Store, kind: str, subject: str) -> None:
    """TakenError where an older phoenix began a run of the subject under another text, and it goes on."""
    former = names.parse_subject(subject).formerly
    value = store.get(journal.live_key(former)) if former else None
    older = journal.load(value.data, journal.live_key(str(former))) if value else None
    if older is not None and older.kind == kind and not older.state.ended:
        raise taken(older)


def request_abort(store: Store, clock: Clock, asked_for: Run, why: str) -> Run | None:
    """Ask the process that works on the run to go back; the run as asked, or None where it has ended."""
    subject = asked_for.subject
    while True:
        value = store.get(journal.live_key(subject))
        if value is None:
            return None
        run = journal.load(value.data, journal.live_key(subject))
        if run.id != asked_for.id:
            return None
        asked = Request(what="abort", who=user(), why=why, at=rfc3339(clock.now()))
        try:
            store.put_if(
                journal.live_key(subject), journal.dump(replace(run, requests=(*run.requests, asked))), value.tag
            )
        except ConflictError:
            continue
        return run


def user() -> str:
    """Who runs this process."""
    try:
        return as_text(os.environ.get("SUDO_USER") or getpass.getuser())
    except (KeyError, OSError):  # no entry in the password file, as in many containers
        return str(os.getuid())


def pid_namespace() -> str:
    """What numbers of processes mean something in."""
    return str(Path("/proc/self/ns/pid").readlink())
