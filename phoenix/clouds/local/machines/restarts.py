"""How often a machine's services ended and were started again, as systemd says on the console.

A group is looked at several times a second and a log may be long: of each only what is new is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from phoenix.clouds.local.machines import guest

_AGAIN = re.compile(
    rb"^(?:\[ *[0-9.]+\]|\S+ \S+) systemd\[1\]: (?!phoenix-|systemd-)\S+\.service: Scheduled restart job", re.MULTILINE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Counted:
    """How much of a log was read, and what was found in it."""

    read: int
    found: int


class Restarts:
    """Counts by console log, over any number of looks."""

    def __init__(self) -> None:
        self._counted: dict[Path, _Counted] = {}

    def of(self, console: Path) -> int:
        """How many restarts the log tells of so far."""
        before = self._counted.get(console)
        if before is None:
            set_aside, _end = guest.new_lines(guest.set_aside(console), 0)
            before = _Counted(read=0, found=len(_AGAIN.findall(set_aside)))
        elif guest.length(console) < before.read:  # it was set aside: what came since the last look is not counted
            before = _Counted(read=0, found=before.found)
        new, end = guest.new_lines(console, before.read)
        now = _Counted(read=end, found=before.found + len(_AGAIN.findall(new)))
        self._counted[console] = now
        return now.found
