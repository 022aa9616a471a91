"""Which process is at work on an image in a cloud, as the labels of what it makes tell it.

On the same computer it is known whether that process lives. Of another one only time tells: no bake takes longer than
LONGEST, and its machines end themselves by then.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from phoenix.tools.process import ProcessId, boot_id

LONGEST = 5400.0
"""Seconds: the time that a build and a verification may take together, and a quarter of an hour for clocks that
differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Baker:
    """Somebody who bakes: a process, and what tells two of its bakers from each other."""

    where: str
    """The computer, since it was started, and the part of its processes that this one sees: 16 digits."""
    pid: int
    started: int
    token: str = field(default_factory=lambda: secrets.token_hex(4))

    @classmethod
    def here(cls) -> Baker:
        """One of this process."""
        process = ProcessId.of(os.getpid())
        return cls(where=_here(), pid=os.getpid(), started=process.started if process else 0)

    def __str__(self) -> str:
        return f"{self.where}_{self.pid}_{self.started}_{self.token}"

    def owns(self, mark: str | None) -> bool:
        """Whether it made the thing that bears this mark."""
        return mark == str(self)


def left(mark: str | None, since: datetime | None, now: datetime) -> bool:
    """Whether nobody is at work any more on the unfinished thing of this mark, which was begun at `since`.

    None where nobody wrote that: then it is no bake's of phoenix, and is left alone.
    """
    return _dead(mark or "") or (since is not None and (now - since).total_seconds() > LONGEST)


def _dead(baker: str) -> bool:
    """Whether that process is known not to run any more."""
    where, *numbers = baker.split("_")
    if where != _here() or len(numbers) != 3 or not all(each.isdigit() for each in numbers[:2]):
        return False
    return not ProcessId(pid=int(numbers[0]), started=int(numbers[1]), boot=boot_id()).alive


def _here() -> str:
    """A container sees other processes under the same numbers: it counts as another computer."""
    whole = f"{boot_id()}.{Path('/proc/self/ns/pid').stat().st_ino}"
    return hashlib.sha256(whole.encode()).hexdigest()[:16]
