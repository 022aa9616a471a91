"""Machines that somebody was inside of, replaced by `tend` where `touched_for` says so; a failure makes it wait."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile

from phoenix.clock import from_rfc3339
from phoenix.model import Observed
from phoenix.orders import runs
from phoenix.orders.places import Place
from phoenix.orders.site import Site
from phoenix.plan import due, regroup
from phoenix.record.journal import Run, RunState

KIND = "renew"
"""The kind of a run that replaces one machine."""
FIRST, LONGEST = 600.0, 86400.0
"""Seconds until the next try after one failure; each further one in a row doubles them, up to the longest."""
COUNTED, READ = 9, 100
"""Failures in a row that are looked for: with so many it is the longest; and so many runs are read for them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setback:
    """The latest renewals in a group failed: so many in a row, the last in `run`; it is tried again from `until` on."""

    failures: int
    run: str
    until: datetime


def renew(site: Site, place: Place) -> list[str]:
    """Replace machines that somebody was inside of longer ago than `touched_for`, one by one; what was done."""
    longest = place.environment.touched_for
    if longest is None or place.cloud not in site.project.clouds:
        return []
    did: list[str] = []
    while site.history.live_run(place.subject) is None:
        observed, now = site.observed(place), site.clock.now()
        waiting = {name for name, each in setbacks(site, place, observed).items() if each.until > now}
        found = [each for each in due.snowflakes(observed, now, longest) if each[0].name not in waiting]
        if not found:
            break
        group, instance = found[0]
        plan = regroup.renew(place.service, place.environment, observed, group, instance.id)
        runs.carry_out(site, place, kind=KIND, plan=plan)
        did.append(f"replaced {instance.id}, a snowflake: {instance.touched} was inside of it")
    return did


def setbacks(site: Site, place: Place, observed: Observed) -> Mapping[str, Setback]:
    """The groups whose latest renewal failed, of those with machines that somebody was inside of.

    Reads the record for these alone.
    """
    if place.environment.touched_for is None:
        return {}
    groups = [group.name for group in observed.groups if any(each.touched for each in group.staying)]
    found = {name: _setback(list(islice(_failed(site, place, name), COUNTED))) for name in groups}
    return {name: each for name, each in found.items() if each is not None}


def _failed(site: Site, place: Place, group: str) -> Iterator[Run]:
    """The latest renewals in the group up to one that was good, newest first."""
    latest = islice(site.history.ended(KIND), READ)
    mine = (run for run in latest if run.subject == place.subject and _is_about(run, group))
    return takewhile(lambda run: run.state in (RunState.UNDONE, RunState.FAILED), mine)


def _is_about(run: Run, group: str) -> bool:
    return any(step["action"].get("group") == group for step in run.plan.get("steps", ()))


def _setback(failed: list[Run]) -> Setback | None:
    if not failed:
        return None
    wait = min(LONGEST, FIRST * 2 ** (len(failed) - 1))
    return Setback(
        failures=len(failed), run=failed[0].id, until=from_rfc3339(failed[0].ended) + timedelta(seconds=wait)
    )
