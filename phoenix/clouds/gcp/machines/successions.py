"""Asking what a live group has beyond its machines."""

from __future__ import annotations

from phoenix.clouds.gcp import links
from phoenix.clouds.gcp.calls import Calls
from phoenix.clouds.gcp.machines import group_reading
from phoenix.clouds.gcp.machines.autoscalers import Autoscalers
from phoenix.clouds.gcp.machines.carried import Live
from phoenix.clouds.gcp.machines.group_reading import Found
from phoenix.clouds.gcp.machines.looks import Looks

AFTER_DRAIN = 60.0
"""Seconds after it in which a group notices that a machine is drained."""
_DRAINING = "items/*/backendServices(name,backends/group,connectionDraining),nextPageToken,unreachables"


class Successions:
    """What groups have of their own: an autoscaler, configurations of single machines."""

    def __init__(self, calls: Calls, looks: Looks, scalers: Autoscalers) -> None:
        self._calls = calls
        self._looks = looks
        self._scalers = scalers

    def live(self, name: str) -> Live | None:
        """All that the group has; None where there is no such group."""
        answer = self._looks.answer(name)
        if answer is None:
            return None
        seen = group_reading.found(answer)
        stateful = answer.get("status", {}).get("stateful", {}).get("hasStatefulConfig", False)
        own = self._own_configs(seen) if stateful else ()
        return Live(group=answer, autoscaler=self._scalers.of(seen), own_configs=own)

    def drains(self, group: Found) -> float:
        """Seconds that a machine of the group may take to leave: its balancer's draining, and the minute after it."""
        services = self._calls.pages("backendServices", "aggregatedList", fields=_DRAINING)
        times = [
            int(each.get("connectionDraining", {}).get("drainingTimeoutSec", 0)) + AFTER_DRAIN
            for each in services
            if any(links.same(backend.get("group", ""), group.instance_group) for backend in each.get("backends", ()))
        ]
        return max(times, default=0.0)

    def _own_configs(self, group: Found) -> tuple[str, ...]:
        answers = self._calls.pages(
            group.home.managers,
            "listPerInstanceConfigs",
            **group.home.place,
            instanceGroupManager=group.name,
        )
        return tuple(sorted(links.name_of(each["name"]) for each in answers))
