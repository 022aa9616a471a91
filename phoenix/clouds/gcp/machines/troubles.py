"""Why a group cannot start its machines, read from its errors: Google makes a managed machine again for ever, and the
call that asked for it has long succeeded (https://cloud.google.com/compute/docs/instance-groups/getting-info-about-migs).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from phoenix.clouds.gcp import links

PATIENCE = 3
"""So many starts may fail in a place, where the reason may pass."""
_NO_ROOM = re.compile(r"RESOURCE_POOL_EXHAUSTED|STOCKOUT|RESOURCE_OPERATION_RATE_EXCEEDED", re.IGNORECASE)
"""What holds for one zone, and may pass."""
_CERTAIN = re.compile(
    r"QUOTA|LIMIT_EXCEEDED|NOT_FOUND|PERMISSION|FORBIDDEN|INVALID|CONDITION_NOT_MET|UNSUPPORTED|IP_SPACE_EXHAUSTED"
    r"|does not exist|not found|is not authorized|constraint|violat|malformed",
    re.IGNORECASE,
)
"""What does not pass while somebody waits: a quota, a thing that is gone, a right that lacks, a policy."""
_PASSING = re.compile(r"RATE_LIMIT|rateLimitExceeded|INTERNAL|BACKEND_ERROR|NOT_READY", re.IGNORECASE)
_STARTS = ("CREATING", "CREATING_WITHOUT_RETRIES", "RECREATING", "STARTING", "RESUMING", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A start that failed."""

    at: datetime
    code: str
    words: str
    machine: str
    zone: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from another."""
        return self.at.isoformat(), self.machine, self.code


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Why no machine starts."""

    words: str
    certain: bool
    """Whether waiting is pointless."""


def failure(answer: Mapping[str, Any]) -> Failure | None:
    """One of the items of listErrors; None where it is about no start."""
    details = answer.get("instanceActionDetails", {})
    if details.get("action", "") not in _STARTS:
        return None
    error = answer.get("error", {})
    link = details.get("instance", "")
    return Failure(
        at=datetime.fromisoformat(answer["timestamp"]).astimezone(UTC),
        code=str(error.get("code", "")),
        words=" ".join(str(error.get("message", "")).split()),
        machine=links.name_of(link),
        zone=links.part_of(link, "zones"),
    )


def trouble(failures: Iterable[Failure], *, zones: frozenset[str]) -> Trouble | None:
    """What the last starts failed of; None where none did.

    `zones`: those that the group's machines may be in, as far as anybody knows. A zone that has no room is no reason to
    give up while there is another that has not failed as often.
    """
    newest_first = sorted(failures, key=lambda each: each.at, reverse=True)
    if not newest_first:
        return None
    last = newest_first[0]
    words = f"{last.code}: {last.words}" if last.words else last.code or "Google does not say why"
    where = f" (in {last.zone})" if last.zone else ""
    return Trouble(words=words + where, certain=_certain(last, newest_first, zones))


def _certain(last: Failure, failed: list[Failure], zones: frozenset[str]) -> bool:
    said = f"{last.code} {last.words}"
    if _NO_ROOM.search(said):
        often = Counter(each.zone for each in failed if _NO_ROOM.search(f"{each.code} {each.words}"))
        return all(often[zone] >= PATIENCE for zone in zones or {last.zone})
    if _PASSING.search(said):
        return False
    return bool(_CERTAIN.search(said)) or len(failed) >= PATIENCE * max(1, len(zones))
