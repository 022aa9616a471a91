"""The tags of what stands at a load balancer: target groups, rules, listeners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from phoenix.clouds.aws import labels
from phoenix.clouds.aws.calls import Calls
from phoenix.model import Place

_AT_ONCE = 20
"""Resources that one DescribeTags takes (API_DescribeTags)."""


def tags_of(calls: Calls, arns: Iterable[str]) -> dict[str, dict[str, str]]:
    """The tags of each, by its ARN, as they are now. All of one kind: AWS is not asked for several at once."""
    wanted = sorted(set(arns))
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        answer = calls.ask("elbv2", "describe_tags", ResourceArns=wanted[start : start + _AT_ONCE])
        found |= {each["ResourceArn"]: labels.read(each["Tags"]) for each in answer["TagDescriptions"]}
    return found


def of_place(project: str, place: Place, group: str | None) -> dict[str, str]:
    """The labels of what phoenix makes for a group of a place; without one, of all it makes for the place."""
    whose = {labels.PROJECT: project, labels.SERVICE: place.service, labels.ENVIRONMENT: place.environment}
    return {**whose, labels.GROUP: group} if group is not None else whose


def bear(tags: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether all of the wanted labels are among the tags."""
    return all(tags.get(key) == value for key, value in wanted.items())
