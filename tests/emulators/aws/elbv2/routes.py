"""The rules of a listener as values, and which of them a request meets: pure.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.emulators.aws.elbv2 import using
from tests.emulators.machines.proxy import Request


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One of a rule; all of them must be met."""

    field: str
    values: tuple[str, ...]
    """Any of them is enough; of a query string, `key=value` with both as patterns."""
    header: str = ""

    def met(self, request: Request) -> bool:
        """Whether the request meets it."""
        match self.field:
            case "host-header":
                return any(_like(value, request.host, case=False) for value in self.values)
            case "path-pattern":
                return any(_like(value, urlsplit(request.target).path, case=True) for value in self.values)
            case "http-header":
                sent = request.headers.get(self.header.lower())
                return sent is not None and any(_like(value, sent, case=False) for value in self.values)
            case "http-request-method":
                return request.method in self.values
            case "query-string":
                sent_pairs = parse_qsl(urlsplit(request.target).query, keep_blank_values=True)
                return any(_pair_like(value, pair) for value in self.values for pair in sent_pairs)
            case "source-ip":
                return any(ip_address(request.client) in ip_network(value) for value in self.values)
            case _:
                raise ValueError(f"a condition on {self.field}")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a request is met with."""

    arn: str
    conditions: tuple[Condition, ...]
    weights: tuple[tuple[str, int], ...] = ()
    """Of target groups, by their ARNs."""
    sticky: int = 0
    """Seconds for which a client stays with its target group; 0 for none."""
    status: int = 0
    """Of a fixed response or a redirect."""
    body: str = ""
    location: str = ""

    def met(self, request: Request) -> bool:
        """Whether the request meets all conditions."""
        return all(condition.met(request) for condition in self.conditions)


def rules_of(listener: Any) -> tuple[Rule, ...]:
    """The rules of moto's record of a listener, in the order in which they are looked at; the default one is last."""
    ordered = sorted(
        listener.rules.values(), key=lambda rule: (rule.is_default, 0 if rule.is_default else int(rule.priority))
    )
    return tuple(_rule(rule) for rule in ordered)


def first_met(rules: Sequence[Rule], request: Request) -> Rule:
    """The first rule that the request meets; the default one has no condition."""
    return next(rule for rule in rules if rule.met(request))


def _rule(rule: Any) -> Rule:
    """Its last action decides; a login before it is taken as done."""
    conditions = tuple(_condition(one) for one in rule.conditions)
    action: Mapping[str, Any] = rule.actions[-1].data
    if action["Type"] == "fixed-response":
        config = action["FixedResponseConfig"]
        body = config.get("MessageBody") or ""
        return Rule(arn=rule.arn, conditions=conditions, status=int(config["StatusCode"]), body=body)
    if action["Type"] == "redirect":
        config = action["RedirectConfig"]
        return Rule(
            arn=rule.arn,
            conditions=conditions,
            status=int(config["StatusCode"].removeprefix("HTTP_")),
            location=config.get("Path") or "/",
        )
    config = action.get("ForwardConfig") or {}
    weights = {one["TargetGroupArn"]: int(one.get("Weight", 1)) for one in config.get("TargetGroups") or []}
    sticky = config.get("TargetGroupStickinessConfig") or {}
    return Rule(
        arn=rule.arn,
        conditions=conditions,
        weights=tuple(weights.items()) or tuple((arn, 1) for arn in using.named(action)),
        sticky=int(sticky.get("DurationSeconds") or 0) if sticky.get("Enabled") else 0,
    )


def _condition(given: Mapping[str, Any]) -> Condition:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html"""
    name = given["Field"]
    config: Mapping[str, Any] = next((value for key, value in given.items() if key.endswith("Config")), {})
    values = config.get("Values") or given.get("Values") or []
    if name == "query-string":
        values = [f"{one.get('Key') or '*'}={one['Value']}" for one in values]
    return Condition(field=name, values=tuple(values), header=config.get("HttpHeaderName") or "")


def _pair_like(pattern: str, pair: tuple[str, str]) -> bool:
    key, _equals, value = pattern.partition("=")
    return _like(key, pair[0], case=False) and _like(value, pair[1], case=False)


def _like(pattern: str, text: str, *, case: bool) -> bool:
    """`*` for any characters, `?` for one."""
    return bool(_compiled(pattern, case).fullmatch(text))


@cache
def _compiled(pattern: str, case: bool) -> re.Pattern[str]:
    words = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.compile(words, re.DOTALL if case else re.DOTALL | re.IGNORECASE)
