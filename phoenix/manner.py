"""What a cloud can do, and how a balancer behaves: told by each cloud itself, so that nobody has to ask what it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BootSeen(StrEnum):
    """How it is known that a machine's boot work is done, or has failed."""

    TOLD = "told"
    """The machine reports it."""
    CONSOLE = "console"
    """A failure stands on its serial console; that it is done is shown by the health check alone."""


class DrainedBy(StrEnum):
    """Who sees to it that machines finish their requests before they end."""

    REQUESTS = "requests"
    """Phoenix: the balancer shows how many requests are under way."""
    MANAGER = "manager"
    """The group's own manager, when it ends machines; nobody shows the number."""


class PreviewBy(StrEnum):
    """How a group alone is reached, traffic or not."""

    ADDRESS = "address"
    HEADER = "header"
    HOST = "host"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Abilities:
    """What a cloud can do."""

    builders: tuple[str, ...]
    """What can bake images on it (which one `auto` amounts to: `Cloud.builder`)."""
    proofs: tuple[str, ...]
    """What images can be verified on, where there is a choice (`model.Proof`); else they are booted."""
    boot: BootSeen
    heals: bool
    """Whether it replaces machines of a group by itself."""
    autoscaler: bool
    """Whether it may change the size of a group by itself, so that groups have to be pinned meanwhile."""
    zones: bool
    here_only: bool
    """Whether its machines can be reached from the computer they run on only."""
    alarms: bool = False
    """Whether it has alarms that can be read by their names."""
    near: tuple[str, ...] = ()
    """Those of its builders that reach this computer's loopback ports as this computer does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How the balancer of one place behaves, and how long things take there. Times in seconds.

    Planners take deadlines from it and performers intervals: they know no cloud.
    """

    exact_shares: bool
    """Whether each group gets the percent it is given; else whoever has a share gets what its machines can bear."""
    drain: DrainedBy
    preview: PreviewBy
    settles: float
    """How long after a shift some requests may still go the former way."""
    quick: float
    """What a step may take that is a call or two."""
    create: float
    """What starting or ending machines may take, without their boot."""
    look: float
    """Between two looks at what is waited for; clouds count how often they are asked."""
    damped: bool = False
    """Whether a machine that misses one check is still shown as healthy: it takes more of them."""
    first_serves: bool = False
    """Whether a group that is attached where no other is cannot be without traffic: it serves at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """Where a group alone answers: a url, and what a request must say so that it gets there."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What is to be known of a group before another takes its place, besides what it is made of."""

    not_carried: tuple[str, ...] = ()
    """What it has that its successor would lack, in words, each with its name."""
    told: tuple[str, ...] = ()
    """What is special about its machines: set aside, protected."""
    busy: str = ""
    """What replaces its machines by itself just now: nothing is decided on such a group. Empty: nothing."""


class Ring(StrEnum):
    """What an alarm says."""

    RINGING = "ringing"
    QUIET = "quiet"
    UNKNOWN = "unknown"
    """It has no data, or nobody could tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """An alarm of a cloud as it is now; `why` in the cloud's own words."""

    name: str
    ring: Ring
    why: str = ""


class State(StrEnum):
    """What a finding amounts to."""

    FINE = "ok"
    NOTE = "note"
    """Works, or is not needed here; good to know."""
    LACK = "lack"
    """Something that is needed does not work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing looked at. `remedy` is empty where nothing is to be done."""

    state: State
    subject: str
    found: str
    remedy: str = ""


HEADERS = 16 * 1024
"""Bytes that the headers of a request, and of an answer, may have at a balancer of phoenix's own."""


class Forwarded(StrEnum):
    """What a balancer does about the addresses that a client says a request came by (X-Forwarded-For, Forwarded)."""

    REPLACE = "replace"
    """They go; X-Forwarded-For is the address that the balancer saw."""
    APPEND = "append"
    """They stay, and the address that the balancer saw comes after them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """What a balancer gives up waiting for, and when. In seconds."""

    connect: float = 5.0
    """For a machine to accept a connection."""
    response: float = 60.0
    """For a machine's next word while it owes an answer."""
    idle: float = 60.0
    """For a client's next word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stray:
    """A machine with the labels of a group of the project that is in none: somebody took it out, and it runs on."""

    id: str
    group: str
    """The group that made it."""
    service: str
    environment: str
    zone: str
    state: str
    """In the cloud's word."""
