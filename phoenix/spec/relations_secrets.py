"""Settings that refer to a secret: who can read them, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from phoenix.model import CloudKind
from phoenix.spec.mistakes import Place
from phoenix.spec.plain import Data, Found, blocks, cloud_kind, mapping, settings_at


@dataclass(frozen=True, kw_only=True, slots=True)
class _Manager:
    """A cloud's own place for secrets, which its machines read with their own identity."""

    prefix: str
    kind: CloudKind
    name: re.Pattern[str]
    """What it takes as a name, with a key of a secret that is a JSON object or without."""
    accepted: str
    identity: str


_MANAGERS = (
    # Secrets Manager API Reference, CreateSecret, Name
    _Manager(
        prefix="aws-sm://",
        kind=CloudKind.AWS,
        name=re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}(#\S+)?"),
        accepted="aws-sm://NAME or aws-sm://NAME#KEY, NAME of letters, digits and /_+=.@-",
        identity="INSTANCE_PROFILE",
    ),
    # https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/create
    _Manager(
        prefix="gcp-sm://",
        kind=CloudKind.GCP,
        name=re.compile(r"[A-Za-z0-9_-]{1,255}(#\S+)?"),
        accepted="gcp-sm://NAME or gcp-sm://NAME#KEY, NAME of letters, digits, - and _",
        identity="SERVICE_ACCOUNT",
    ),
)
_HERE = ("file:", "cmd:")
"""Read on the operator's computer when a group is made: an autoscaler starts machines while no operator is there."""


def secret_mistakes(data: Data) -> Found:
    """References that the machines of an environment cannot resolve."""
    for place, settings in blocks(data, "settings"):
        for name, value in mapping(settings).items():
            for what in _written_wrong(value) if isinstance(value, str) else ():
                yield (*place, name), what
    for service, content in mapping(data, "services").items():
        for environment, spec in mapping(content, "environments").items():
            kind = cloud_kind(data, mapping(spec).get("cloud"))
            if kind is not None:
                yield from _out_of_reach(service, content, environment, kind)
                yield from _without_identity(service, content, environment, kind)


def _written_wrong(value: str) -> Iterator[str]:
    for manager in _MANAGERS:
        if value.startswith(manager.prefix) and not manager.name.fullmatch(value.removeprefix(manager.prefix)):
            yield f"{value!r} names no secret; accepted: {manager.accepted}"
    for prefix, what in (("file:", "file"), ("cmd:", "command"), ("machine-file:", "file")):
        if value.startswith(prefix) and not value.removeprefix(prefix).strip():
            yield f"{value!r} names no {what}; accepted: {prefix}{'COMMAND' if what == 'command' else 'PATH'}"
    if value.startswith("machine-file:") and not value.removeprefix("machine-file:").startswith("/"):
        yield f"{value!r} is no file of a machine; accepted: machine-file:/PATH"


def _out_of_reach(service: str, content: Any, environment: str, kind: CloudKind) -> Found:
    """References that nobody resolves on that kind of cloud, where they stand."""
    own_manager = "".join(f", {each.prefix}NAME" for each in _MANAGERS if each.kind is kind)
    for name, (own, value) in settings_at(content, environment).items():
        place: Place = ("services", service, *(("environments", environment) if own else ()), "settings", name)
        if not isinstance(value, str):
            continue
        for manager in _MANAGERS:
            if value.startswith(manager.prefix) and kind is not manager.kind:
                what = f"environment {environment} is on a {kind} cloud, whose machines cannot read {manager.prefix}"
                yield place, f"{what}; accepted: another value in that environment's `settings`, machine-file:PATH"
        if value.startswith(_HERE) and kind is not CloudKind.LOCAL:
            what = f"environment {environment} is on a {kind} cloud, which starts machines while nobody is here"
            yield place, f"{what}; accepted: machine-file:PATH{own_manager}"


def _without_identity(service: str, content: Any, environment: str, kind: CloudKind) -> Found:
    """Machines of EC2 are nobody without an instance profile, those of Compute Engine without a service account."""
    machine = mapping(content, "environments", environment, "machine")
    values = [value for _own, value in settings_at(content, environment).values() if isinstance(value, str)]
    for manager in _MANAGERS:
        asks = any(value.startswith(manager.prefix) for value in values)
        if kind is manager.kind and asks and "identity" not in machine:
            what = f"its machines read settings ({manager.prefix}) with their own identity, and have none"
            where = ("services", service, "environments", environment, "machine")
            yield where, f"{what}; accepted: {{identity: {manager.identity}}}"
