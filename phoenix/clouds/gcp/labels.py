"""The labels by which phoenix knows what it made: on templates, machines, disks, images; and what does not fit there.

A label has a key and a value of at most 63 lower-case letters, digits, `-` and `_`
(https://cloud.google.com/compute/docs/labeling-resources#requirements). What is longer is shortened, always in the same
way; the whole of it stands as JSON in a description or in a template's metadata. A removal reads the labels in the same
step: a name alone says nothing of who made a thing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

PREFIX = "phoenix-"
PROJECT, SERVICE, ENVIRONMENT = f"{PREFIX}project", f"{PREFIX}service", f"{PREFIX}environment"
RELEASE, SHAPE, RUN = f"{PREFIX}release", f"{PREFIX}shape", f"{PREFIX}run"
GROUP, KEEP_UNTIL, PINNED_UNTIL = f"{PREFIX}group", f"{PREFIX}keep-until", f"{PREFIX}pinned-until"
IMAGE, TYPE, NAME, KEY, PARENT = f"{PREFIX}image", f"{PREFIX}type", f"{PREFIX}name", f"{PREFIX}key", f"{PREFIX}parent"
VERIFIED, BUILDER = f"{PREFIX}verified", f"{PREFIX}builder"
CREATED, PORT, LIKE = f"{PREFIX}created", f"{PREFIX}port", f"{PREFIX}like"
PINNED_MODE, PINNED_LEAST = f"{PREFIX}pinned-mode", f"{PREFIX}pinned-least"
"""What a pin has to give back: the autoscaler's mode and its minimum before."""
FORMERLY = f"{PREFIX}formerly"
"""The description of somebody's autoscaler before it was pinned."""
CPU = f"{PREFIX}cpu"
"""On an autoscaler: the load that phoenix.yaml names, in percent; other signals are somebody's own."""
ROLE, BAKER, SINCE = f"{PREFIX}role", f"{PREFIX}baker", f"{PREFIX}since"
"""What a thing is for (`Role`), and which process has been at work on it since when."""
LONGEST = 63
_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_DIGEST = 10
"""Characters of the digest that tells apart what was shortened to the same."""
_MOMENT = "%Y-%m-%dt%H-%M-%Sz"


class Role(StrEnum):
    """What a thing of a bake is for. A current Packer may put the builder's labels on the image, until it is whole."""

    BUILDER = "builder"
    TRIAL = "trial"
    UNPROVEN = "unproven"
    IMAGE = "image"


def value(text: str) -> str:
    """`text` as a label's value: itself where it is one, else shortened with a digest of the whole."""
    if _VALUE.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
    head = re.sub(r"[^a-z0-9_-]+", "-", text.lower())[: LONGEST - _DIGEST - 1].rstrip("-")
    return f"{head}-{digest}" if head else digest


def written(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels as Google takes them, sorted by key."""
    return {key: value(text) for key, text in sorted(labels.items())}


def moment(at: datetime) -> str:
    """A moment as a label's value: 2026-01-31t12-00-00z."""
    return at.astimezone(UTC).strftime(_MOMENT)


def from_moment(text: str) -> datetime:
    """The moment that `moment` wrote. Raises ValueError for anything else."""
    return datetime.strptime(text, _MOMENT).replace(tzinfo=UTC)


def described(labels: Mapping[str, str]) -> str:
    """Labels as a description, whole: of what cannot bear labels, or for what they are too short."""
    return json.dumps({key: text for key, text in sorted(labels.items()) if text}, ensure_ascii=False)


def from_description(text: str) -> dict[str, str]:
    """The labels that `described` wrote; none where somebody else wrote the description."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: str(value) for key, value in found.items() if key.startswith(PREFIX)}
