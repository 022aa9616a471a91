"""What there is at a cloud as far as Terraform sees it: what it made, and what somebody else has changed since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]
ACCOUNT = "123456789012"
PROJECT = "acme-prod"
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/{{}}"
"""The ARN of a role, which is looked at: rights are given for it."""


@dataclass(kw_only=True)
class World:
    """The things of one cloud, by type and id. Tests read them, and change them as another hand would."""

    things: dict[tuple[str, str], Values] = field(default_factory=dict)
    data: dict[str, Values] = field(default_factory=dict)
    """What data sources of a type answer, over what is made up."""
    makers: Mapping[str, Callable[[Values], Values]] = field(default_factory=dict)
    """Types whose things are really made, somewhere; each gives what is computed there: ids, ARNs, addresses."""
    readers: Mapping[str, Callable[[Values], Values]] = field(default_factory=dict)
    """Types whose things are really looked at there; each gives what is other than it was."""
    refuses: dict[str, str] = field(default_factory=dict)
    """Types whose making fails, each with the reason that is given."""

    def of(self, kind: str) -> list[Values]:
        """All things of a type."""
        return [values for (each, _id), values in self.things.items() if each == kind]

    def one(self, kind: str, **wanted: Any) -> Values:
        """The only thing of a type that has these values."""
        found = [each for each in self.of(kind) if wanted.items() <= each.items()]
        assert len(found) == 1, f"{len(found)} of {kind} with {wanted}"
        return found[0]

    def change(self, kind: str, values: Mapping[str, Any], **wanted: Any) -> None:
        """Another hand writes these values on the one thing that has those that are wanted."""
        self.one(kind, **wanted).update(values)


def made_up(kind: str, name: str, attribute: str, type_: Any, values: Mapping[str, Any]) -> Any:
    """What a provider answers for an attribute that it computes: the same for the same thing, and of the right form."""
    if type_ == "string":
        return _text(kind, name, attribute, values)
    if type_ == "number":
        return 1
    if type_ == "bool":
        return False
    if type_ == "dynamic":
        return [b'"string"', f"{kind}/{name}/{attribute}"]
    return {} if type_[0] == "map" else []


def name_of(kind: str, values: Mapping[str, Any]) -> str:
    """What a thing is called, or a digest of what it is where it has no name."""
    named = values.get("name") or values.get("bucket") or values.get("account_id") or values.get("role_id")
    if isinstance(named, str):
        return named
    told = json.dumps([kind, values], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _text(kind: str, name: str, attribute: str, values: Mapping[str, Any]) -> str:
    service, _, noun = kind.partition("_")
    mail = f"{name}@{values.get('project') or PROJECT}.iam.gserviceaccount.com"
    forms = {
        "arn": _ROLE.format(name) if noun == "iam_role" else f"arn:aws:{noun}:eu-west-1:{ACCOUNT}:{name}",
        "email": mail,
        "member": f"serviceAccount:{mail}",
        "dns_name": f"{name}.eu-west-1.elb.amazonaws.com",
        "private_ip": "10.20.0.10",
        "public_ip": "203.0.113.10",
        "address": "203.0.113.10",
        "self_link": f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/{noun}/{name}",
    }
    if attribute == "id" and kind in _BY_ARN:
        return forms["arn"]
    if attribute == "id" and service == "aws":
        return f"{noun.replace('_', '-')}-{name}"
    return forms.get(attribute, f"{kind}/{name}/{attribute}")


_BY_ARN = ("aws_lb", "aws_lb_listener", "aws_lb_listener_rule")
"""Things whose id is their ARN."""
