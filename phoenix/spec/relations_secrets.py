"""Settings that refer to a secret of a cloud: who can read them, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from phoenix.model import CloudKind
from phoenix.spec.mistakes import Place
from phoenix.spec.plain import Data, Found, blocks, cloud_kind, mapping, settings_at

_AWS, _GCP = "aws-sm://", "gcp-sm://"
_HERE = ("file:", "cmd:")
"""Read on the operator's computer when a group is made: an autoscaler starts machines while no operator is there."""
_AWS_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}(#\S+)?")
"""What CreateSecret takes as a name (Secrets Manager API Reference, CreateSecret, Name), and a key of a JSON secret."""
_AWS_FORM = "aws-sm://NAME or aws-sm://NAME#KEY, NAME of letters, digits and /_+=.@-"


def secret_mistakes(data: Data) -> Found:
    """References that the machines of an environment cannot resolve."""
    for place, settings in blocks(data, "settings"):
        for name, value in mapping(settings).items():
            for what in _written_wrong(value) if isinstance(value, str) else ():
                yield (*place, name), what
    for service, content in mapping(data, "services").items():
        for environment, spec in mapping(content, "environments").items():
            kind = cloud_kind(data, mapping(spec).get("cloud"))
            yield from _out_of_reach(service, content, environment, kind)
            yield from _without_identity(service, content, environment, kind)


def _written_wrong(value: str) -> Iterator[str]:
    if value.startswith(_GCP):
        yield f"this version of phoenix cannot resolve gcp-sm:// yet; accepted: machine-file:PATH, {_AWS_FORM}"
    if value.startswith(_AWS) and not _AWS_NAME.fullmatch(value.removeprefix(_AWS)):
        yield f"{value!r} names no secret; accepted: {_AWS_FORM}"
    for prefix, what in (("file:", "file"), ("cmd:", "command"), ("machine-file:", "file")):
        if value.startswith(prefix) and not value.removeprefix(prefix).strip():
            yield f"{value!r} names no {what}; accepted: {prefix}{'COMMAND' if what == 'command' else 'PATH'}"
    if value.startswith("machine-file:") and not value.removeprefix("machine-file:").startswith("/"):
        yield f"{value!r} is no file of a machine; accepted: machine-file:/PATH"


def _out_of_reach(service: str, content: Any, environment: str, kind: CloudKind | None) -> Found:
    """References that nobody resolves on that kind of cloud, where they stand."""
    for name, (own, value) in settings_at(content, environment).items():
        place: Place = ("services", service, *(("environments", environment) if own else ()), "settings", name)
        if not isinstance(value, str) or kind is None:
            continue
        if value.startswith(_AWS) and kind is not CloudKind.AWS:
            what = f"environment {environment} is on a {kind} cloud, whose machines cannot read aws-sm://"
            yield place, f"{what}; accepted: another value in that environment's `settings`, machine-file:PATH"
        if value.startswith(_HERE) and kind is not CloudKind.LOCAL:
            what = f"environment {environment} is on a {kind} cloud, which starts machines while nobody is here"
            yield place, f"{what}; accepted: machine-file:PATH" + (", aws-sm://NAME" if kind is CloudKind.AWS else "")


def _without_identity(service: str, content: Any, environment: str, kind: CloudKind | None) -> Found:
    """Machines of EC2 are nobody without an instance profile."""
    machine = mapping(content, "environments", environment, "machine")
    values = [value for _own, value in settings_at(content, environment).values()]
    secret = any(isinstance(value, str) and value.startswith(_AWS) for value in values)
    if secret and kind is CloudKind.AWS and "identity" not in machine:
        what = "its machines read settings (aws-sm://) with their own identity, and have none"
        where = ("services", service, "environments", environment, "machine")
        yield where, f"{what}; accepted: {{identity: INSTANCE_PROFILE}}"
