"""A rule of a listener: how it is read, and how its shares are rewritten with everything else left as it is. Pure.

Rules: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Rule.html and API_Action.html. The last
action of a rule routes (forward, redirect or fixed-response); those before it authenticate, and are never changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phoenix.clouds import rules
from phoenix.clouds.aws.calls import Answer

MOST_TARGET_GROUPS = 5
"""In one forward action, a limit that cannot be raised (user guide, load-balancer-limits)."""
ROUTING = frozenset({"forward", "redirect", "fixed-response"})
NOBODY: Answer = {
    "Type": "fixed-response",
    "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "no group serves"},
}
"""What a rule says for which no group serves, where nobody knows what it said before phoenix."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule as AWS tells it."""

    arn: str
    priority: int | None
    """None: the default rule of its listener, which comes last."""
    actions: tuple[Answer, ...]
    """In their order: the last one routes."""
    conditions: tuple[Answer, ...] = ()
    transforms: tuple[Answer, ...] = ()

    @property
    def routing(self) -> Answer:
        """The action that routes; empty where it has none, which AWS does not allow."""
        return _routing(self.actions)

    @property
    def weights(self) -> dict[str, int]:
        """The weight of each target group that it forwards to, by ARN."""
        return weights_of(self.routing)

    @property
    def elsewhere(self) -> str:
        """What it does where it does not forward: a page for maintenance, say; empty where it forwards."""
        kind = self.routing.get("Type", "forward")
        return "" if kind == "forward" else f"a {kind}"

    @property
    def shares(self) -> dict[str, int]:
        """The same as whole percents; a target group of weight 0 has share 0."""
        return {**dict.fromkeys(self.weights, 0), **rules.percents(self.weights)}

    @property
    def version(self) -> str:
        """A digest of what it does. Another one: somebody has changed it."""
        text = json.dumps([_plain(action) for action in self.actions], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def target_groups(self) -> frozenset[str]:
        """Every target group that one of its actions names."""
        return frozenset(arn for action in self.actions for arn in weights_of(action))

    def named(self, listener: str) -> str:
        """As people call it."""
        return f"{'the default rule' if self.priority is None else f'rule {self.priority}'} of the listener {listener}"


def parsed(answer: Answer) -> Rule:
    """A rule of DescribeRules."""
    priority = str(answer.get("Priority", "default"))
    return Rule(
        arn=answer["RuleArn"],
        priority=int(priority) if priority.isdecimal() else None,
        actions=tuple(sorted(answer.get("Actions", ()), key=lambda action: int(action.get("Order") or 0))),
        conditions=tuple(answer.get("Conditions", ())),
        transforms=tuple(answer.get("Transforms") or ()),
    )


def weights_of(action: Answer) -> dict[str, int]:
    """The weight of each target group of a forward action, by ARN; nothing for other actions."""
    if action.get("Type") != "forward":
        return {}
    several = (action.get("ForwardConfig") or {}).get("TargetGroups") or ()
    if not several and action.get("TargetGroupArn"):
        return {action["TargetGroupArn"]: 1}
    return {each["TargetGroupArn"]: int(each["Weight"] if each.get("Weight") is not None else 1) for each in several}


def forwarding(rule: Rule, weights: Mapping[str, int]) -> list[dict[str, Any]]:
    """The rule's actions, as AWS takes them, with these weights: nothing but the target groups is changed.

    A rule that did not forward does so from now on, at the place of what it did.
    """
    former = rule.routing if rule.routing.get("Type") == "forward" else {}
    config = {**(former.get("ForwardConfig") or {}), "TargetGroups": _tuples(weights)}
    return replaced(rule, {"Type": "forward", "ForwardConfig": config})


def replaced(rule: Rule, routing: Answer) -> list[dict[str, Any]]:
    """The rule's actions, as AWS takes them, with another one that routes, at the place of the one there is."""
    order = {"Order": rule.routing["Order"]} if rule.routing.get("Order") else {}
    before = [_written(action) for action in rule.actions if action is not rule.routing]
    return [*before, {**_written({key: value for key, value in routing.items() if key != "Order"}), **order}]


def does(rule: Rule, actions: Sequence[Answer]) -> bool:
    """Whether the rule routes as those actions do."""
    wanted = _routing(actions)
    if wanted.get("Type") == "forward":
        return rule.routing.get("Type") == "forward" and rule.weights == weights_of(wanted)
    return same(rule.routing, wanted)


def same(one: Answer, other: Answer) -> bool:
    """Whether two actions that route say the same."""
    return {**_plain(one), "Order": None} == {**_plain(other), "Order": None}


def _routing(actions: Sequence[Answer]) -> Answer:
    return next((action for action in reversed(actions) if action.get("Type") in ROUTING), {})


def _tuples(weights: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in sorted(weights.items())]


def _written(action: Answer) -> dict[str, Any]:
    """An action as it is read, as it is written: AWS never tells a client's secret, and keeps it where it is asked to
    (API_AuthenticateOidcActionConfig). A forward action's only target group is told twice.
    """
    written = dict(action)
    if action.get("Type") == "authenticate-oidc":
        told = {key: value for key, value in action["AuthenticateOidcConfig"].items() if key != "ClientSecret"}
        written["AuthenticateOidcConfig"] = {**told, "UseExistingClientSecret": True}
    if action.get("Type") == "forward":
        written.pop("TargetGroupArn", None)
        written["ForwardConfig"] = {**(action.get("ForwardConfig") or {}), "TargetGroups": _tuples(weights_of(action))}
    return written


def _plain(action: Answer) -> dict[str, Any]:
    """An action so that two that say the same are the same, however AWS tells them."""
    return {key: value for key, value in _written(action).items() if value is not None}
