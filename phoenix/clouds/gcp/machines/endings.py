"""Ending machines of a group: exactly those that are named, or all of them with the group.

A machine of a group behind a balancer is drained by its group before it ends, as long as its backend service says and
up to a minute more (https://cloud.google.com/load-balancing/docs/enabling-connection-draining).
"""

from __future__ import annotations

from collections.abc import Callable

from phoenix.clock import Clock
from phoenix.clouds.api import Between
from phoenix.clouds.gcp import refusals
from phoenix.clouds.gcp.calls import Calls, RefusedCallError
from phoenix.clouds.gcp.machines import group_reading
from phoenix.clouds.gcp.machines.autoscalers import Autoscalers
from phoenix.clouds.gcp.machines.checks import Checks
from phoenix.clouds.gcp.machines.group_reading import Found
from phoenix.clouds.gcp.machines.looks import Looks
from phoenix.clouds.gcp.machines.templates import Templates
from phoenix.errors import UnreachableError
from phoenix.model import InstanceState
from phoenix.wait import Look, Verdict, retry_while_unknown, wait_for

ENDING = 900.0
"""Seconds that a group may take to be gone: its machines end meanwhile."""
LOOK = 2.0
"""Seconds between two attempts."""
AT_ONCE = 1000
"""Machines that one call takes."""
_PASSING = (refusals.IN_USE, refusals.NOT_READY)
"""A balancer, a group that is going, still holds it; or it is being changed."""


class Endings:
    """How machines, groups, and what belongs to groups, end."""

    def __init__(
        self, calls: Calls, looks: Looks, scalers: Autoscalers, templates: Templates, checks: Checks, clock: Clock
    ) -> None:
        self._calls = calls
        self._looks = looks
        self._scalers = scalers
        self._templates = templates
        self._checks = checks
        self._clock = clock

    def end(self, group: Found, instances: frozenset[str], between: Between) -> None:
        """End exactly these; the group wants as many fewer from then on. Those that are gone, or go, are ended."""
        leaving = [
            each.link
            for each in self._looks.members(group)
            if each.name in instances and group_reading.state_of(each)[0] is not InstanceState.LEAVING
        ]
        for start in range(0, len(leaving), AT_ONCE):
            body = {"instances": leaving[start : start + AT_ONCE], "skipInstancesOnValidationError": True}
            between()
            self._calls.change(
                group.home.managers,
                "deleteInstances",
                **group.home.place,
                instanceGroupManager=group.name,
                body=body,
                between=between,
            )
        self._looks.changed(group.name)

    def empty(self, group: Found, between: Between) -> None:
        """End all machines, and remove the group with its autoscaler, which nothing would remove otherwise."""

        def delete() -> None:
            now = self._looks.found(group.name)
            if now is None or now.marks != group.marks:
                return  # gone, or another of that name
            if now.autoscaler:
                self._scalers.delete(now, between=between)
            self._calls.change(
                now.home.managers,
                "delete",
                **now.home.place,
                instanceGroupManager=now.name,
                between=between,
                deadline=ENDING,
            )

        self._insist(f"the end of {group.name}", delete, between)
        self._looks.forget(group.name)

    def clear(self, name: str, between: Between) -> None:
        """Remove what a group of that name had of its own: its template, its check."""
        self._insist(f"the end of the template {name}", lambda: self._templates.delete(name, between=between), between)
        self._insist(f"the end of the check of {name}", lambda: self._checks.delete(name, between=between), between)

    def _insist(self, what: str, delete: Callable[[], None], between: Between) -> None:
        """Delete it as soon as nothing holds it any more."""

        def look() -> Look:
            try:
                delete()
            except UnreachableError as error:
                return retry_while_unknown(error)
            except RefusedCallError as error:
                if error.said == refusals.NOT_FOUND:
                    return Look(verdict=Verdict.PASS, seen="gone")
                if error.said not in _PASSING:
                    raise
                return retry_while_unknown(error)
            return Look(verdict=Verdict.PASS, seen="gone")

        wait_for(what, look, clock=self._clock, deadline=ENDING, interval=LOOK, between=between)
