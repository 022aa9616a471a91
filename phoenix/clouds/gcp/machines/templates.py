"""Instance templates: one per group, with its name, and the group's release in its metadata. They never change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from phoenix.clock import Clock
from phoenix.clouds.api import Between, idle
from phoenix.clouds.gcp import labels, links, refusals
from phoenix.clouds.gcp.calls import Answer, Calls, RefusedCallError
from phoenix.clouds.gcp.machines import boot
from phoenix.errors import CloudError
from phoenix.model import Release

FRESH = timedelta(hours=1)
"""One that is younger may be that of a group that is being made."""
_SHOWN = "items(name,creationTimestamp,description),nextPageToken"


class Templates:
    """Those that this project made."""

    def __init__(self, calls: Calls, project: str, clock: Clock) -> None:
        self._calls = calls
        self._project = project
        self._clock = clock
        self._releases: dict[str, Release] = {}

    def release(self, link: str) -> Release | None:
        """What machines of that template run; None where nobody knows. A name is never used again while it stands."""
        if link not in self._releases:
            found = self._find(link)
            release = boot.release_of(_items(found)) if found else None
            if release is None:
                return None
            self._releases[link] = release
        return self._releases[link]

    def make(self, body: Mapping[str, Any], *, between: Between = idle) -> None:
        """A template like `body`, for a group that is not there yet.

        One that the same run made, for the same release and shape, is kept; another that was left behind goes first.
        """
        there = self._find(body["name"])
        if there is not None:
            if _of_the_same(there, body):
                return
            self._refuse_another(there)
            self._delete(body["name"], between)
        try:
            made = self._calls.change("instanceTemplates", "insert", body=body, between=between)
            release = boot.release_of(_items(body))
            if release is not None:
                self._releases[links.short(made["targetLink"])] = release
        except RefusedCallError as error:
            if error.said != refusals.EXISTS:
                raise
            there = self._find(body["name"])
            if there is None or not _of_the_same(there, body):
                raise

    def delete(self, name: str, *, between: Between = idle) -> None:
        """Remove the template of that name, where it says itself that it is ours."""
        there = self._find(name)
        if there is not None and _project(there) == self._project:
            self._delete(name, between)

    def forget(self, link: str) -> None:
        """Its group goes: another template may get its name."""
        self._releases.pop(link, None)

    def sweep(self, groups: frozenset[str]) -> tuple[str, ...]:
        """Remove those whose group is not among `groups`, all that there are; what that was."""
        before = self._clock.now() - FRESH
        left = [
            each["name"]
            for each in self._calls.pages("instanceTemplates", fields=_SHOWN)
            if _project(each) == self._project
            and each["name"] not in groups
            and datetime.fromisoformat(each["creationTimestamp"]) < before
        ]
        for name in left:
            self.delete(name)
        return tuple(f"the instance template {name}" for name in left)

    def _find(self, link: str) -> Answer | None:
        project = links.part_of(link, "projects")
        where = {"project": project} if project else {}
        return self._calls.find("instanceTemplates", "get", instanceTemplate=links.name_of(link), **where)

    def _delete(self, name: str, between: Between) -> None:
        try:
            self._calls.change("instanceTemplates", "delete", instanceTemplate=name, between=between)
        except RefusedCallError as error:
            if error.said != refusals.NOT_FOUND:
                raise
        self._releases = {link: kept for link, kept in self._releases.items() if links.name_of(link) != name}

    def _refuse_another(self, there: Answer) -> None:
        if _project(there) != self._project:
            raise CloudError(
                f"the instance template {there['name']} exists, and it is not ours",
                details=f"its description is {there.get('description', '')!r}",
                resolution="Delete it where nobody needs it, then roll again.",
            )


def _items(template: Answer) -> list[Mapping[str, Any]]:
    return list(template.get("properties", {}).get("metadata", {}).get("items", ()))


def _project(template: Answer) -> str:
    return labels.from_description(template.get("description", "")).get(labels.PROJECT, "")


def _of_the_same(found: Answer, body: Mapping[str, Any]) -> bool:
    """Whether the template was made by the same run, for the same project, release and shape."""
    there, wanted = (labels.from_description(each.get("description", "")) for each in (found, body))
    keys = (labels.PROJECT, labels.RUN, labels.RELEASE, labels.SHAPE)
    return all(there.get(key) == wanted.get(key) for key in keys)
