"""The tags by which phoenix knows what it made: on groups, target groups, rules, images, machines, volumes.

A removal reads them in the same step: a name alone says nothing of who made a thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

PREFIX = "phoenix:"
PROJECT, SERVICE, ENVIRONMENT = f"{PREFIX}project", f"{PREFIX}service", f"{PREFIX}environment"
RELEASE, SHAPE, RUN, CREATED = f"{PREFIX}release", f"{PREFIX}shape", f"{PREFIX}run", f"{PREFIX}created"
GROUP, KEEP_UNTIL, PINNED_UNTIL = f"{PREFIX}group", f"{PREFIX}keep-until", f"{PREFIX}pinned-until"
PORT, LIKE = f"{PREFIX}port", f"{PREFIX}like"
PINNED_LEAST, PINNED_STOPPED = f"{PREFIX}pinned-least", f"{PREFIX}pinned-stopped"
"""What a pin has to give back: the former MinSize, and the processes that it suspended itself."""
IMAGE, TYPE, NAME, KEY, PARENT = f"{PREFIX}image", f"{PREFIX}type", f"{PREFIX}name", f"{PREFIX}key", f"{PREFIX}parent"
VERIFIED, BUILDER, SOURCE = f"{PREFIX}verified", f"{PREFIX}builder", f"{PREFIX}source"
PACKAGES, TESTS = f"{PREFIX}packages", f"{PREFIX}tests"
"""Each the beginning of several keys: what does not fit into one tag."""
ROLE, BAKER, SINCE = f"{PREFIX}role", f"{PREFIX}baker", f"{PREFIX}since"
"""What a thing is for (`Role`), and which process has been at work on it since when."""


class Role(StrEnum):
    """What a thing of a bake is for. Packer 1.10 and later also put the builder's tags on the AMI, until it is whole:
    what a thing is, AWS says, not its role.
    """

    BUILDER = "builder"
    TRIAL = "trial"
    UNPROVEN = "unproven"
    IMAGE = "image"


def read(tags: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Tags as AWS lists them (`[{"Key": ..., "Value": ...}]`), by their keys."""
    return {tag["Key"]: tag.get("Value") or "" for tag in tags}


def written(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as AWS takes them, sorted by key."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
