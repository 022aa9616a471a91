"""Settings that refer to a secret of a cloud: who can read them, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from phoenix.model import CloudKind
from phoenix.spec.plain import Data, Found, cloud_kind, mapping

_AWS, _GCP = "aws-sm://", "gcp-sm://"
_AWS_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}(#\S+)?")
"""What CreateSecret takes as a name (Secrets Manager API Reference, CreateSecret, Name), and a key of a JSON secret."""
_AWS_FORM = "aws-sm://NAME or aws-sm://NAME#KEY, NAME of letters, digits and /_+=.@-"


def secret_mistakes(data: Data) -> Found:
    """References that the machines of an environment cannot resolve."""
    for service, content in mapping(data, "services").items():
        settings = mapping(content, "settings")
        texts = {name: value for name, value in settings.items() if isinstance(value, str)}
        for name, value in texts.items():
            for what in _of_setting(data, content, value):
                yield ("services", service, "settings", name), what
        if any(value.startswith(_AWS) for value in texts.values()):
            yield from _without_identity(data, service, content)


def _of_setting(data: Data, content: Any, value: str) -> Iterator[str]:
    if value.startswith(_GCP):
        yield f"this version of phoenix cannot resolve gcp-sm:// yet; accepted: file:PATH, {_AWS_FORM}"
    if not value.startswith(_AWS):
        return
    if not _AWS_NAME.fullmatch(value.removeprefix(_AWS)):
        yield f"{value!r} names no secret; accepted: {_AWS_FORM}"
    for environment, place in mapping(content, "environments").items():
        kind = cloud_kind(data, mapping(place).get("cloud"))
        if kind not in (None, CloudKind.AWS):
            what = f"environment {environment} is on a {kind} cloud, whose machines cannot read aws-sm://"
            yield f"{what}; accepted: file:PATH, or environments on aws clouds alone"


def _without_identity(data: Data, service: str, content: Any) -> Found:
    """Machines of EC2 are nobody without an instance profile."""
    for environment, place in mapping(content, "environments").items():
        machine = mapping(place, "machine")
        if cloud_kind(data, mapping(place).get("cloud")) is CloudKind.AWS and "identity" not in machine:
            what = "its machines read settings (aws-sm://) with their own identity, and have none"
            where = ("services", service, "environments", environment, "machine")
            yield where, f"{what}; accepted: {{identity: INSTANCE_PROFILE}}"
