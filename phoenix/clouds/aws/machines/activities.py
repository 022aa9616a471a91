"""Why a group cannot start its machines, read from its scaling activities: AWS tries again without a word, for hours.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/CHAP_Troubleshooting.html lists what AWS says there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

PATIENCE = 3
"""So many starts may fail one after the other, where the reason may pass or hold for one zone only."""
_CERTAIN = re.compile(
    r"does not exist|not found|no longer|invalid|not authori[sz]ed|unauthori[sz]ed|not supported|unsupported"
    r"|quota|limit|exceed|max spot instance|client error on launch|client\.|you do not have permission"
    r"|in the ['\"]?(deregistered|deleted|failed)",
    re.IGNORECASE,
)
"""What does not pass while somebody waits: a thing that is gone, a right or a quota that lacks, a refused key."""
_PASSING = re.compile(r"request limit|rate exceeded|throttl", re.IGNORECASE)
"""What sounds like a quota, and is AWS being asked too often."""
_ENDED = ("Successful", "Failed", "Cancelled")


@dataclass(frozen=True, kw_only=True, slots=True)
class Activity:
    """One start or end of machines."""

    id: str
    launch: bool
    status: str
    words: str
    """Why it failed, as AWS says it."""
    started: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Why no machine starts."""

    words: str
    certain: bool
    """Whether waiting is pointless."""


def activity(answer: Mapping[str, Any]) -> Activity:
    """One of the Activities of DescribeScalingActivities."""
    return Activity(
        id=answer["ActivityId"],
        launch=answer.get("Description", "").startswith("Launching"),
        status=answer["StatusCode"],
        words=" ".join(answer.get("StatusMessage", "").split()),
        started=answer.get("StartTime") or datetime.min.replace(tzinfo=UTC),
    )


def trouble(activities: Iterable[Activity], *, old: frozenset[str] = frozenset()) -> Trouble | None:
    """What the last starts failed of, where none has succeeded since; None where they did not.

    `old`: those that were known before more machines were asked for say nothing of these.
    """
    newest_first = sorted(activities, key=lambda each: each.started, reverse=True)
    starts = [each for each in newest_first if each.launch and each.status in _ENDED and each.id not in old]
    failed = list(takewhile(lambda each: each.status == "Failed", starts))
    if not failed:
        return None
    words = failed[0].words or "AWS does not say why"
    certain = bool(_CERTAIN.search(words)) and not _PASSING.search(words)
    return Trouble(words=words, certain=certain or len(failed) >= PATIENCE)
