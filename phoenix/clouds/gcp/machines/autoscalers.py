"""Autoscalers of managed groups, each with the name of its group where phoenix made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phoenix.clouds.api import Between, idle
from phoenix.clouds.gcp import refusals
from phoenix.clouds.gcp.calls import Answer, Calls, RefusedCallError
from phoenix.clouds.gcp.machines.group_reading import Found
from phoenix.clouds.gcp.machines.homes import Home
from phoenix.clouds.gcp.patience import briefly

OFF = "OFF"


class Autoscalers:
    """Those of one project's groups, and of others where they are pinned."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def of(self, group: Found) -> Answer | None:
        """The group's autoscaler, freshly read; None where it has none."""
        if not group.autoscaler:
            return None
        return self._calls.find(group.home.autoscalers, "get", **group.home.place, autoscaler=group.autoscaler)

    def make(self, home: Home, body: Mapping[str, Any], *, between: Between = idle) -> None:
        """An autoscaler like `body`; one of that name is done."""
        try:
            self._calls.change(home.autoscalers, "insert", **home.place, body=body, between=between)
        except RefusedCallError as error:
            if error.said != refusals.EXISTS:
                raise

    def change(
        self, group: Found, *, policy: Mapping[str, Any], description: str | None = None, between: Between = idle
    ) -> None:
        """Change these parts of the policy, and the description where one is given; nothing else of it.

        UnreachableError where it takes longer than a lease lets anybody wait who gives no `between`.
        """
        described = {} if description is None else {"description": description}
        if not policy and not described:
            return
        body = {"name": group.autoscaler, **described, **({"autoscalingPolicy": dict(policy)} if policy else {})}
        begun = self._calls.begin(
            group.home.autoscalers, "patch", **group.home.place, autoscaler=group.autoscaler, body=body
        )
        if between is idle:
            briefly(self._calls, begun)
        else:
            self._calls.await_done(begun, between=between)

    def delete(self, group: Found, *, between: Between = idle) -> None:
        """Remove the group's autoscaler; none there is done."""
        try:
            self._calls.change(
                group.home.autoscalers, "delete", **group.home.place, autoscaler=group.autoscaler, between=between
            )
        except RefusedCallError as error:
            if error.said != refusals.NOT_FOUND:
                raise


def policy_of(autoscaler: Answer | None) -> Mapping[str, Any]:
    """Its policy; empty where there is none."""
    found: Mapping[str, Any] = autoscaler.get("autoscalingPolicy", {}) if autoscaler else {}
    return found
