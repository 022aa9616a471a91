"""Launch templates: versions that merge, are deleted, and are listed in pages.

moto forgets SourceVersion, breaks over UserData in a later version, cannot delete versions, shows the template's own
tags as those of its instances, and cuts a list off after 15 without a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.ec2.exceptions import InvalidLaunchTemplateVersionNotFound
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.utils import convert_tag_spec, parse_user_data

from tests.emulators.aws import behind
from tests.emulators.aws.answers import Answers, Asked, Shape, paged
from tests.emulators.aws.emulated import ACCOUNT, Emulated
from tests.emulators.aws.faults import RefusedError

USER_DATA = 16 * 1024
"""Bytes, before they are encoded. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html"""
PAGE = 200


class LaunchTemplates:
    """Answers for the launch templates that moto keeps."""

    def __init__(self, emulated: Emulated) -> None:
        self._emulated = emulated
        self._tokens: dict[tuple[str, str], tuple[Mapping[str, Any], Shape]] = {}

    def add_to(self, answers: Answers) -> None:
        """Answer what moto answers wrongly."""
        answers.add(
            "ec2",
            CreateLaunchTemplate=self._create,
            CreateLaunchTemplateVersion=self._create_version,
            DeleteLaunchTemplateVersions=self._delete_versions,
            DescribeLaunchTemplates=self._describe,
            DescribeLaunchTemplateVersions=self._describe_versions,
        )
        behind.mend(LaunchTemplate, get_version=version, latest_version=lambda template: standing(template)[-1])

    def forget(self) -> None:
        """No call was made yet."""
        self._tokens.clear()

    def _create(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html"""
        token = (asked.region, asked.get("ClientToken") or "")
        if token in self._tokens:
            parameters, answer = self._tokens[token]
            if parameters != asked.parameters:
                raise RefusedError("IdempotentParameterMismatch", "The client token is in use with other parameters")
            return answer
        backend, name = behind.ec2(asked.region), asked.get("LaunchTemplateName")
        if name in backend.launch_template_name_to_ids:
            raise RefusedError(
                "InvalidLaunchTemplateName.AlreadyExistsException", f"Launch template name already in use: {name}"
            )
        template = backend.create_launch_template(
            name,
            asked.get("VersionDescription"),
            _data(asked.get("LaunchTemplateData")),
            convert_tag_spec(asked.get("TagSpecifications", [])),
        )
        template.create_time = template.versions[0].create_time = self._emulated.clock.date
        answer = {"LaunchTemplate": _shape(template)}
        if token[1]:
            self._tokens[token] = (dict(asked.parameters), answer)
        return answer

    def _create_version(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplateVersion.html: SourceVersion"""
        template, source = found(asked), asked.get("SourceVersion")
        data = _data(asked.get("LaunchTemplateData"))
        if source:
            data = {**template.get_version(source).data, **data}
        made = template.create_version(data, asked.get("VersionDescription"))
        made.create_time = self._emulated.clock.date
        return {"LaunchTemplateVersion": _version_shape(made)}

    def _delete_versions(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplateVersions.html

        The default version cannot be deleted; a number is never given again.
        """
        template = found(asked)
        numbers = {made.number for made in standing(template)}
        done, refused = [], []
        for number in map(int, asked.get("Versions", [])):
            entry = {
                "LaunchTemplateId": template.id,
                "LaunchTemplateName": template.name,
                "VersionNumber": number,
            }
            if number not in numbers:
                code = "launchTemplateVersionDoesNotExist"
            elif number == template.default_version_number:
                code = "unexpectedError"
            else:
                template.versions[number - 1].deleted = True
                done.append(entry)
                continue
            refused.append({**entry, "ResponseError": {"Code": code, "Message": code}})
        return {
            "SuccessfullyDeletedLaunchTemplateVersions": done,
            "UnsuccessfullyDeletedLaunchTemplateVersions": refused,
        }

    def _describe(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplates.html"""
        backend = behind.ec2(asked.region)
        names, ids = asked.get("LaunchTemplateNames", []), asked.get("LaunchTemplateIds", [])
        for name in names:
            backend.get_launch_template_by_name(name)
        for template in ids:
            backend.get_launch_template(template)
        templates = backend.describe_launch_templates(
            template_names=names, template_ids=ids, filters=asked.response._filters_from_querystring()
        )
        return paged(
            asked, "LaunchTemplates", [_shape(one) for one in templates], limit="MaxResults", usual=PAGE, most=PAGE
        )

    def _describe_versions(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html"""
        names = asked.get("Versions", [])
        if not asked.get("LaunchTemplateName") and not asked.get("LaunchTemplateId"):
            templates = list(behind.ec2(asked.region).launch_templates.values())
        else:
            templates = [found(asked)]
        least, most = int(asked.get("MinVersion") or 0), int(asked.get("MaxVersion") or 0)
        chosen = [
            made
            for template in templates
            for made in ([template.get_version(name) for name in names] or reversed(standing(template)))
            if least <= made.number and (not most or made.number <= most)
        ]
        shapes = [_version_shape(made) for made in chosen]
        return paged(asked, "LaunchTemplateVersions", shapes, limit="MaxResults", usual=PAGE, most=PAGE)


def found(asked: Asked) -> Any:
    """The template that a call is about, by name or id."""
    backend = behind.ec2(asked.region)
    if name := asked.get("LaunchTemplateName"):
        return backend.get_launch_template_by_name(name)
    return backend.get_launch_template(asked.get("LaunchTemplateId"))


def standing(template: Any) -> list[Any]:
    """The versions that were not deleted."""
    return [made for made in template.versions if not getattr(made, "deleted", False)]


def version(template: Any, name: Any) -> Any:
    """A version by its number, `$Latest` or `$Default`."""
    wanted = str(name).lower()
    if wanted == "$latest":
        return standing(template)[-1]
    number = template.default_version_number if wanted == "$default" else int(name)
    for made in standing(template):
        if made.number == number:
            return made
    raise InvalidLaunchTemplateVersionNotFound(template_id=template.id, version=name)


def _data(given: Mapping[str, Any] | None) -> Shape:
    data = dict(given or {})
    if data.get("UserData"):
        data["UserData"] = parse_user_data(data["UserData"])
        if len(str(data["UserData"])) * 3 // 4 > USER_DATA + 2:
            raise RefusedError("InvalidParameterValue", f"User data is limited to {USER_DATA} bytes")
    return data


def _shape(template: Any) -> Shape:
    return {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "CreateTime": template.create_time,
        "CreatedBy": f"arn:aws:iam::{ACCOUNT}:root",
        "DefaultVersionNumber": template.default_version_number,
        "LatestVersionNumber": standing(template)[-1].number,
        "Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in template.get_tags()],
    }


def _version_shape(made: Any) -> Shape:
    return {
        "LaunchTemplateId": made.template.id,
        "LaunchTemplateName": made.template.name,
        "VersionNumber": made.number,
        "VersionDescription": made.description,
        "CreateTime": made.create_time,
        "CreatedBy": f"arn:aws:iam::{ACCOUNT}:root",
        "DefaultVersion": made.template.is_default(made),
        "LaunchTemplateData": made.data,
    }
