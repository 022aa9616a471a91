"""What the steps of a roll come to. Fields bear the journal's names: a run of an older phoenix is read as well."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.execute.outcomes import LeftAlone, Outcome
from phoenix.plan.roll_actions import (
    CreateGroup,
    DeleteGroup,
    Drain,
    EnsureSize,
    Hold,
    KeepGroup,
    Measure,
    Pin,
    RunHooks,
    SaveLogs,
    SetTraffic,
    Shrink,
    Soak,
    Unpin,
    WaitHealthy,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """The live size as a run has counted it."""

    whole: int
    """What it is, the machines included that the run itself has taken away."""
    live: int
    """How many machines the live groups wanted at that moment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counting(Outcome):
    """An outcome of a step that has counted the live size, unless its size was a plain number."""

    whole: int | None = None
    live: int | None = None

    @property
    def count(self) -> Count | None:
        """What was counted, if anything was."""
        return None if self.whole is None or self.live is None else Count(whole=self.whole, live=self.live)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured(Counting):
    """What serves at the start: the stable group's size and healthy machines, and the floor that follows."""

    group: str
    size: int
    healthy: int
    serving: tuple[str, ...]
    floor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Created(Counting):
    """A group that was made."""

    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Sized(Counting):
    """A group that has its size. `started`: machines that were not alive before; `short`: why some are missing."""

    size: int
    started: int
    short: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shrunk(Counting):
    """A group that was made smaller: which machines ended, and how many requests were cut with them."""

    size: int
    ended: tuple[str, ...]
    left: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallAlready(Counting):
    """A group that had no machine too many."""

    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Gone(Outcome):
    """A group that somebody had removed."""

    gone: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen(Outcome):
    """What a wait saw last, in words."""

    seen: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HooksRun(Outcome):
    """The hooks of one point; `failed`: why one was passed over, on the way back."""

    failed: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shifted(Outcome):
    """Traffic that was moved."""

    shares: dict[str, int]
    at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Drained(Outcome):
    """A group without new requests: how many were still under way when the time for them was over."""

    left: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept(Outcome):
    """A group that is kept until then, or no longer to be burnt (None)."""

    keep_until: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pinned(Outcome):
    """A group whose autoscaler may not make it smaller until then, or may again (None)."""

    pinned_until: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NotThere(Outcome):
    """A group to be labelled or pinned that somebody had removed, or that phoenix did not make."""

    group: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved(Outcome):
    """Logs that were saved; `failed`: why not all of them."""

    files: tuple[str, ...]
    failed: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deleted(Outcome):
    """A group that is gone now; whether it was there."""

    existed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """What the finished steps of a run came to, as far as its later steps need to know."""

    outcomes: tuple[Outcome, ...]

    @property
    def measured(self) -> Measured | None:
        """What served at the start; None where nothing did, or before the run had measured it."""
        return next((each for each in self.outcomes if isinstance(each, Measured)), None)

    @property
    def floor(self) -> int:
        """How many healthy machines must have traffic at any moment."""
        return self.measured.floor if self.measured else 0

    @property
    def counts(self) -> tuple[Count, ...]:
        """Every count of the live size, oldest first."""
        found = (each.count for each in self.outcomes if isinstance(each, Counting))
        return tuple(count for count in found if count is not None)

    @property
    def grown(self) -> int:
        """How many machines the live size has grown by between the run's first and last count of it."""
        return max(0, self.counts[-1].whole - self.counts[0].whole) if self.counts else 0

    @property
    def started(self) -> int:
        """How many machines the latest change of a size has started."""
        return next((each.started for each in reversed(self.outcomes) if isinstance(each, Sized)), 0)


OF_ACTIONS: dict[type[object], tuple[type[Outcome], ...]] = {
    Measure: (Measured,),
    CreateGroup: (Created,),
    EnsureSize: (Sized, Seen),
    Shrink: (Shrunk, SmallAlready, Gone),
    WaitHealthy: (Seen,),
    Soak: (Seen,),
    RunHooks: (HooksRun,),
    SetTraffic: (Shifted, LeftAlone),
    Drain: (Drained,),
    Hold: (),
    KeepGroup: (Kept, NotThere),
    Pin: (Pinned, NotThere),
    Unpin: (Pinned,),
    SaveLogs: (Saved,),
    DeleteGroup: (Deleted,),
}
"""What each action of a roll can come to."""
