"""What was asked of the emulator, for tests that count calls and for the proof that a policy allows them all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl

SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")
BOTO_NAMES = {"elasticloadbalancing": "elbv2", "monitoring": "cloudwatch", "servicequotas": "service-quotas"}
"""What signs a call by another name than boto3's."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call, whatever became of it."""

    service: str
    """As boto3 names it: `elbv2`."""
    action: str
    parameters: tuple[str, ...]
    """The names of what it was asked with, as they stand on the wire, sorted: `AutoScalingGroupName`."""
    region: str
    at: float
    """Virtual seconds since 1970."""
    user_agent: str
    status: int = 0
    """Of HTTP; 0 where the answer was lost."""
    error: str = ""
    """AWS' code where it was refused by a fault of the test."""

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Call:
        """From JSON."""
        return cls(**{**entry, "parameters": tuple(entry["parameters"])})

    def written(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def heard(headers: Mapping[str, str], path: str, body: bytes, *, at: float) -> Call:
    """The call that a request makes, by its signature and its body."""
    signed = SCOPE.search(headers.get("HTTP_AUTHORIZATION", ""))
    region, signer = signed.groups() if signed else ("", "")
    target, kind = headers.get("HTTP_X_AMZ_TARGET", ""), headers.get("CONTENT_TYPE", "")
    if target:
        action, names = target.rpartition(".")[2], set(json.loads(body or b"{}"))
    else:
        form = body.decode("utf-8", "replace") if kind.startswith("application/x-www-form-urlencoded") else ""
        asked = dict(parse_qsl(form, keep_blank_values=True))
        action, names = asked.get("Action", path), {name.partition(".")[0] for name in asked} - {"Action", "Version"}
    return Call(
        service=BOTO_NAMES.get(signer, signer),
        action=action,
        parameters=tuple(sorted(names)),
        region=region,
        at=at,
        user_agent=headers.get("HTTP_USER_AGENT", ""),
    )
