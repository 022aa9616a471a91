"""Calls and operations that go wrong, as a test wants them to."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What becomes of some calls of a method."""

    method: str
    """As discovery names it, without `compute.`; a regular expression that fits the whole name. `group.create` is what
    a managed group does by itself, `oauth2.token` the token endpoint; a method of another host is called as the
    permission that it needs: `secretmanager.versions.access`."""
    reason: str = ""
    """The API's reason, such as `rateLimitExceeded`; empty for a call that is carried out."""
    status: int = 503
    message: str = ""
    code: str = ""
    """Of an operation's error, such as `QUOTA_EXCEEDED`: the call is accepted, and its operation ends so."""
    times: int = 1
    """So many calls, after the first `skip`."""
    skip: int = 0
    delay: float = 0.0
    """REAL seconds before anything happens."""
    lost: bool = False
    """The call is carried out, and the connection is cut without an answer."""

    def fits(self, method: str) -> bool:
        """Whether such a call is meant."""
        return bool(re.fullmatch(self.method, method.removeprefix("compute.")))

    @property
    def words(self) -> str:
        """The message."""
        return self.message or f"{self.reason or self.code}, as the test wants it"


@dataclass
class _Waiting:
    """A fault that has not met all its calls yet."""

    fault: Fault
    skip: int
    times: int


class Faults:
    """All that are still to come. The first that fits a call is the one it meets."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    def add(self, fault: Fault) -> None:
        """One more."""
        self._waiting.append(_Waiting(fault=fault, skip=fault.skip, times=fault.times))

    def clear(self) -> None:
        """None any more."""
        self._waiting.clear()

    def met(self, method: str) -> Fault | None:
        """The fault of this call."""
        for waiting in self._waiting:
            if not waiting.fault.fits(method) or waiting.times == 0:
                continue
            if waiting.skip:
                waiting.skip -= 1
                continue
            waiting.times -= 1
            return waiting.fault
        return None
