"""Every name phoenix gives, composed and parsed in one place, with each cloud's limits.

Sources of the limits: an ALB target group's name has at most 32 characters; a GCE resource name at most 63
of `[a-z]([-a-z0-9]*[a-z0-9])?`; a GCE label value at most 63. Service and environment together stay within
26 characters, so that `-vNNN` (and a fourth digit one day) fits everywhere.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

SERVICE_AND_ENVIRONMENT_MAX = 26
WORD = re.compile(r"[a-z]([-a-z0-9]{0,24}[a-z0-9])?")
"""What a user may call a project, cloud, repository, image, service or environment."""
PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
"""A package's name, Debian Policy 5.6.7."""

_GROUP = re.compile(r"(?P<owner>[a-z][-a-z0-9]*)-v(?P<number>[0-9]{3,})")
_INSTANCE = re.compile(r"(?P<group>[a-z][-a-z0-9]*-v[0-9]{3,})-(?P<index>[0-9]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupName:
    """`SERVICE-ENVIRONMENT-vNNN`, taken apart. `owner` is `SERVICE-ENVIRONMENT`."""

    owner: str
    number: int

    def __str__(self) -> str:
        return f"{self.owner}-v{self.number:03d}"


def group_owner(service: str, environment: str) -> str:
    """The part of a group's name that service and environment make."""
    return f"{service}-{environment}"


def parse_group(name: str) -> GroupName | None:
    """The parts of a group's name, or None where phoenix did not compose it."""
    found = _GROUP.fullmatch(name)
    if not found:
        return None
    parsed = GroupName(owner=found["owner"], number=int(found["number"]))
    return parsed if str(parsed) == name else None


def next_group(service: str, environment: str, taken: frozenset[str], last_number: int = 0) -> str:
    """The first free name after every number in `taken` and after `last_number` (numbers are never used again)."""
    owner = group_owner(service, environment)
    parsed = [parse_group(name) for name in taken]
    numbers = [name.number for name in parsed if name is not None and name.owner == owner]
    return str(GroupName(owner=owner, number=max([last_number, *numbers]) + 1))


def instance(group: str, index: int) -> str:
    """The name of a group's `index`-th instance (local cloud; elsewhere the cloud names them)."""
    return f"{group}-{index}"


def group_of_instance(name: str) -> str | None:
    """The group that a local instance's name belongs to, or None."""
    found = _INSTANCE.fullmatch(name)
    return found["group"] if found else None


def image(project: str, image_type: str, name: str, key: str, serial: int = 0) -> str:
    """An image's id: deterministic in the key, so that one key has one image; <= 63 characters.

    `serial` tells a bake that was forced (`--force`) from the one before it.
    """
    tail = f"{key[:12]}" + (f"-{serial}" if serial else "")
    head = f"{project}-{image_type}-{name}"[: 63 - 1 - len(tail)].rstrip("-")
    return f"{head}-{tail}"


def run(kind: str, moment: datetime) -> str:
    """A run's id: sorts by time to the millisecond, is unique: `roll-20260131-120000-a1b2c3`."""
    return f"{kind}-{moment:%Y%m%d-%H%M%S}-{moment.microsecond // 1000:03x}{secrets.token_hex(2)[:3]}"


class Noun(StrEnum):
    """What a run can be about."""

    SERVICE = "service"
    IMAGE = "image"
    REPOSITORY = "repository"
    STACK = "stack"


_PREFIXES = {Noun.IMAGE: ("bake",), Noun.REPOSITORY: ("publish", "repository"), Noun.STACK: ("stack", "terraform")}
"""What the subjects of every noun but a service begin with. Whoever adds a noun adds its prefix."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What a run is about: there is one run of a subject at a time.

    As text a service is `SERVICE/ENVIRONMENT`, as people type it: two words. Every other noun begins with its prefix
    and has three words at least, so that subjects of two nouns never meet.
    """

    noun: Noun
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join((*_PREFIXES.get(self.noun, ()), *self.parts))

    @property
    def formerly(self) -> str | None:
        """The text under which phoenix 0.1 kept a run of this subject, where that was another; it is looked for."""
        return f"repository/{self.parts[0]}" if self.noun is Noun.REPOSITORY else None


def of_service(service: str, environment: str) -> Subject:
    """The subject of what changes groups and traffic of a service in an environment."""
    return Subject(noun=Noun.SERVICE, parts=(service, environment))


def of_image(cloud: str, image_type: str, name: str, key: str) -> Subject:
    """The subject of a bake: an image of this content key on a cloud."""
    return Subject(noun=Noun.IMAGE, parts=(cloud, image_type, name, key))


def of_repository(name: str) -> Subject:
    """The subject of a publication."""
    return Subject(noun=Noun.REPOSITORY, parts=(name,))


def of_stack(name: str) -> Subject:
    """The subject of what Terraform does to a stack."""
    return Subject(noun=Noun.STACK, parts=(name,))


def parse_subject(text: str) -> Subject:
    """The subject that the text stands for."""
    words = tuple(text.split("/"))
    for noun, prefix in _PREFIXES.items():
        if len(words) > 2 and words[: len(prefix)] == prefix:
            return Subject(noun=noun, parts=words[len(prefix) :])
    return Subject(noun=Noun.SERVICE, parts=tuple(text.split("/", 1)))
