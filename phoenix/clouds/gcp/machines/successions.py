"""Asking what a live group has beyond its machines."""

from __future__ import annotations

from phoenix.clouds.gcp import links
from phoenix.clouds.gcp.calls import Calls
from phoenix.clouds.gcp.machines import group_reading
from phoenix.clouds.gcp.machines.autoscalers import Autoscalers
from phoenix.clouds.gcp.machines.carried import Live
from phoenix.clouds.gcp.machines.group_reading import Found
from phoenix.clouds.gcp.machines.looks import Looks


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
        return Live(group=answer, autoscaler=self._scalers.of(seen), own_configs=self._own_configs(seen))

    def _own_configs(self, group: Found) -> tuple[str, ...]:
        answers = self._calls.pages(
            group.home.managers,
            "listPerInstanceConfigs",
            **group.home.place,
            instanceGroupManager=group.name,
        )
        return tuple(sorted(links.name_of(each["name"]) for each in answers))
