"""A run: one value that holds its plan, every event, its owner and its lease.

While it is going it stands under `live/SUBJECT`, created conditionally, so there is one at most; ended, it
stands under `runs/ID`. Values are JSON; times are RFC 3339 in UTC and only for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from phoenix import names
from phoenix.record.origin import UNTOLD, Origin
from phoenix.record.store import damaged
from phoenix.typed import adapter, to_json

PUBLISH = "publish"
"""The kind of a run that publishes packages."""
OF_REPOSITORIES = (PUBLISH, "restore", "retire", "rekey")
"""The kinds of runs that change a repository: restore goes back to a state, retire gives old versions up."""


class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    HELD = "held"
    """Waits for a human; owns its subject without a lease."""
    UNDOING = "undoing"
    COMMITTED = "committed"
    """Its steps are done and will not be undone; its cleanup is under way."""
    DONE = "done"
    UNDONE = "undone"
    STUCK = "stuck"
    """The way back failed: a human has to look."""
    FAILED = "failed"
    """It ended where it failed, and what it had done stands: nobody but Terraform can undo what Terraform did."""
    ABANDONED = "abandoned"
    """A human ended it with `phoenix unlock`, wherever it stood: nothing was undone."""

    @property
    def ended(self) -> bool:
        """Whether the run has left its subject free."""
        return self in (RunState.DONE, RunState.UNDONE, RunState.FAILED, RunState.ABANDONED)


class Part(StrEnum):
    """Which list of the plan a step belongs to."""

    STEPS = "steps"
    BACK = "back"
    CLEANUP = "cleanup"


class What(StrEnum):
    """What an event tells."""

    INTENT = "intent"
    OUTCOME = "outcome"
    ERROR = "error"
    NOTE = "note"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One line of a run's journal."""

    at: str
    what: What
    part: Part | None = None
    step: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """The process that works on a run. `epoch` rises with every take-over."""

    epoch: int
    who: str
    host: str
    pid: int
    started: int
    """The process's start, in ticks after boot: tells it from a later one with its number."""
    boot: str
    pid_namespace: str
    """Numbers of processes mean something only within one boot and one namespace."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What another process asks of the run's owner."""

    what: str
    """`abort` is the only one."""
    who: str
    why: str
    at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run of one plan."""

    id: str
    kind: str
    """roll, rollback, burn, enable, disable, resize, bake, stack, or one of `OF_REPOSITORIES`."""
    subject: str
    state: RunState
    why: str
    started: str
    plan: Mapping[str, Any]
    """The plan as JSON data (`plan.actions.to_json`)."""
    owner: Owner
    lease: int = 0
    """Rises while the owner lives."""
    events: tuple[Event, ...] = ()
    requests: tuple[Request, ...] = ()
    ended: str = ""
    origin: Origin = UNTOLD
    """The build and the commit that it was begun for."""

    @property
    def about(self) -> names.Subject:
        """What the run is about; of one that an older phoenix began too."""
        subject = names.parse_subject(self.subject)
        older = self.kind == PUBLISH and subject.noun is names.Noun.SERVICE
        return names.of_repository(subject.parts[-1]) if older else subject

    def outcome(self, part: Part, step: str) -> Mapping[str, Any] | None:
        """What the step came to, or None while it has no outcome."""
        found = [e for e in self.events if e.what is What.OUTCOME and e.part is part and e.step == step]
        return found[-1].data if found else None

    def began(self, part: Part, step: str) -> bool:
        """Whether a process set about the step, however far it came."""
        return any(e.what is What.INTENT and e.part is part and e.step == step for e in self.events)

    def outcomes(self, part: Part) -> dict[str, Mapping[str, Any]]:
        """What each finished step of `part` came to, by its id, in the order in which they ended."""
        return {e.step: e.data for e in self.events if e.what is What.OUTCOME and e.part is part}

    @property
    def errors(self) -> tuple[Event, ...]:
        """The events that tell of a failure, oldest first."""
        return tuple(e for e in self.events if e.what is What.ERROR)


def live_key(subject: str) -> str:
    """Where the going run of `subject` stands."""
    return f"live/{subject}"


def history_key(run_id: str) -> str:
    """Where an ended run stands."""
    return f"runs/{run_id}"


def _adapter() -> TypeAdapter[Run]:
    return adapter(Run)


def dump(run: Run) -> bytes:
    """The run as bytes for the store."""
    return to_json(_adapter(), run)


def load(data: bytes, key: str = "a run") -> Run:
    """The run that `dump` wrote; DamagedError, which names its `key`, for anything else."""
    try:
        return _adapter().validate_json(data)
    except ValidationError as error:
        raise damaged(key, error) from error
