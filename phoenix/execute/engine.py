"""The one engine: walks any plan, step by step, and leaves a record of each.

Intent is written before a step, its outcome with the next intent (one write per step), so a step with
intent and no outcome is simply done again: every action is safe to do twice. A failure, Ctrl-C, SIGTERM or
an abort asked for by another process walks `back`. After the commit point nothing is undone any more. A hold ends
the process; `promote` gives it its outcome, by whoever says so and from wherever.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from phoenix.clock import Clock
from phoenix.errors import (
    HeldError,
    InterruptedRunError,
    LostRunError,
    OverriddenError,
    PhoenixError,
    RefusedError,
    Terminated,
    UndoFailedError,
    UndoneError,
)
from phoenix.execute.outcomes import LeftAlone, Outcome, Promoted, Refused, read, to_data
from phoenix.execute.ownership import OwnedRun, StandstillError
from phoenix.plan.actions import Plan, Step
from phoenix.record.journal import Event, Part, Run, RunState, What
from phoenix.record.origin import Origin
from phoenix.record.store import DamagedError
from phoenix.tell import Level, Teller, Told

A = TypeVar("A")
A_contra = TypeVar("A_contra", contravariant=True)


LastTimes = Mapping[tuple[Part, str], int]
UNKNOWN: LastTimes = {}


def _unknown(_run: Run) -> LastTimes:
    return UNKNOWN


CLEANUP_TRIES = 3
CLEANUP_PAUSE = 2.0
"""Seconds between two tries at cleaning up."""


class AbortRequestedError(PhoenixError):
    """Another process asked this run to go back. (A roll that went back ends with UndoneError, 6.)"""

    code = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What an action may use besides the world: where to log, how long, whom to tell."""

    run_id: str
    origin: Origin
    """The build and the commit that the run was begun for."""
    part: Part
    step: str
    deadline: float
    """Seconds that the step may take."""
    log_directory: Path
    say: Callable[[str], None]
    came_to: tuple[Outcome, ...]
    """What the run's finished steps came to, in the order in which they ended."""
    renew: Callable[[], None]
    """Called in every round of a wait: keeps the lease, and raises where the run is lost or to be aborted."""


