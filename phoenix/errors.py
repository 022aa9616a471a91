"""Every way phoenix can fail: three sentences each, and the exit code that programs rely on.

PhoenixError                1   a bug, or something nobody foresaw
|- SpecError                2   wrong usage, or mistakes in phoenix.yaml
|- RefusedError             3   a guard said no; nothing was changed
|- ToolError                4   packer, ansible, aptly ... failed; what was begun is cleaned up
|- CloudError               5   a cloud refused or timed out; what was begun is cleaned up
|  |- StaleRouteError          the route is another than the one that was read: it is read again
|  `- UnreachableError          it gave no answer: tried again while there is time; unknown is not no
|- UndoneError              6   a roll failed and was undone; routing is as before
|- UndoFailedError          7   a roll failed and the undo failed; call a human
|  `- OverriddenError           somebody else changed what the run was changing: it stops where it is
|- HeldError                8   a roll waits for `phoenix promote`
|- DriftError               9   the world differs from what was declared
|- LostRunError            10   another process has taken the run over
`- InterruptedRunError    130   Ctrl-C (143: SIGTERM), undone
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class PhoenixError(Exception):
    """An error a person can act on: what happened, the detail, what to do next.

    `facts` are JSON-able and for programs: the run's id and state, what was done all the same.
    """

    code: ClassVar[int] = 1

    def __init__(
        self, brief: str, *, details: str = "", resolution: str = "", facts: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(brief)
        self.brief = brief
        self.details = details
        self.resolution = resolution
        self.facts: Mapping[str, Any] = facts or {}

    @property
    def exit_code(self) -> int:
        """The exit code of the process that ends with this error."""
        return self.code

    def know(self, facts: Mapping[str, Any]) -> None:
        """Add facts that whoever passes the error on knows. What it was raised with stands."""
        self.facts = {**facts, **self.facts}

    def __str__(self) -> str:
        return "\n".join(part for part in (self.brief, self.details, self.resolution) if part)


class SpecError(PhoenixError):
    """Wrong usage of the command line, or mistakes in `phoenix.yaml`."""

    code = 2


class RefusedError(PhoenixError):
    """A guard, a lock, a gate or a missing tool said no before anything was changed."""

    code = 3


class ToolError(PhoenixError):
    """A program that phoenix runs (packer, ansible, aptly, ...) failed."""

    code = 4


class CloudError(PhoenixError):
    """A cloud refused a call or did not answer in time."""

    code = 5


class UnreachableError(CloudError):
    """A cloud, a balancer or a store gave no answer: nobody knows whether it did what it was asked."""


class StaleRouteError(CloudError):
    """The balancer's route is another than the one that the write was decided on; nothing was written."""


class UndoneError(PhoenixError):
    """A run failed after it had begun to change groups or routing, and was undone."""

    code = 6


class UndoFailedError(PhoenixError):
    """A run failed and so did its way back: a human has to look."""

    code = 7


class OverriddenError(UndoFailedError):
    """Somebody else changed what the run was changing: it stops and leaves everything as it is, for a human."""


class HeldError(PhoenixError):
    """A run stands at a hold and waits to be promoted or aborted."""

    code = 8


class DriftError(PhoenixError):
    """The world differs from what is declared."""

    code = 9


class LostRunError(PhoenixError):
    """Another process has taken this run over; this one wrote nothing since."""

    code = 10


class InterruptedRunError(PhoenixError):
    """A signal ended the run and it was undone. `signal_number` decides the exit code."""

    code = 130

    def __init__(self, brief: str, *, signal_number: int, details: str = "", resolution: str = "") -> None:
        super().__init__(brief, details=details, resolution=resolution)
        self.signal_number = signal_number

    @property
    def exit_code(self) -> int:
        """128 + the number of the signal: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.signal_number


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP, raised like Ctrl-C so that every `finally` runs."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number
