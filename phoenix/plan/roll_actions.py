"""What a roll can do, as frozen actions, and the rules by which sizes are found when a step runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from phoenix.model import Health, MachineKind, Release, Size
from phoenix.plan.actions import Plan, plans_of

Shares = tuple[tuple[str, int], ...]
"""Groups with the part of new requests each gets, 0-100."""


def told(shares: Shares) -> str:
    """Shares as a person reads them."""
    return ", ".join(f"{group} {share} %" for group, share in shares) or "none"


# Sizes are rules: a live group grows and shrinks while a plan runs ----------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchLive:
    """What `share` percent of the live size needs, rounded up; the live size counts as `at_least` so many."""

    at_least: int
    share: int = 100
    rule: Literal["match-live"] = "match-live"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rest:
    """What is left of the live size beside a group that was made for `share` percent of it."""

    at_least: int
    share: int
    rule: Literal["rest"] = "rest"


@dataclass(frozen=True, kw_only=True, slots=True)
class AsFound:
    """As many as the run's own `Measure` found, and as the live size grew by; without one, nothing is changed."""

    rule: Literal["as-found"] = "as-found"


@dataclass(frozen=True, kw_only=True, slots=True)
class Exactly:
    """As many as a person asked for."""

    size: int
    rule: Literal["exactly"] = "exactly"


SizeRule = Annotated[MatchLive | Rest | AsFound | Exactly, Field(discriminator="rule")]

# Actions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """Write down how many machines the group wants and how many serve: sizes and the floor start from it.

    The floor is `min_healthy` percent of the healthy ones (None: 100 below ten of them, 90 from there): no step
    leaves fewer healthy machines with traffic.
    """

    group: str
    min_healthy: int | None
    do: Literal["measure"] = "measure"


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateGroup:
    """Make the group with its release and attach it to the balancer at share 0."""

    group: str
    release: Release
    size: SizeRule
    machine: MachineKind
    port: int
    health: Health
    least: int = 0
    """How many machines the autoscaler leaves at least; 0 in plans of a former version: as many as `size` says."""
    most: int = 0
    """How many it starts at most; 0: as many as `size` says."""
    cpu: int | None = None
    """Percent of load that it aims at."""
    zones: tuple[str, ...] = ()
    pinned: float | None = None
    """Seconds for which no autoscaler may make it smaller: it would, at share 0. None: nothing changes sizes there."""
    do: Literal["create-group"] = "create-group"

    def sized(self, wanted: int, live: int = 0) -> Size:
        """The size of a group that begins with `wanted` machines and is to have `live`, as many as serve now.

        That is kept where it is above `most`. The least may be above what it begins with: no autoscaler is to know it
        before the group's pin is given back.
        """
        return Size(wanted=wanted, least=self.least or wanted, most=max(self.most, wanted, live), cpu=self.cpu)

    @property
    def limits(self) -> Size:
        """The size as the spec has it, for the group's shape."""
        return Size(wanted=self.least, least=self.least, most=self.most, cpu=self.cpu)


@dataclass(frozen=True, kw_only=True, slots=True)
class EnsureSize:
    """Make an existing group at least as large as the rule says, its dead machines replaced."""

    group: str
    size: SizeRule
    best_effort: bool = False
    """Whether to go on with the machines that are there where no more can be started."""
    do: Literal["ensure-size"] = "ensure-size"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shrink:
    """Make a group smaller: the surplus machines get no new request, finish theirs within `drain` seconds, and end."""

    group: str
    size: SizeRule
    drain: float
    shares: Shares
    """The routes as the run has set them; where somebody has moved traffic since, nothing is made smaller."""
    first: tuple[str, ...] = ()
    """Machines that go before any other, by their ids; those that are gone already are passed over."""
    do: Literal["shrink"] = "shrink"


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitHealthy:
    """Wait until as many instances as the group's floor have finished their boot work and pass the balancer's health
    check, steadily. The floor is `min_healthy` percent of its size (None: 100 below ten, 90 from there).
    """

    group: str
    health: Health
    min_healthy: int | None = None
    settled: bool = False
    """Whether one look is enough unless the step before has started machines."""
    patience: float | None = None
    """Seconds after which any healthy machine is enough: who rolls back wants to get away from what serves."""
    do: Literal["wait-healthy"] = "wait-healthy"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunHooks:
    """Run the commands of one point of the roll, in order. `digests` are their files' SHA-256."""

    point: Literal["before_traffic", "after_traffic", "on_abort"]
    group: str
    commands: tuple[str, ...]
    timeouts: tuple[float, ...]
    digests: tuple[str, ...]
    do: Literal["run-hooks"] = "run-hooks"


