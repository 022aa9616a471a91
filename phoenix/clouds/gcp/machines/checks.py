"""The autohealing checks of groups: one each, which bears in its description whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from phoenix.clock import Clock
from phoenix.clouds.api import Between, idle
from phoenix.clouds.gcp import labels, refusals
from phoenix.clouds.gcp.calls import Answer, Calls, RefusedCallError
from phoenix.clouds.gcp.machines.launch import check_name
from phoenix.clouds.gcp.machines.templates import FRESH
from phoenix.errors import CloudError

_SHOWN = "items(name,creationTimestamp,description),nextPageToken"


class Checks:
    """Those that this project made."""

    def __init__(self, calls: Calls, project: str, clock: Clock) -> None:
        self._calls = calls
        self._project = project
        self._clock = clock

    def make(self, body: Mapping[str, Any], *, between: Between = idle) -> None:
        """A check like `body`; one of that name that is ours is it, whoever made it: checks are changed in place."""
        there = self._find(body["name"])
        if there is None:
            try:
                self._calls.change("healthChecks", "insert", body=body, between=between)
            except RefusedCallError as error:
                if error.said != refusals.EXISTS:
                    raise
            return
        if self._whose(there) != self._project:
            raise CloudError(
                f"the health check {body['name']} exists, and it is not ours",
                details=f"its description is {there.get('description', '')!r}",
                resolution="Delete it where nobody needs it, then roll again.",
            )
        if not _has(there, body):
            self._calls.change("healthChecks", "update", healthCheck=body["name"], body=body, between=between)

    def delete(self, group: str, *, between: Between = idle) -> None:
        """Remove the check of that group, where it says itself that it is ours."""
        name = check_name(group)
        there = self._find(name)
        if there is None or self._whose(there) != self._project:
            return
        try:
            self._calls.change("healthChecks", "delete", healthCheck=name, between=between)
        except RefusedCallError as error:
            if error.said != refusals.NOT_FOUND:
                raise

    def sweep(self, groups: frozenset[str]) -> tuple[str, ...]:
        """Remove those whose group is not among `groups`, all that there are; what that was."""
        before = self._clock.now() - FRESH
        left = []
        for each in self._calls.pages("healthChecks", fields=_SHOWN):
            group = labels.from_description(each.get("description", "")).get(labels.GROUP, "")
            old = datetime.fromisoformat(each["creationTimestamp"]) < before
            ours = self._whose(each) == self._project and each["name"] == check_name(group)
            if ours and old and group not in groups:
                left.append(group)
        for group in left:
            self.delete(group)
        return tuple(f"the health check {check_name(group)}" for group in left)

    def _find(self, name: str) -> Answer | None:
        return self._calls.find("healthChecks", "get", healthCheck=name)

    def _whose(self, check: Answer) -> str:
        return labels.from_description(check.get("description", "")).get(labels.PROJECT, "")


def _has(there: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there."""
    if not isinstance(wanted, Mapping):
        return bool(there == wanted)
    return isinstance(there, Mapping) and all(_has(there.get(key), value) for key, value in wanted.items())
