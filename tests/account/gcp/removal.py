"""Removing what a run made: found by the run's mark, removed by its whole path, looked for again.

A thing is the run's where its label says so, or where both its name begins with the run's and its description names
the run: of what cannot bear a label, phoenix writes into the description whose it is. What needs another thing gone
first is tried again until the time is over; what is left then is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from google.auth.exceptions import GoogleAuthError
from requests.exceptions import RequestException

from phoenix.clock import Clock
from phoenix.wait import DeadlineError, Look, Verdict, wait_for
from tests.account import costs
from tests.account.gcp.ground import Account, RefusedCallError
from tests.account.gcp.project import TAG

INTERVAL = 10.0
"""Seconds."""
KINDS = (
    "aggregated/forwardingRules",
    "aggregated/targetHttpProxies",
    "aggregated/urlMaps",
    "aggregated/backendServices",
    "aggregated/instanceGroupManagers",
    "aggregated/instanceTemplates",
    "aggregated/instances",
    "aggregated/disks",
    "global/images",
    "aggregated/healthChecks",
    "global/firewalls",
)
"""In this order: what names another thing goes before that."""
NOT_FOUND = 404
_UNKNOWN = (RefusedCallError, GoogleAuthError, RequestException)


def removed(
    there: Account,
    tell: Callable[[str], None],
    *,
    clock: Clock | None = None,
    seconds: float = costs.TEARDOWN * 60,
    interval: float = INTERVAL,
) -> tuple[str, ...]:
    """Remove everything of the run; what is left after so many seconds, or could not be looked for."""
    said: list[str] = []
    last: list[tuple[str, ...]] = [()]

    def look() -> Look:
        last[0] = tuple(_round(there, tell, said))
        return Look(verdict=Verdict.UNKNOWN if last[0] else Verdict.PASS, seen=", ".join(last[0]) or "nothing")

    with suppress(DeadlineError):
        wait_for("the removal", look, clock=clock or there.clock, deadline=seconds, interval=interval)
    return last[0]


def _round(there: Account, tell: Callable[[str], None], said: list[str]) -> Iterator[str]:
    """Say to every thing that it is to go; whatever was still there."""
    for kind in KINDS:
        try:
            things = [each for each in there.all(kind) if is_of(there.run, each)]
        except _UNKNOWN as error:
            yield f"whatever {kind.rpartition('/')[2]} there are: {error}"
            continue
        for thing in things:
            path = thing["selfLink"].partition(f"/projects/{there.project}/")[2]
            if path not in said:
                said.append(path)
                tell(f"remove {path}")
            if not _gone(there, path):
                yield path


def is_of(run: str, thing: dict[str, Any]) -> bool:
    """Whether the run made a thing, or phoenix for it."""
    if thing.get("labels", {}).get(TAG) == run:
        return True
    return str(thing["name"]).startswith(run) and run in str(thing.get("description", ""))


def _gone(there: Account, path: str) -> bool:
    """Whether it is no more. A removal that begins now is not the end."""
    try:
        there.ask("DELETE", path)
    except RefusedCallError as error:
        return error.status == NOT_FOUND
    except (GoogleAuthError, RequestException):
        return False
    return False
