"""Launch templates: one per group, with its name, one version, and the group's release in its user data."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from phoenix.clock import Clock
from phoenix.clouds.aws import labels
from phoenix.clouds.aws.calls import Answer, Calls, RefusedCallError
from phoenix.clouds.aws.machines import user_data
from phoenix.clouds.aws.machines.group_reading import TemplateVersion
from phoenix.errors import CloudError
from phoenix.model import Release

FRESH = timedelta(hours=1)
"""One that is younger may be that of a group that is being made."""
AGAIN = 2
"""So often one that is not shown is asked for before it counts as gone."""
_EXISTS = "InvalidLaunchTemplateName.AlreadyExistsException"
_GONE = (
    "InvalidLaunchTemplateId.NotFound",
    "InvalidLaunchTemplateId.NotFoundException",
    "InvalidLaunchTemplateId.VersionNotFound",
    "InvalidLaunchTemplateName.NotFoundException",
)


class LaunchTemplates:
    """Those that this project made."""

    def __init__(self, calls: Calls, project: str, clock: Clock) -> None:
        self._calls = calls
        self._project = project
        self._clock = clock
        self._releases: dict[TemplateVersion, Release] = {}

    def release(self, version: TemplateVersion) -> Release | None:
        """What the machines of that version run; None where nobody knows."""
        if version not in self._releases:
            found = self._release(version)
            if found is None:
                return None  # EC2 may not know yet what was made a moment ago
            self._releases[version] = found
        return self._releases[version]

    def exists(self, version: TemplateVersion) -> bool:
        """Whether it is there now, by two answers: one may be older than what was made."""
        for attempt in range(AGAIN):
            if attempt:
                self._clock.sleep(1.0)
            if self._data(version) is not None:
                return True
        return False

    def make(self, name: str, data: Mapping[str, Any], tags: Mapping[str, str]) -> TemplateVersion:
        """A template of that name with these data, for a group that is not there yet.

        One that the same run made, for the same release and shape, is kept: its group may be there already, and AWS
        not show it. Another that was left behind goes first. Where the answer to the first attempt was lost, the
        second finds its own work done.
        """
        for found in self._found(name):
            if _of_the_same(found, tags):
                return _version(found)
            self._delete(found)
        marks = [{"ResourceType": "launch-template", "Tags": labels.written(tags)}]
        try:
            answer = self._calls.ask(
                "ec2",
                "create_launch_template",
                LaunchTemplateName=name,
                LaunchTemplateData=data,
                TagSpecifications=marks,
            )
            made: Answer = answer["LaunchTemplate"]
        except RefusedCallError as error:
            if error.said != _EXISTS:
                raise
            made = self._mine(name, tags, error)
        release = release_of(data["UserData"])
        if release is not None:
            self._releases[_version(made)] = release
        return _version(made)

    def delete(self, name: str) -> None:
        """Remove the template of that name, where its tags say that it is ours."""
        for found in self._found(name):
            self._delete(found)

    def sweep(self, groups: frozenset[str]) -> tuple[str, ...]:
        """Remove those whose group is not among `groups`, all that there are; what that was."""
        before = self._clock.now() - FRESH
        left = [
            each
            for each in self._found()
            if labels.read(each.get("Tags", ())).get(labels.GROUP) == each["LaunchTemplateName"]
            and each["LaunchTemplateName"] not in groups
            and each["CreateTime"] < before
        ]
        for each in left:
            self._delete(each)
        return tuple(f"the launch template {each['LaunchTemplateName']}" for each in left)

    def _found(self, name: str = "") -> Iterator[Answer]:
        ours = [{"Name": f"tag:{labels.PROJECT}", "Values": [self._project]}]
        named = [{"Name": "launch-template-name", "Values": [name]}] if name else []
        return self._calls.pages("ec2", "describe_launch_templates", "LaunchTemplates", Filters=[*ours, *named])

    def _mine(self, name: str, tags: Mapping[str, str], error: RefusedCallError) -> Answer:
        for found in self._found(name):
            if _of_the_same(found, tags):
                return found
        raise CloudError(
            f"the launch template {name} exists, and it is not ours",
            details=error.details,
            resolution="Delete it where nobody needs it, then roll again.",
        ) from error

    def _delete(self, found: Answer) -> None:
        try:
            self._calls.ask("ec2", "delete_launch_template", LaunchTemplateId=found["LaunchTemplateId"])
        except RefusedCallError as error:
            if error.said not in _GONE:
                raise

    def _release(self, version: TemplateVersion) -> Release | None:
        data = self._data(version)
        return None if data is None else release_of(data.get("UserData", ""))

    def _data(self, version: TemplateVersion) -> Answer | None:
        """What the version says; None where AWS knows none."""
        try:
            answer = self._calls.ask(
                "ec2",
                "describe_launch_template_versions",
                LaunchTemplateId=version.id,
                Versions=[version.number],
            )
        except RefusedCallError as error:
            if error.said in _GONE:
                return None
            raise
        return next((each["LaunchTemplateData"] for each in answer["LaunchTemplateVersions"]), None)


def _of_the_same(found: Answer, tags: Mapping[str, str]) -> bool:
    """Whether the template was made by the same run, for what these tags say."""
    there = labels.read(found.get("Tags", ()))
    return all(there.get(key) == tags.get(key) for key in (labels.RUN, labels.RELEASE, labels.SHAPE))


def _version(found: Answer) -> TemplateVersion:
    return TemplateVersion(id=found["LaunchTemplateId"], number=str(found["LatestVersionNumber"]))


def release_of(encoded: str) -> Release | None:
    """The release in user data as a launch template shows them."""
    try:
        return user_data.release_of(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        return None
