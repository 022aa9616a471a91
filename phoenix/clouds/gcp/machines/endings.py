"""Ending machines of a group: exactly those that are named, or all of them with the group.

A machine of a group behind a balancer is drained by its group before it ends, as long as its backend service says and
up to a minute more (https://cloud.google.com/load-balancing/docs/enabling-connection-draining).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from phoenix.clock import Clock
from phoenix.clouds.api import Between
from phoenix.clouds.gcp import refusals
from phoenix.clouds.gcp.calls import Calls, RefusedCallError
from phoenix.clouds.gcp.machines import group_reading
from phoenix.clouds.gcp.machines.autoscalers import Autoscalers
from phoenix.clouds.gcp.machines.checks import Checks
from phoenix.clouds.gcp.machines.group_reading import Found
from phoenix.clouds.gcp.machines.looks import Looks
from phoenix.clouds.gcp.machines.successions import Successions
from phoenix.clouds.gcp.machines.templates import Templates
from phoenix.errors import UnreachableError
from phoenix.model import InstanceState
from phoenix.wait import Look, Verdict, retry_while_unknown, wait_for

ENDING = 900.0
"""Seconds that machines, and then their group, may take to be gone once they are drained."""
LOOK = 2.0
"""Seconds between two attempts."""
AT_ONCE = 1000
"""Machines that one call takes."""
_PASSING = (refusals.IN_USE, refusals.NOT_READY)
"""A balancer, a group that is going, still holds it; or it is being changed."""


class Endings:
    """How machines, groups, and what belongs to groups, end."""

    def __init__(
        self,
        calls: Calls,
        looks: Looks,
        scalers: Autoscalers,
        successions: Successions,
        templates: Templates,
        checks: Checks,
        clock: Clock,
    ) -> None:
        self._calls = calls
        self._looks = looks
        self._scalers = scalers
        self._successions = successions
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
                **self._place(group),
                body=body,
                between=between,
            )
        self._looks.changed(group.name)

    def empty(self, group: Found, between: Between) -> None:
        """End all machines, drained as the balancer does it, and wait until they are gone."""
        if group.autoscaler:  # it would start others, and nothing would remove it
            self._scalers.delete(group, between=between)
        if group.size:
            self._calls.change(group.home.managers, "resize", **self._place(group), size=0, between=between)
        self._looks.changed(group.name)
        drain = self._successions.drains(group) if self._looks.members(group) else 0.0
        wait_for(
            f"the end of the machines of {group.name}",
            lambda: self._left(group),
            clock=self._clock,
            deadline=drain + ENDING,
            interval=LOOK,
            between=between,
        )

    def remove(self, group: Found, between: Between) -> None:
        """Remove a group that has no machines any more, and that no balancer knows."""

        def delete() -> None:
            now = self._looks.found(group.name)
            if now is not None and now.marks == group.marks:  # else it is gone, or another has its name
                self._calls.change(now.home.managers, "delete", **self._place(now), between=between, deadline=ENDING)

        self._insist(f"the end of {group.name}", delete, between)
        self._looks.forget(group.name)
        self._templates.forget(group.template)

    def clear(self, name: str, between: Between) -> None:
        """Remove what a group of that name had of its own: its template, its check."""
        self._insist(f"the end of the template {name}", lambda: self._templates.delete(name, between=between), between)
        self._insist(f"the end of the check of {name}", lambda: self._checks.delete(name, between=between), between)

    def _left(self, group: Found) -> Look:
        """Whether machines are left; somebody may have removed the group meanwhile."""
        try:
            now = self._looks.found(group.name)
            there = self._looks.members(now) if now else ()
        except UnreachableError as error:
            return retry_while_unknown(error)
        if not there:
            return Look(verdict=Verdict.PASS, seen="gone")
        some = ", ".join(f"{each.name} {each.action}" for each in there[:3])
        return Look(verdict=Verdict.UNKNOWN, seen=f"{len(there)} machines are left: {some}")

    def _place(self, group: Found) -> Mapping[str, Any]:
        return {**group.home.place, "instanceGroupManager": group.name}

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