@dataclass(frozen=True, kw_only=True, slots=True)
class SetTraffic:
    """Give the groups their shares in one write, then read them back from the balancer."""

    shares: Shares
    known: tuple[Shares, ...] = ()
    """The shares that stood when the plan was made and all that it sets, in order: any others are somebody's hand."""
    former: str | None = None
    """The group that served before, for the record, where one group gets everything."""
    min_healthy: int | None = None
    """Percent of a group's machines that must be healthy before it gets more."""
    guarded: bool = True
    """Whether groups that get more must be whole and large enough; else it is enough that they answer."""
    fertile: bool = False
    """Whether groups that get more must also be able to start machines: nobody who only wants away is held by that."""
    alarms: tuple[str, ...] = ()
    """None of these may ring before and while the shift settles; all of them have to tell that they do not."""
    do: Literal["set-traffic"] = "set-traffic"


@dataclass(frozen=True, kw_only=True, slots=True)
class Soak:
    """Watch for `seconds` that the group stays healthy without a break and that the shares stay as they were set."""

    group: str
    seconds: float
    shares: Shares
    min_healthy: int | None = None
    alarms: tuple[str, ...] = ()
    """They have to tell that they do not ring, all the time."""
    do: Literal["soak"] = "soak"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """End the process and wait for a person: `phoenix promote` goes on, `phoenix abort` goes back."""

    reason: str
    do: Literal["hold"] = "hold"


@dataclass(frozen=True, kw_only=True, slots=True)
class Drain:
    """Wait until the balancer says that the group (share 0) has no request under way, at most `seconds`."""

    group: str
    seconds: float
    do: Literal["drain"] = "drain"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepGroup:
    """Label the former group: ready to take traffic back for `seconds`, then `tend` burns it. None: no label."""

    group: str
    seconds: float | None
    anew: bool = True
    """Whether a label that the group bears already begins anew."""
    do: Literal["keep-group"] = "keep-group"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """Let no autoscaler make the group smaller for `seconds`; larger it may. A pin that is over `tend` gives back."""

    group: str
    seconds: float
    do: Literal["pin"] = "pin"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpin:
    """Give the group's pin back, unless it is kept without traffic."""

    group: str
    do: Literal["unpin"] = "unpin"


@dataclass(frozen=True, kw_only=True, slots=True)
class SaveLogs:
    """Copy the console, boot and service log of the group's instances into the run's record."""

    group: str
    do: Literal["save-logs"] = "save-logs"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteGroup:
    """Detach the group from the balancer and end its machines; refused while it has a share."""

    group: str
    adopt: bool = False
    """Whether it may be one that phoenix did not make: a person said so."""
    do: Literal["delete-group"] = "delete-group"


RollAction = (
    Measure
    | CreateGroup
    | EnsureSize
    | Shrink
    | WaitHealthy
    | RunHooks
    | SetTraffic
    | Soak
    | Hold
    | Drain
    | KeepGroup
    | Pin
    | Unpin
    | SaveLogs
    | DeleteGroup
)


def roll_plan(data: object) -> Plan[RollAction]:
    """The roll's plan that `to_json` wrote; pydantic's ValidationError for anything else."""
    plan: Plan[RollAction] = plans_of(RollAction).validate_python(data)
    return plan
