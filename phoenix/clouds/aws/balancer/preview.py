"""The preview rule of a group: how it is told from other rules, and what it is made of. Pure.

A target group that no rule uses is not checked at all (`unused`, Target.NotInUse), and the service's own rule holds
only groups with a share: a stickiness cookie sends clients even to a target group of weight 0. So each attached group
has a rule of its own before the service's, for requests that carry its header. The header's value ends in a random
word, else every client could ask code that is not released. It also says whose rule this is, so that a look at the
rules alone tells which groups a place has attached.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from phoenix.clouds.aws.balancer.rule import Rule
from phoenix.clouds.aws.calls import Answer
from phoenix.errors import RefusedError
from phoenix.model import Place

HEADER = "x-phoenix-group"
LAST_PRIORITY = 50_000
_VALUES = 5
"""Values of all conditions of a rule together (user guide, load-balancer-limits)."""
_NAME = 76
"""Letters of a name in the header; its value has at most 128 (API_HttpHeaderConditionConfig)."""
_LOOK_UP = "~"
"""Before the target group's name, where the group's own is too long: then it is looked up."""
_HEADER = re.compile(r"(?P<name>.+)\.(?P<place>[0-9a-f]{8})(?P<token>[0-9a-f]{24})(?P<leaving>\.leaving)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewRule:
    """The rule by which a group alone is reached."""

    arn: str
    target_group: str
    group: str
    """Empty where its name was too long to be told."""
    header: str
    """The value that a request must carry."""
    leaving: bool
    """Whether the group was detached and its manager is still draining it: nobody is let in by this rule any more."""


def place_mark(project: str, place: Place) -> str:
    """What tells the preview rules of a place from those of others on the same listener."""
    text = f"{project}/{place.service}/{place.environment}"
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def header(group: str, target_group: str, mark: str, *, leaving: bool = False) -> str:
    """A new value of the header for the group: nobody can guess it."""
    name = quote(group, safe="")
    shown = name if len(name) <= _NAME and not name.startswith(_LOOK_UP) else f"{_LOOK_UP}{name_of(target_group)}"
    return f"{shown}.{mark}{secrets.token_hex(12)}{'.leaving' if leaving else ''}"


def name_of(target_group: str) -> str:
    """The name in a target group's ARN (`...:targetgroup/NAME/ID`)."""
    return target_group.partition("/")[2].rpartition("/")[0]


def found(rule: Rule, mark: str) -> PreviewRule | None:
    """The preview rule of this place that the rule is, or None where it is another."""
    forwards = list(rule.weights)
    for condition in rule.conditions:
        told = _HEADER.fullmatch(_header_of(condition))
        if told is not None and told["place"] == mark and len(forwards) == 1 and rule.priority is not None:
            return PreviewRule(
                arn=rule.arn,
                target_group=forwards[0],
                group="" if told["name"].startswith(_LOOK_UP) else unquote(told["name"]),
                header=told[0],
                leaving=told["leaving"] is not None,
            )
    return None


def is_one(rule: Rule) -> bool:
    """Whether the rule is a preview of any place: who does not know its word is not sent anywhere by it."""
    return any(_HEADER.fullmatch(_header_of(condition)) for condition in rule.conditions)


def conditions(live: Rule, value: str) -> list[dict[str, Any]]:
    """The header, and what the service's own rule asks for, so that a preview stays within its service.

    Where that would be more values than a rule may have, the header has to do: nobody else knows it.
    """
    asked = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": HEADER, "Values": [value]}}
    own = [_condition(each) for each in live.conditions]
    if sum(_values(each) for each in own) > _VALUES - 1:
        own = []
    return [asked, *own]


def hosts(live: Rule) -> tuple[str, ...]:
    """The host names that the service's rule is for, with something in the place of wildcards."""
    named = [
        value
        for condition in live.conditions
        if condition.get("Field") == "host-header"
        for value in _condition(condition).get("HostHeaderConfig", {}).get("Values", ())
    ]
    return tuple(value.replace("*", "preview").replace("?", "p") for value in named)


def free_priority(live: Rule, taken: Iterable[int], listener: str) -> int:
    """A priority for a rule before the service's: the nearest free one before it, so that what other rules take from
    the service they take from its preview, too. Before a default rule it is the next after all others, which leaves
    room on both sides. RefusedError where none is free.
    """
    used = set(taken)
    if live.priority is None and max(used, default=0) < LAST_PRIORITY:
        return max(used, default=0) + 1
    first = LAST_PRIORITY if live.priority is None else live.priority - 1
    for priority in range(first, 0, -1):
        if priority not in used:
            return priority
    raise RefusedError(
        f"no priority is free before {live.named(listener)}",
        details="each group needs a rule of its own before the service's, by which it is checked and previewed",
        resolution="Give the service's rule a higher number, or remove a rule before it.",
    )


def _header_of(condition: Answer) -> str:
    """The value for which the condition looks in our header; empty for other conditions."""
    config = condition.get("HttpHeaderConfig") or {}
    values = list(config.get("Values") or ())
    ours = condition.get("Field") == "http-header" and str(config.get("HttpHeaderName", "")).lower() == HEADER
    return str(values[0]) if ours and len(values) == 1 else ""


def _condition(condition: Answer) -> dict[str, Any]:
    """A condition as it is read, as it is written: AWS tells values of hosts and paths twice, and takes them once."""
    told = {key: value for key, value in condition.items() if value}
    old = {"host-header": "HostHeaderConfig", "path-pattern": "PathPatternConfig"}.get(str(told.get("Field")))
    values = told.pop("Values", None)
    if old and values and old not in told:
        told[old] = {"Values": values}
    return told


def _values(condition: Answer) -> int:
    return sum(
        len(config.get("Values") or config.get("RegexValues") or ())
        for config in condition.values()
        if isinstance(config, dict)
    )
