"""What getHealth says of a group's machines, in phoenix's words. Pure.

It tells of the machines that the balancer knows, as it sees them by its own check; of a group that it has not been told
of everywhere yet, of nothing at all: an empty list is not a healthy group
(https://cloud.google.com/compute/docs/reference/rest/v1/backendServices/getHealth).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from phoenix.clouds import rules
from phoenix.clouds.gcp import links
from phoenix.model import Backend

_HEALTHY = "HEALTHY"
NOTHING_YET = "its balancer tells of no machine yet"


def backend(group: str, share: int, statuses: Iterable[Mapping[str, Any]], *, words: str = "") -> Backend:
    """The group as its backend service sees it. A machine is well where every one of its ports is.

    How many requests are under way the balancer does not show. `words`: what else it says of the group.
    """
    states: dict[str, list[str]] = {}
    for status in statuses:
        state = str(status.get("healthState") or "UNKNOWN")
        states.setdefault(links.name_of(status.get("instance", "")), []).append(state)
    well = frozenset(name for name, seen in states.items() if set(seen) == {_HEALTHY})
    checks = {name: next(s for s in seen if s != _HEALTHY) for name, seen in states.items() if name not in well}
    said = rules.told_of_checks(checks) if states else NOTHING_YET
    return Backend(
        group=group,
        share=share,
        healthy=len(well),
        total=len(states),
        requests=None,
        well=well,
        seen="; ".join(filter(None, (said, words))),
        checks=tuple(sorted(checks.items())),
    )
