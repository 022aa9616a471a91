"""Which process is at work on an image, as the tags of what it makes tell it.

On the same computer it is known whether that process lives. Of another one only time tells: no bake takes longer than
LONGEST, and its machines end themselves by then.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from phoenix.clock import from_rfc3339
from phoenix.clouds.aws import labels
from phoenix.tools.process import ProcessId, boot_id

LONGEST = 5400.0
"""Seconds: the time that a build and a verification may take together, and a quarter of an hour for clocks that
differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Baker:
    """Somebody who bakes: a process, and what tells two of its bakers from each other."""

    where: str
    """The computer, since it was started, and the part of its processes that this one sees."""
    pid: int
    started: int
    token: str = field(default_factory=lambda: secrets.token_hex(4))

    @classmethod
    def here(cls) -> Baker:
        """One of this process."""
        process = ProcessId.of(os.getpid())
        return cls(where=_here(), pid=os.getpid(), started=process.started if process else 0)

    def __str__(self) -> str:
        return f"{self.where}/{self.pid}/{self.started}/{self.token}"

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Whether it made the thing of these tags."""
        return tags.get(labels.BAKER) == str(self)


def left(tags: Mapping[str, str], now: datetime) -> bool:
    """Whether nobody is at work any more on the unfinished thing of these tags."""
    return _dead(tags.get(labels.BAKER, "")) or _age(tags.get(labels.SINCE, ""), now) > LONGEST


def _dead(baker: str) -> bool:
    """Whether that process is known not to run any more."""
    where, _, rest = baker.partition("/")
    pid, _, rest = rest.partition("/")
    started, _, _token = rest.partition("/")
    if where != _here() or not (pid.isdigit() and started.isdigit()):
        return False
    return not ProcessId(pid=int(pid), started=int(started), boot=boot_id()).alive


def _age(since: str, now: datetime) -> float:
    """Seconds; 0 where nobody wrote when it began: then it is no bake's of phoenix."""
    try:
        return (now - from_rfc3339(since)).total_seconds()
    except ValueError:
        return 0.0


def _here() -> str:
    """A container sees other processes under the same numbers: it counts as another computer."""
    return f"{boot_id()}.{Path('/proc/self/ns/pid').stat().st_ino}"