class Performer(Protocol[A_contra]):
    """Does the actions of one union, and knows what is special about some of them."""

    def perform(self, action: A_contra, context: Context) -> Outcome:
        """Do the action and say what it came to."""
        ...

    def outcomes(self, action: A_contra) -> tuple[type[Outcome], ...]:  # noqa: ARG002
        """What the action can come to, so that it is read back from the journal as what it was."""
        return ()

    def waits(self, action: A_contra) -> bool:  # noqa: ARG002 - most actions do something
        """Whether an action only waits: the last one is checked again when a run is resumed."""
        return False

    def holds(self, action: A_contra) -> str:  # noqa: ARG002
        """Why an action waits for a person; empty for all that do not."""
        return ""

    def owes(self, action: A_contra) -> bool:  # noqa: ARG002
        """Whether an action of the cleanup writes down what is due later: until it is done the run is not over."""
        return False


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine(Generic[A]):
    """Carries out plans whose actions are of one union."""

    performer: Performer[A]
    changes_traffic: bool
    """Whether a failure ends in exit code 6 (a roll) or in the failed step's own (a bake, a publication)."""
    clock: Clock
    logs: Path
    """Each run's files go into a directory of its id in here."""
    tell: Teller
    last_times: Callable[[Run], LastTimes] = _unknown
    """How many seconds each step took in the last such run, as far as anybody knows; only told."""
    leaves: str = ""
    """Of plans that nothing can undo: what stands after a failure, in a sentence. There is no way back then."""

    def execute(self, owned: OwnedRun, plan: Plan[A]) -> None:
        """Walk the plan from wherever its journal stands to its end.

        Raises UndoneError (or the step's own error, see `changes_traffic`), InterruptedRunError,
        UndoFailedError, HeldError or LostRunError; returns where the plan is done.
        """
        if owned.run.state is RunState.COMMITTED:
            self._clean_up(owned, plan)
            return
        if owned.run.state in (RunState.UNDOING, RunState.STUCK):
            self.undo(owned, plan, AbortRequestedError("the run was being undone when its process ended"))
            return
        if owned.run.state is RunState.HELD:  # only a person's word changes that
            hold = self._next(owned, plan)
            raise self._held(owned, self.performer.holds(hold.action) if hold else "")
        try:
            last = self._last_times(owned)
            self._walk(owned, plan, Part.STEPS, last, resume=True)
            owned.write(state=RunState.COMMITTED)
        except (LostRunError, HeldError, StandstillError, DamagedError):
            raise
        except OverriddenError as error:
            owned.end(RunState.STUCK, self._error(owned, Part.STEPS, error))
            raise
        except PhoenixError as error:
            self.undo(owned, plan, error)
        except KeyboardInterrupt as interrupt:
            self.undo(owned, plan, _interrupted(interrupt))
        else:
            self._clean_up(owned, plan, last)

    def promote(self, owned: OwnedRun, plan: Plan[A], who: str, why: str) -> None:
        """Give the hold at which the run stands its outcome, and go on. RefusedError where it stands at none."""
        hold = self._next(owned, plan)
        if owned.run.state is not RunState.HELD or hold is None or not self.performer.holds(hold.action):
            raise RefusedError(
                f"{owned.run.id} does not wait for anybody",
                details=f"it is {owned.run.state}",
                resolution="See `phoenix status`.",
            )
        data = to_data(Promoted(promoted_by=who, why=why))
        owned.write(owned.event(What.OUTCOME, part=Part.STEPS, step=hold.id, data=data), state=RunState.RUNNING)
        self.execute(owned, plan)

    def _next(self, owned: OwnedRun, plan: Plan[A]) -> Step[A] | None:
        """The first step without an outcome."""
        return next((step for step in plan.steps if owned.run.outcome(Part.STEPS, step.id) is None), None)

    def abort(self, owned: OwnedRun, plan: Plan[A], why: str) -> None:
        """Walk the way back of a run taken over from another process; past its commit point, finish it instead."""
        if owned.run.state is RunState.COMMITTED:
            self._clean_up(owned, plan)
        else:
            self.undo(owned, plan, AbortRequestedError("aborted", details=why))

    def undo(self, owned: OwnedRun, plan: Plan[A], cause: PhoenixError) -> None:
        """Walk the way back, then raise what `cause` amounts to. A signal does not break it off."""
        if self.leaves:
            raise self._left(owned, cause)
        try:
            self._go_back(owned, plan, cause)
        except KeyboardInterrupt as interrupt:  # the first signal; from now on they are ignored
            cause = _interrupted(interrupt)
            if not owned.run.state.ended:
                self._go_back(owned, plan, cause)
        raise self._undone(owned, plan, cause)

    def _left(self, owned: OwnedRun, cause: PhoenixError) -> PhoenixError:
        """End the run where it is; what `cause` amounts to."""
        owned.end(RunState.FAILED, self._error(owned, Part.STEPS, cause))
        if isinstance(cause, InterruptedRunError):
            cause.details = self.leaves
        elif isinstance(cause, AbortRequestedError):
            cause.details = "; ".join(filter(None, (cause.details, self.leaves)))
        return cause

    def _go_back(self, owned: OwnedRun, plan: Plan[A], cause: PhoenixError) -> None:
        self._say(owned, f"going back: {cause.brief}")
        owned.write(self._error(owned, Part.STEPS, cause), state=RunState.UNDOING)
        try:
            self._walk(owned, plan, Part.BACK, UNKNOWN, resume=False)  # who goes back is in a hurry
        except (LostRunError, StandstillError, DamagedError):
            raise
        except PhoenixError as error:
            owned.end(RunState.STUCK, self._error(owned, Part.BACK, error))
            raise UndoFailedError(
                f"{owned.run.kind} of {plan.subject} failed and its way back failed too: {error.brief}",
                details=f"first: {cause}\nthen: {error}",
                resolution=f"Look at what serves with `phoenix status`, mend it, then `phoenix abort {owned.run.id}`.",
            ) from error
        owned.end(RunState.UNDONE)

    def _last_times(self, owned: OwnedRun) -> LastTimes:
        """They are only told: whatever goes wrong with them, the run goes on, with a lease that is good."""
        try:
            return self.last_times(owned.run)
        except Exception:
            return UNKNOWN
        finally:
            owned.renew()

    def _walk(self, owned: OwnedRun, plan: Plan[A], part: Part, last: LastTimes, *, resume: bool) -> None:
        """Do the steps of a part that have no outcome yet, in order. On the way back everything is done again."""
        steps = {Part.STEPS: plan.steps, Part.BACK: plan.back, Part.CLEANUP: plan.cleanup}[part]
        finished: list[Event] = []
        done = [step for step in steps if resume and owned.run.outcome(part, step.id) is not None]
        waited, todo = (
            [step for step in done if self.performer.waits(step.action)],
            [step for step in steps if step not in done],
        )
        again = waited[-1:] if todo and not self._half_way_to_a_wait(owned, part, todo) else []
        for step in [*again, *todo]:
            intent, held = owned.event(What.INTENT, part=part, step=step.id), self.performer.holds(step.action)
            owned.write(*finished, intent, state=RunState.HELD if held else None)
            if part is Part.STEPS:
                self._obey_abort(owned)
            if held:
                raise self._held(owned, held)
            self._say(owned, f"{step.id} ...", step.id, last.get((part, step.id)))
            outcome = self._perform(step, self._context(owned, plan, part, step))
            finished = [owned.event(What.OUTCOME, part=part, step=step.id, data=to_data(outcome))]
        if finished:
            owned.write(*finished)
        if part is Part.STEPS:
            self._obey_abort(owned)

    def _half_way_to_a_wait(self, owned: OwnedRun, part: Part, todo: list[Step[A]]) -> bool:
        """Whether the first step may be half done and a wait follows it: until it is whole no earlier wait can pass."""
        return owned.run.began(part, todo[0].id) and any(self.performer.waits(step.action) for step in todo[1:2])

    def _perform(self, step: Step[A], context: Context) -> Outcome:
        """Do the step. Anything but a PhoenixError (a full disk, a bug) becomes one: undone all the same."""
        self._make_room(context)
        try:
            return self.performer.perform(step.action, context)
        except RefusedError as error:
            if context.part is not Part.CLEANUP:
                raise
            context.say(f"passed over: {error.brief}")  # somebody else decided so meanwhile: nothing is due here
            return Refused(refused=error.brief)
        except PhoenixError:
            raise
        except Exception as error:
            raise PhoenixError(
                f"{step.id} failed in a way that nobody foresaw",
                details=f"{type(error).__name__}: {error}",
                resolution="See that the disk has room; if that is not it, please report it.",
            ) from error

    def _make_room(self, context: Context) -> None:
        """Make the directory of the run's files; only on the way forward is it worth failing for."""
        try:
            context.log_directory.mkdir(parents=True, exist_ok=True, mode=0o700)  # tools may log what is private
        except OSError as error:
            if context.part is Part.STEPS:
                raise RefusedError(
                    "the run's files have no place",
                    details=f"{context.log_directory}: {error.strerror}",
                    resolution="Make the directory writable, or give the disk room, then try again.",
                ) from error
            context.say(f"no files are kept of this step: {error}")

    def _clean_up(self, owned: OwnedRun, plan: Plan[A], last: LastTimes = UNKNOWN) -> None:
        """What follows the commit point: tried again, never undone; what stays undone is due for `tend`."""
        try:
            left = self._tidy(owned, plan, last)
            if left is None:
                owned.end(RunState.DONE)
                return
        except KeyboardInterrupt as interrupt:
            left = _interrupted(interrupt)
        if owned.run.state.ended:
            return
        self._say(owned, f"done, but cleaning up is left to `phoenix tend`: {left.brief}")
        owed = [
            s.id
            for s in plan.cleanup
            if self.performer.owes(s.action) and owned.run.outcome(Part.CLEANUP, s.id) is None
        ]
        if owed:  # nobody would ever know what is due: whoever finds this process dead goes on here
            owned.write(self._error(owned, Part.CLEANUP, left))
        else:
            owned.end(RunState.DONE, self._error(owned, Part.CLEANUP, left))

    def _tidy(self, owned: OwnedRun, plan: Plan[A], last: LastTimes) -> PhoenixError | None:
        """Walk the cleanup, some times if need be; the last failure, or None."""
        left: PhoenixError | None = None
        for attempt in range(1, CLEANUP_TRIES + 1):
            if attempt > 1:
                self.clock.sleep(CLEANUP_PAUSE)
            try:
                self._walk(owned, plan, Part.CLEANUP, last, resume=True)
            except (LostRunError, StandstillError, DamagedError):
                raise
            except PhoenixError as error:
                left = error
                owned.write(self._error(owned, Part.CLEANUP, error))
                self._say(owned, f"cleaning up, try {attempt} of {CLEANUP_TRIES}: {error.brief}")
            else:
                return None
        return left

    def _context(self, owned: OwnedRun, plan: Plan[A], part: Part, step: Step[A]) -> Context:
        def renew() -> None:
            owned.renew()
            if part is Part.STEPS:
                self._obey_abort(owned)

        return Context(
            run_id=owned.run.id,
            origin=owned.run.origin,
            part=part,
            step=step.id,
            deadline=step.deadline,
            log_directory=self.logs / owned.run.id,
            came_to=self._came_to(owned, plan.steps, Part.STEPS),
            say=lambda text: self._say(owned, f"{step.id}: {text}", step.id),
            renew=renew,
        )

    def _say(self, owned: OwnedRun, text: str, step: str = "", last: int | None = None) -> None:
        self.tell(Told(level=Level.SAY, text=text, run=owned.run.id, step=step, last_time=last))

    def _came_to(self, owned: OwnedRun, steps: tuple[Step[A], ...], part: Part) -> tuple[Outcome, ...]:
        """What the steps of a part came to, as far as they have ended, in that order."""
        actions = {step.id: step.action for step in steps}
        ended = owned.run.outcomes(part).items()
        return tuple(read(data, self.performer.outcomes(actions[name])) for name, data in ended if name in actions)

    def _obey_abort(self, owned: OwnedRun) -> None:
        request = owned.abort_request
        if request is not None:
            raise AbortRequestedError(f"{request.who} asked to abort", details=request.why)

    def _error(self, owned: OwnedRun, part: Part, error: PhoenixError) -> Event:
        data = {"brief": error.brief, "details": error.details, "code": error.exit_code}
        return owned.event(What.ERROR, part=part, data=data)

    def _held(self, owned: OwnedRun, reason: str) -> HeldError:
        return HeldError(
            f"{owned.run.subject} is held: {reason}",
            details=f"{owned.run.id} waits for a person and keeps the service; nothing ends it by itself",
            resolution=f"`phoenix promote {owned.run.id}` goes on, `phoenix abort {owned.run.id}` goes back.",
        )

    def _undone(self, owned: OwnedRun, plan: Plan[A], cause: PhoenixError) -> PhoenixError:
        if isinstance(cause, InterruptedRunError) or not self.changes_traffic:
            return cause
        notes = [each.note for each in self._came_to(owned, plan.back, Part.BACK) if isinstance(each, LeftAlone)]
        after = " ".join(notes) or "Routing is as before."
        return UndoneError(
            f"{owned.run.kind} of {plan.subject} failed and was undone: {cause.brief}",
            details=cause.details,
            resolution=" ".join(filter(None, (after, cause.resolution, f"See `phoenix run show {owned.run.id}`."))),
        )


def _interrupted(interrupt: KeyboardInterrupt) -> InterruptedRunError:
    number = interrupt.signal_number if isinstance(interrupt, Terminated) else int(signal.SIGINT)
    return InterruptedRunError(
        f"interrupted by {signal.Signals(number).name}",
        signal_number=number,
        details="what was begun has been undone",
        resolution="Run the command again when you like.",
    )
