"""Settings that refer to a secret of a cloud: who can read them, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from phoenix.model import CloudKind
from phoenix.spec.mistakes import Place
from phoenix.spec.plain import Data, Found, cloud_kind, mapping


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


def secret_mistakes(data: Data) -> Found:
    """References that the machines of an environment cannot resolve."""
    for service, content in mapping(data, "services").items():
        here: Place = ("services", service)
        for place, text in _texts(here, content):
            yield from ((place, what) for what in _misnamed(text))
        for name, environment in mapping(content, "environments").items():
            kind = cloud_kind(data, mapping(environment).get("cloud"))
            where = (*here, "environments", name)
            texts = {place[-1]: (place, text) for place, text in (*_texts(here, content), *_texts(where, environment))}
            if kind is not None:
                yield from _unreadable(str(name), kind, texts)
                yield from _without_identity(where, environment, kind, texts)


def _texts(where: Place, content: Any) -> Iterator[tuple[Place, str]]:
    """The settings of a service or an environment, each with its place."""
    for name, value in mapping(content, "settings").items():
        if isinstance(value, str):
            yield (*where, "settings", name), value


def _misnamed(text: str) -> Iterator[str]:
    for manager in _MANAGERS:
        if text.startswith(manager.prefix) and not manager.name.fullmatch(text.removeprefix(manager.prefix)):
            yield f"{text!r} names no secret; accepted: {manager.accepted}"


def _unreadable(environment: str, kind: CloudKind, texts: Mapping[Any, tuple[Place, str]]) -> Found:
    for place, text in texts.values():
        for manager in _MANAGERS:
            if text.startswith(manager.prefix) and kind is not manager.kind:
                whose = f"environment {environment} is on a {kind} cloud, whose machines cannot read {manager.prefix}"
                yield place, f"{whose}; accepted: file:PATH, or another value in that environment's own settings"


def _without_identity(where: Place, environment: Any, kind: CloudKind, texts: Mapping[Any, tuple[Place, str]]) -> Found:
    """Machines of EC2 are nobody without an instance profile, those of Compute Engine without a service account."""
    for manager in _MANAGERS:
        asks = any(text.startswith(manager.prefix) for _place, text in texts.values())
        if kind is manager.kind and asks and "identity" not in mapping(environment, "machine"):
            what = f"its machines read settings ({manager.prefix}) with their own identity, and have none"
            yield (*where, "machine"), f"{what}; accepted: {{identity: {manager.identity}}}"
